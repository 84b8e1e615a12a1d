//! The operator against a real API server: what it makes, what it says, what it leaves alone.
//! The operator is its own process, as a Deployment would run it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "what was measured is part of what a test says")]

mod away;
mod children;
mod deploy;
mod drains;
mod foreign;
mod growth;
mod guide;
mod idle;
mod life;
mod losses;
mod machines;
mod many;
mod ownership;
mod pair;
mod process;
mod recover;
mod rest;
mod rolls;
mod safety;
mod scale;
mod snapshot;
mod vectors;
mod world;
mod writer;
