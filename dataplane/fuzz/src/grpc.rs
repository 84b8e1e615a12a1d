//! Calls of gRPC with any bytes for a message.

use std::str::FromStr;
use std::time::Duration;

use prost::Message;
use prost::bytes::{Buf, BufMut};
use tokio::runtime::{Builder, Runtime};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use vane_proto::admin::Disk;
use vane_proto::peer::introduce_reply::Outcome;
use vane_proto::peer::{IntroduceReply, Introduction, Start};

use crate::Failure;

/// Time for a call: those that wait for something that never comes end by it.
const PATIENCE: Duration = Duration::from_secs(5);
/// The member that the caller calls itself, on a disk of its own.
const ME: u64 = 2;
const DISK: &str = "00000000-0000-0000-0000-0000000000aa";

/// A caller that knows the secret and the cluster.
pub(crate) struct Caller {
    runtime: Runtime,
    channel: Channel,
    token: String,
    cluster: String,
}

impl Caller {
    /// Of the node that listens at `address` and keeps its secret below `dir`.
    pub(crate) fn new(address: &str, dir: &std::path::Path) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::of("a caller", error);
        let token = std::fs::read_to_string(dir.join("data/admin-token"))
            .map_err(|error| failed(&error))?;
        let (runtime, channel) = connect(address)?;
        let token = format!("Bearer {}", token.trim());
        let mut caller = Self { runtime, channel, token, cluster: String::new() };
        caller.cluster = caller.ask::<Disk>("GetDisk", &())?.cluster_id;
        Ok(caller)
    }

    /// The same at another address of the node.
    pub(crate) fn at(&self, address: &str) -> Result<Self, Failure> {
        let (runtime, channel) = connect(address)?;
        Ok(Self { runtime, channel, token: self.token.clone(), cluster: self.cluster.clone() })
    }

    /// Asks administration for something that it must answer.
    pub(crate) fn ask<R: Message + Default>(
        &self,
        method: &str,
        request: &impl Message,
    ) -> Result<R, Failure> {
        let path = format!("/vane.admin.v1.Admin/{method}");
        let reply = self
            .call(&path, vec![request.encode_to_vec()])
            .map_err(|status| Failure::of(&path, status))?;
        R::decode(reply.as_slice()).map_err(|error| Failure::of(&path, error))
    }

    /// Says who calls: without it other nodes' calls are refused before they are looked at.
    pub(crate) fn introduce(&self) -> Result<(), Failure> {
        let path = peer("Introduce");
        let introduction = Introduction {
            node: ME,
            disk: DISK.to_owned(),
            start: Some(Start { number: 1, boot: 1 }),
            address: "127.0.0.1:1".to_owned(),
            before: Vec::new(),
        };
        let reply = self
            .call(&path, vec![introduction.encode_to_vec()])
            .map_err(|status| Failure::of(&path, status))?;
        let reply = IntroduceReply::decode(reply.as_slice());
        match reply.map_err(|error| Failure::of(&path, error))?.outcome {
            Some(Outcome::Accepted(_)) => Ok(()),
            other => Err(Failure(format!("{path} answers {other:?}"))),
        }
    }

    /// Calls a method with messages as they are: on the wire a call with one message and a
    /// stream of one look the same.
    pub(crate) fn call(&self, path: &str, messages: Vec<Vec<u8>>) -> Result<Vec<u8>, Status> {
        let internal = |error: &dyn std::fmt::Display| Status::internal(error.to_string());
        let path = PathAndQuery::from_str(path).map_err(|error| internal(&error))?;
        let ascii =
            |text: &str| text.parse::<MetadataValue<Ascii>>().map_err(|error| internal(&error));
        let mut request = Request::new(tokio_stream::iter(messages));
        request.set_timeout(PATIENCE);
        request.metadata_mut().insert("authorization", ascii(&self.token)?);
        request.metadata_mut().insert("vane-cluster", ascii(&self.cluster)?);
        request.metadata_mut().insert("vane-life", ascii(&format!("{ME}/{DISK}/1/1"))?);
        request.metadata_mut().insert("vane-protocol", MetadataValue::from(2_u32));
        self.runtime.block_on(async {
            let mut client = tonic::client::Grpc::new(self.channel.clone());
            client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
            client.client_streaming(request, path, AnyBytes).await.map(|reply| reply.into_inner())
        })
    }
}

fn connect(address: &str) -> Result<(Runtime, Channel), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::of("a caller", error);
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(|error| failed(&error))?;
    let endpoint =
        Endpoint::from_shared(format!("http://{address}")).map_err(|error| failed(&error))?;
    // It needs a runtime around it, although it connects later.
    let channel = runtime.block_on(async { endpoint.connect_lazy() });
    Ok((runtime, channel))
}

/// A method of the service of nodes.
pub(crate) fn peer(method: &str) -> String {
    format!("/vane.peer.v2.Peer/{method}")
}

/// Whether an answer says that the node failed. What cannot be decoded is refused as an
/// internal error by the library that decodes.
pub(crate) fn has_failed(status: &Status) -> bool {
    match status.code() {
        Code::Internal => !status.message().contains("decode"),
        Code::Unknown => true,
        _ => false,
    }
}

/// Messages that are bytes.
struct AnyBytes;

impl Codec for AnyBytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for AnyBytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&message);
        Ok(())
    }
}

impl Decoder for AnyBytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut message = vec![0; from.remaining()];
        from.copy_to_slice(&mut message);
        Ok(Some(message))
    }
}
