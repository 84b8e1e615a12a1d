//! Compressed messages, made whole before they are read: what they become counts as a body does,
//! which the library that would do it bounds for each alone.

use std::io::Read;

use axum::http::HeaderMap;
use flate2::read::MultiGzDecoder;
use vane_api::{Error, Kind};
use vane_service::BodyRoom;

use super::HEAD_BYTES;

/// What messages of a call are compressed with, if they are.
const ENCODING: &str = "grpc-encoding";
/// What comes out is taken up in pieces of this size.
const PIECE_BYTES: usize = 64 << 10;

/// The body of a call without compression; one in another way than gzip stays, and is refused
/// where it is read.
///
/// # Errors
/// `TooLarge` where it becomes more than `max` bytes, a bad request where it is no gzip.
pub(super) async fn taken_away(
    body: Vec<u8>,
    headers: &mut HeaderMap,
    max: usize,
    room: &mut BodyRoom<'_>,
) -> Result<Vec<u8>, Error> {
    if headers.get(ENCODING).is_none_or(|encoding| encoding != "gzip") {
        return Ok(body);
    }
    headers.remove(ENCODING);
    match body.split_at_checked(HEAD_BYTES) {
        Some(([1, length @ ..], message)) if is_length(length, message) => {
            whole(message, max, room).await
        }
        // It was said that it may be, and it is not.
        _ => Ok(body),
    }
}

fn is_length(stated: &[u8], message: &[u8]) -> bool {
    u32::try_from(message.len()).is_ok_and(|length| length.to_be_bytes() == *stated)
}

async fn whole(message: &[u8], max: usize, room: &mut BodyRoom<'_>) -> Result<Vec<u8>, Error> {
    let (mut unpacking, mut piece) = (MultiGzDecoder::new(message), vec![0; PIECE_BYTES]);
    let mut body = vec![0; HEAD_BYTES];
    loop {
        let read = unpacking.read(&mut piece);
        let length =
            read.map_err(|error| Error::bad_request(format!("the message is no gzip: {error}")))?;
        if length == 0 {
            break;
        }
        if body.len() + length > max + HEAD_BYTES {
            let detail = format!(
                "the message becomes larger than allowed (limit: {max} bytes); split the request, \
                 or raise max_request_bytes"
            );
            return Err(Error::new(Kind::TooLarge, "", detail));
        }
        room.grow(length).await?;
        body.extend_from_slice(&piece[..length]);
    }
    let length = u32::try_from(body.len() - HEAD_BYTES).unwrap_or(u32::MAX);
    body[1..HEAD_BYTES].copy_from_slice(&length.to_be_bytes());
    Ok(body)
}
