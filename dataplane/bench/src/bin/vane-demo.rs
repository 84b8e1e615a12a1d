//! `make demo`: three nodes, real data, searches by meaning, and a node killed meanwhile.

use std::process::ExitCode;

use clap::Parser;
use vane_bench::{demo, end};

fn main() -> ExitCode {
    end("demo", demo::run(&demo::Args::parse()))
}
