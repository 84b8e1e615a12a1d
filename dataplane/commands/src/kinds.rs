//! One file for each kind of write: its check, and the message that is logged for it.

pub(crate) mod condition;
pub(crate) mod configure;
pub(crate) mod delete;
pub(crate) mod index;
pub(crate) mod payload;
pub(crate) mod tenant;
pub(crate) mod upsert;
pub(crate) mod vectors;
