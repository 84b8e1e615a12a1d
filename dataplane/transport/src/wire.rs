//! What nodes say to each other, between its wire form and the types of the data plane.
//!
//! Conversions to the wire cannot fail; those from it are total: whatever another node sends
//! becomes a value or an [`Unreadable`], never a panic. Nothing here decides anything.

pub(crate) mod failure;
mod filter;
mod filter_field;
mod header;
pub(crate) mod join;
pub(crate) mod leader_request;
pub(crate) mod proposal;
mod read_reply;
mod record;
pub(crate) mod report;
mod search;
mod unreadable;
mod vector;
mod want;

use std::str::FromStr;

use vane_types::{JsonPath, PointId};

pub(crate) use filter::{filter_from_wire, filter_to_wire};
pub(crate) use header::Header;
pub(crate) use header::{header_from_wire, header_to_wire};
pub(crate) use read_reply::{AnswerOf, WireReply, WireRequest};
pub(crate) use read_reply::{answered_from_wire, answered_to_wire};
pub(crate) use record::{record_from_wire, record_to_wire, records_from_wire};
pub(crate) use search::{search_from_wire, search_to_wire};
pub(crate) use unreadable::Unreadable;
pub(crate) use vector::{vector_from_wire, vector_to_wire};
pub(crate) use want::{want_from_wire, want_to_wire};

/// A message that must be there.
pub(crate) fn need<T>(part: Option<T>, what: &'static str) -> Result<T, Unreadable> {
    part.ok_or(Unreadable::Missing(what))
}

/// One of the choices that an enumeration knows.
pub(crate) fn choice<E: TryFrom<i32>>(value: i32, what: &'static str) -> Result<E, Unreadable> {
    E::try_from(value).map_err(|_| Unreadable::UnknownChoice { what, value })
}

/// A point id in its stored form.
pub(crate) fn point_id(key: &[u8]) -> Result<PointId, Unreadable> {
    PointId::from_key(key).ok_or(Unreadable::PointId)
}

/// Point ids in their stored form.
pub(crate) fn point_ids(keys: &[Vec<u8>]) -> Result<Vec<PointId>, Unreadable> {
    keys.iter().map(|key| point_id(key)).collect()
}

/// Stored forms of point ids.
pub(crate) fn keys_of(ids: impl IntoIterator<Item = PointId>) -> Vec<Vec<u8>> {
    ids.into_iter().map(PointId::to_key).collect()
}

/// A path into a payload.
pub(crate) fn path(text: &str) -> Result<JsonPath, Unreadable> {
    JsonPath::from_str(text).map_err(|error| Unreadable::Path(error.to_string()))
}

/// A number that counts things in memory.
pub(crate) fn size(number: u64) -> Result<usize, Unreadable> {
    usize::try_from(number).map_err(|_| Unreadable::TooLarge(number))
}
