//! A real Kubernetes for tests: its own API server and controllers, without machines.
//!
//! Owns where Kubernetes' binaries come from (`kubernetes/tools`), the processes and who may
//! talk to them. It knows the definitions of the API and nothing of the operator, whose
//! tests stand on it.

#![forbid(unsafe_code)]

pub mod apiserver;

pub use apiserver::{Access, ApiServer, Error};
