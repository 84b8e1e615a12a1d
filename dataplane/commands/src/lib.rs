//! Writes: what a caller may ask to change, and the commands that are logged for it.
//!
//! Owns the way from a [`Write`] over its check to the [`Command`] of each shard, and the
//! stored form of commands. Each kind of write has one file with its check and its message;
//! what it does to a shard lies in a file of the same name in `vane-shard`'s `apply`.
//!
//! It must never do I/O, look at a shard's state, or know who holds a shard: what is refused
//! here is refused from the collection's configuration alone, before anything is logged.

mod checked;
mod command;
mod configure;
mod delete;
mod error;
mod index;
mod payload;
mod targets;
mod upsert;
mod vectors;
mod write;

pub use checked::Checked;
pub use command::{Change, Command};
pub use configure::Configure;
pub use error::Error;
pub use index::{CreateIndex, DropIndex};
pub use payload::{DeletePayload, SetPayload};
pub use targets::{FILTER_SEMANTICS, Selection, Targets};
pub use upsert::{NewPoint, Point, Upsert, Vector, known_vector};
pub use vectors::DeleteVectors;
pub use write::{Write, check};
