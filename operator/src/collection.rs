//! `Collection`: validate → dereference → plan → apply → update status, against the database.

pub mod apply;
mod body;
mod claim;
mod dereference;
pub mod observed;
pub mod plan;
mod recall;
pub(crate) mod reconcile;
mod spread;
mod status;
mod text;
pub mod validate;
mod vectors;
