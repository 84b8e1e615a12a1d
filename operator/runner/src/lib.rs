//! Runs the pods that the operator describes as processes of this machine.
//!
//! Owns what a pod comes to without containers: addresses, environment, files, processes. The
//! [`Kubelet`] does so for a real API server, which integration tests stand on. It decides
//! nothing about a cluster: whoever makes the pods does.

#![forbid(unsafe_code)]

pub mod addresses;
mod error;
mod group;
pub mod kubelet;
pub mod pod;
pub mod probe;
pub mod process;
pub mod set;
pub mod up;

pub use error::Error;
pub use kubelet::Kubelet;
pub use pod::Plan;
pub use process::Process;
