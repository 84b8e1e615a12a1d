//! `make bench`: FAISS, peers, replication and failures, measured in one run; and two runs
//! beside each other.

use std::process::ExitCode;

use clap::Parser;
use vane_bench::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
