//! `make bench`: FAISS, replication and failures, measured in one run.

use std::process::ExitCode;

use clap::Parser;
use vane_bench::{bench, end};

fn main() -> ExitCode {
    end("bench", bench::run(&bench::Args::parse()))
}
