//! `Collection`: dereference → validate → plan → apply → update status, against the database.

pub mod apply;
pub mod body;
mod claim;
pub mod dereference;
pub mod observed;
pub mod plan;
pub mod reconcile;
pub mod spread;
pub mod status;
pub mod validate;
