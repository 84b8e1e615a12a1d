//! The messages of Qdrant's gRPC: what is asked becomes what REST asks, and is read by the same
//! code; what is answered becomes messages.
//!
//! A message is written down as the body that REST has for the same request ([`Form`]), and that
//! is read as any other: what is refused, and by which text, is said once, in [`crate::rest`]. No
//! text of JSON is made on the way, and vectors stay beside the body as they came.

mod alias;
mod cluster;
mod cluster_operation;
mod collection;
mod config;
mod examples;
mod filter;
mod formula;
mod index;
mod info;
mod query;
mod rank;
mod read;
mod recommend;
mod record;
mod select;
mod terms;
#[cfg(test)]
mod tests;
mod update;
mod value;
mod vector;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::rest::lists::Beside;
use crate::rest::parse::read_strictly;
use crate::rest::text;

pub use cluster::cluster_info;
pub use info::collection_info;
pub use rank::{counted, matrix_offsets, matrix_pairs};
pub use record::{grouped, next_page, retrieved, scored};
pub use select::{shard_key, shard_keys};
pub use terms::{Termed, Terms};
pub use update::updated;

/// The fields of a body.
type Fields = Map<String, Value>;

/// A message that asks for what REST asks for as well.
pub trait Form {
    /// What REST reads.
    type Body: DeserializeOwned;

    /// The body that REST has for it.
    ///
    /// # Errors
    ///
    /// `Kind::Malformed` where the message lacks a part without which there is no body.
    fn form(self, lists: &mut Lists) -> Result<Value, Error>;
}

/// Vectors of a message, which stand beside its body.
#[derive(Debug, Default)]
pub struct Lists(Beside);

/// Reads a message.
///
/// # Errors
///
/// What is wrong with it, as REST says it.
pub fn read<M: Form>(message: M) -> Result<M::Body, Error> {
    let mut lists = Lists::default();
    let body = message.form(&mut lists)?;
    // Made here: a field that REST passes over would be a mistake of ours, and no client's.
    lists.0.read(|| read_strictly(body))
}

/// Where fields of a query's body lie in REST, and do not in a message.
const OF_REST: &str = "internal.";

/// What a client is told of a failed call.
pub fn text(error: &Error) -> String {
    match error.subject.strip_prefix(OF_REST) {
        None => text::text_of("body", error),
        Some(subject) => {
            text::text_of("body", &Error { subject: subject.to_owned(), ..error.clone() })
        }
    }
}

/// A part of a message that has to be there.
fn needed<T>(part: Option<T>, what: &str) -> Result<T, Error> {
    part.ok_or_else(|| Error::malformed(format_args!("`{what}` is needed")))
}

/// Adds a field where there is a value for it.
fn put(fields: &mut Fields, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        fields.insert(name.to_owned(), value.into());
    }
}

/// A field that asks for what this version does not have: its name is enough to refuse it.
fn unread<T>(part: Option<T>) -> Option<bool> {
    part.map(|_| true)
}
