//! The node as a process: settings, REST, administration, health, metrics, logs, start and
//! stop.
//!
//! Owns what is of HTTP and of gRPC: routes, limits of bodies, status codes, and which
//! requests are let in. It must never know a segment, a log or a file of the engine (it
//! calls `vane-cluster` only), and nothing a client sends may bring it to panic.

pub mod args;
pub mod local;
pub mod settings;

mod admin;
mod connections;
mod health;
mod metric_definitions;
mod metrics;
mod node;
mod peer;
mod rest;
mod serve;
mod telemetry;

pub use serve::{StartError, serve};
