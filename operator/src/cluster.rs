//! `VectorCluster`: dereference → validate → plan → build → apply → update status. Validating,
//! planning and building are pure; only the others talk to Kubernetes and to the database.

pub mod apply;
pub mod build;
pub mod dereference;
pub mod observed;
pub mod plan;
pub mod reconcile;
pub mod status;
pub mod validate;
