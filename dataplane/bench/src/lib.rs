//! The demo and the load generator: clients of real nodes, over their REST API.
//!
//! Owns the data files' format, the measuring, and what people read on the terminal. It knows of
//! Vane's own crates only the index, to put FAISS itself beside the node, how texts become sparse
//! vectors, and the local clusters that the benchmark starts; the demo's nodes are those of
//! `vane up`, which it runs as a process. It must never reach into a node any other way than a
//! user's client or administrator would.
#![allow(clippy::print_stdout, reason = "printing is what these programs are for")]

mod baseline;
mod bench;
mod cli;
mod client;
mod compare;
mod contender;
mod curve;
mod dataset;
pub mod demo;
mod draw;
mod error;
mod exact;
mod failover;
mod figures;
mod grow;
mod interrupt;
mod load;
mod machine;
mod measure;
mod output;
mod pulse;
mod recall;
mod report;
mod significance;
mod table;
mod texts;
mod zipf;

pub use cli::Cli;
pub use error::Error;

/// How a program of that name ends; what went wrong is said on standard error.
pub fn end(program: &str, outcome: Result<(), Error>) -> std::process::ExitCode {
    if let Err(error) = outcome {
        eprintln!("{program}: {error}");
        return std::process::ExitCode::FAILURE;
    }
    std::process::ExitCode::SUCCESS
}
