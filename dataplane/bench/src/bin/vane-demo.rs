//! `make demo`: a node, real data, three searches by meaning.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match vane_bench::demo::run(&vane_bench::demo::Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}
