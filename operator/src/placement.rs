//! `ShardPlacement`: one per shard, made here, and what the database says of it. Nobody's
//! copies are moved: that comes with later versions.

mod build;
mod sync;

pub(crate) use sync::sync;
