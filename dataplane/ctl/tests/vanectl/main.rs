//! The real binary against the far end of the wire: tables, JSON, exit codes, failures.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod canned;
mod changes;
mod closed_pipe;
mod failures;
mod lists;
mod moves;
mod node;
mod vanectl;
mod waiting;
