//! `Collection`: dereference → plan → apply → update status, against the database.

pub mod apply;
pub mod body;
pub mod dereference;
pub mod observed;
pub mod plan;
pub mod reconcile;
pub mod status;
