//! `make bench`: a node beside FAISS, in one run.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match vane_bench::bench::run(&vane_bench::bench::Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
