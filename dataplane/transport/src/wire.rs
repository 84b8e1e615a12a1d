//! What nodes say to each other, between its wire form and the types of the data plane.
//!
//! Conversions to the wire cannot fail; those from it are total: whatever another node sends
//! becomes a value or an [`Unreadable`], never a panic. Nothing here decides anything.

pub(crate) mod failure;
mod filter;
mod filter_field;
mod header;
pub(crate) mod introduction;
pub(crate) mod join;
pub(crate) mod leader_request;
mod message;
mod plain;
pub(crate) mod proposal;
mod rank;
mod record;
mod report;
mod shard;
mod sought;
mod unreadable;
mod vector;
mod want;

pub(crate) use header::{Header, header_from_wire, header_to_wire};
pub(crate) use message::{choices, message, part};
pub(crate) use unreadable::Unreadable;

/// A value that travels: as a message, or as a field of one.
pub(crate) trait Wire: Sized {
    /// Its wire form.
    type Message;

    fn into_message(self) -> Self::Message;

    /// # Errors
    /// What of it this version cannot read.
    fn from_message(message: Self::Message) -> Result<Self, Unreadable>;
}

/// A message that must be there.
pub(crate) fn need<T>(part: Option<T>, what: &'static str) -> Result<T, Unreadable> {
    part.ok_or(Unreadable::Missing(what))
}

/// One of the choices that an enumeration knows.
pub(crate) fn choice<E: TryFrom<i32>>(value: i32, what: &'static str) -> Result<E, Unreadable> {
    E::try_from(value).map_err(|_| Unreadable::UnknownChoice { what, value })
}
