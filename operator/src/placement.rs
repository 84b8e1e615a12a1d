//! `ShardPlacement`: one per shard, made here, what the database says of it, and where people want
//! its copies.

mod build;
mod pin;
mod sync;

pub(crate) use sync::sync;
