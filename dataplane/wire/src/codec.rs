//! How messages are read: what is none is a mistake of the client's.

use std::marker::PhantomData;

use prost::bytes::Buf;
use prost::{Message, Name};
use tonic::Status;
use tonic::codec::{DecodeBuf, Decoder};
use tonic_prost::ProstEncoder;

use crate::weight;

/// As tonic's own, but that bytes which are no message are an invalid argument: tonic takes them
/// for a defect of the server.
#[derive(Debug)]
pub struct Codec<Encode, Decode>(PhantomData<(Encode, Decode)>);

impl<E, D> Default for Codec<E, D> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<E, D> tonic::codec::Codec for Codec<E, D>
where
    E: Message + Send + 'static,
    D: Message + Name + Default + Send + 'static,
{
    type Encode = E;
    type Decode = D;
    type Encoder = ProstEncoder<E>;
    type Decoder = Reader<D>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        Reader(PhantomData)
    }
}

/// Reads messages.
#[derive(Debug)]
pub struct Reader<D>(PhantomData<D>);

impl<D: Message + Name + Default> Decoder for Reader<D> {
    type Item = D;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<D>, Status> {
        // All of it: tonic has a message whole before it is read.
        if !weight::fits(&format!(".{}", D::full_name()), bytes.chunk()) {
            return Err(Status::resource_exhausted(
                "Bad request: the message has too many parts for its size; split the request",
            ));
        }
        let read = D::decode(bytes).map(Some);
        read.map_err(|error| Status::invalid_argument(format!("Bad request: {error}")))
    }
}
