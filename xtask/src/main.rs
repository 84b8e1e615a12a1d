//! `cargo run -p xtask -- COMMAND`: what `make tidy` shows and lowers.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a command")]

use std::process::ExitCode;

use xtask::{Error, Figures, Ratchet, Workspace, picture, table};

const USAGE: &str = "usage: xtask tidy    show the figures of each crate
       xtask lower   lower the numbers of xtask/ratchet.txt to what crates have
       xtask layers  show the layers as ARCHITECTURE.md must have them";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tidy"] => tidy(),
        ["lower"] => lower(),
        ["layers"] => {
            print!("{}", picture());
            Ok(())
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tidy() -> Result<(), Error> {
    print!("{}", table(&Figures::of_all(&Workspace::read()?)));
    Ok(())
}

fn lower() -> Result<(), Error> {
    let workspace = Workspace::read()?;
    let lowered = Ratchet::read(&workspace)?.lowered(&Figures::of_all(&workspace));
    lowered.write(&workspace)
}
