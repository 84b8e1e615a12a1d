//! The node as a process: settings, REST, Qdrant's gRPC, administration, health, metrics, logs,
//! start and stop.
//!
//! Owns what is of HTTP and of gRPC: routes, how bodies are read, status codes, connections. It
//! must never know a segment, a log or a file of the engine: requests go to `vane-service`, and
//! `vane-node` is called to start, to stop and to look at. Nothing that a client sends may bring
//! it to panic.

pub mod args;
pub mod exec_up;
pub mod settings;

mod admin;
mod bodies;
mod connections;
mod engine;
mod environment;
mod grpc;
mod health;
mod live;
mod metrics;
mod peer;
mod read_options;
mod recover;
mod rest;
mod runtime;
mod serve;
mod state;
mod telemetry;

pub use recover::recover;
pub use serve::{StartError, serve};
