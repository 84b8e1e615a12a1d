//! `make demo`: three nodes, real data, searches by meaning, and a node killed meanwhile.

use std::process::ExitCode;

use clap::Parser;
use vane_bench::demo;

fn main() -> ExitCode {
    match demo::run(&demo::Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}
