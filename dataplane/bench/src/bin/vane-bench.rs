//! `make bench`: FAISS, replication and failures, measured in one run.

use std::process::ExitCode;

use clap::Parser;
use vane_bench::{Error, bench};

fn main() -> ExitCode {
    match bench::run(&bench::Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A signal reaches the nodes too, and then requests to them fail first.
            let error = if vane_bench::interrupt::requested() { Error::Interrupted } else { error };
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
