//! `make demo`: three nodes, real data, searches by meaning, and a node killed meanwhile.

use std::process::ExitCode;

use clap::Parser;
use vane_bench::{Error, demo};

fn main() -> ExitCode {
    match demo::run(&demo::Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A signal reaches the nodes too, and then requests to them fail first.
            let error = if vane_bench::interrupt::requested() { Error::Interrupted } else { error };
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}
