//! The node as a process: settings, REST, administration, health, metrics, logs, start and
//! stop.
//!
//! Owns what is of HTTP and of gRPC: routes, limits of bodies, status codes, and which
//! requests are let in. It must never know a segment, a log or a file of the engine (it
//! calls `vane-service`, and `vane-cluster` to start and to stop), and nothing a client sends may bring it to panic.

pub mod args;
pub mod local;
pub mod settings;

mod admin;
mod connections;
mod engine;
mod health;
mod metrics;
mod peer;
mod rest;
mod serve;
mod state;
mod telemetry;

pub use serve::{StartError, serve};
