//! `VectorCluster`: dereference → validate → plan → build → apply → update_status. Planning
//! and building are pure; only the others talk to Kubernetes and to the database.

pub mod build;
pub mod observed;
pub mod plan;
