//! The shapes of requests and answers, one folder a door, and what is wrong with a request.
//!
//! Owns how a shape of Qdrant's API or of the administration becomes what the engine understands,
//! how its results become answers, and the texts of errors. It must never do I/O, wait, or know
//! HTTP: a status code is the business of whoever listens.

pub mod admin;
pub mod error;
pub mod grpc;
pub mod rest;

mod engine;
mod limited;

pub use error::{Error, Kind, not_ready};
