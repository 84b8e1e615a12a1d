//! Writes: what a caller may ask to change, and the commands that are logged for it.
//!
//! Owns the way from a [`Write`] over its check to the [`Command`] of each shard, and the
//! stored form of commands. Each kind of write has one file in `kinds`, with its check and its
//! message; what it does to a shard lies in a file of the same name in `vane-shard`'s `apply`.
//!
//! It must never do I/O, look at a shard's state, or know who holds a shard: what is refused
//! here is refused from the collection's configuration alone, before anything is logged.

mod bounds;
mod checked;
mod command;
mod error;
mod kinds;
mod readable;
mod routed;
mod targets;
mod vector;
mod write;

pub use bounds::Bounds;
pub use checked::{Checked, Commands};
pub use command::{Change, Command, Logged};
pub use error::Error;
pub use kinds::condition::{Condition, LoggedCondition, UpdateMode};
pub use kinds::configure::Configure;
pub use kinds::index::{CreateIndex, DropIndex};
pub use kinds::payload::{DeletePayload, SetPayload};
pub use kinds::tenant::CloseTenant;
pub use kinds::upsert::{NewPoint, Point, Upsert};
pub use kinds::vectors::DeleteVectors;
pub use readable::{Unreadable, read_id, read_path, read_payload, read_schema, read_tenant};
pub use routed::RoutedBy;
pub use targets::{FILTER_SEMANTICS, Selection, Targets};
pub use vector::{LoggedVector, NoVector, fit, known_vector};
pub use write::{Write, check};
