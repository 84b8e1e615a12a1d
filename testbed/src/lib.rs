//! What tests, demo and benchmark start on this machine, and what they do to it: clusters of
//! real `vane serve` processes, an API server, a kubelet; killed, stopped and frozen
//! processes, links cut between chosen nodes.
//!
//! Owns processes, their addresses and the links between them. It holds no test of the
//! product, and nothing of the product depends on it. It knows the node only from outside
//! (its binary, its REST API, its admin interface), so that what a test sees is what a user
//! would. Node i of a [`Cluster`] listens on 127.0.0.(10+i).

#![forbid(unsafe_code)]

mod admin;
pub mod apiserver;
mod cluster;
mod error;
mod group;
pub mod kubelet;
mod links;
mod node;
pub mod proc;
pub mod program;
mod rest;
mod wait;

pub use admin::Admin;
pub use apiserver::{Access, ApiServer};
pub use cluster::{Cluster, Options};
pub use error::Error;
pub use kubelet::Kubelet;
pub use links::Links;
pub use node::Node;
pub use rest::{Answer, RawAnswer, Rest};
pub use wait::{pause, wait_until, wait_until_async};
