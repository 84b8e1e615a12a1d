//! `vane-fuzz`: tries one door for a while. Exit code 0 when nothing was found, 1 when
//! something was; the text says which seed and case show it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use vane_fuzz::doors::Door;
use vane_fuzz::{Budget, Failure, run_node};

/// Hostile input at the doors of a node.
#[derive(Debug, Parser)]
#[command(name = "vane-fuzz", version)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Try one door
    Door {
        door: Door,
        /// What is drawn from: the same cases for the same number
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How long to go on
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// So many cases instead
        #[arg(long)]
        cases: Option<u64>,
    },
    /// Be a node, for the process that tries it
    #[command(hide = true)]
    Node { data_dir: PathBuf },
}

fn main() -> ExitCode {
    match run(Cli::parse().what) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(what)) => {
            eprintln!("vane-fuzz: {what}");
            ExitCode::FAILURE
        }
    }
}

fn run(what: What) -> Result<(), Failure> {
    match what {
        What::Node { data_dir } => run_node(&data_dir),
        What::Door { door, seed, seconds, cases } => {
            let program = std::env::current_exe().map_err(|it| Failure::of("this program", it))?;
            let time = Budget::Time(Duration::from_secs(seconds));
            let budget = cases.map_or(time, Budget::Cases);
            let tally = door.attempt(&program, budget, seed)?;
            let each_second = tally.cases as f64 / tally.took.as_secs_f64();
            eprintln!("{door:?}: {} cases, {each_second:.0} a second, nothing found", tally.cases);
            Ok(())
        }
    }
}
