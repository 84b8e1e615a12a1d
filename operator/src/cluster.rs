//! `VectorCluster`: validate → dereference → plan → build → apply → update status. Validating,
//! planning and building are pure; only the others talk to Kubernetes and to the database.

mod apply;
pub mod build;
mod claims;
mod dereference;
mod live;
mod local;
mod looks;
pub mod observed;
pub mod plan;
pub mod recipe;
pub(crate) mod reconcile;
pub mod standing;
mod status;
mod updated;
pub mod validate;
mod volumes;
