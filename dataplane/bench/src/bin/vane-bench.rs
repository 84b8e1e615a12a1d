//! `make bench`: FAISS, replication and failures, measured in one run.

use std::process::ExitCode;

use clap::Parser;
use vane_bench::bench;

fn main() -> ExitCode {
    match bench::run(&bench::Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
