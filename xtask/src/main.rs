//! `cargo run -p xtask -- COMMAND`: what `make tidy` shows.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a command")]

use std::process::ExitCode;

use xtask::{Figures, Workspace, picture, table};

const USAGE: &str = "usage: xtask tidy    show the figures of each crate
       xtask layers  show the layers as ARCHITECTURE.md must have them";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let shown = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tidy"] => Workspace::read().map(|workspace| table(&Figures::of_all(&workspace))),
        ["layers"] => Ok(picture()),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match shown {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
