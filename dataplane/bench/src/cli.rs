//! The command line of `vane-bench`: the benchmark itself, and what is done with its results.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{bench, compare, end};

/// Measures Vane: searches beside FAISS and others, and three nodes beside one.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    bench: Option<bench::Args>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compares two runs, as files of --json have them.
    Compare(compare::Args),
}

impl Cli {
    /// Does what is asked for; how the program ends. A comparison that finds a figure worse than
    /// its threshold allows is no success.
    pub fn run(&self) -> ExitCode {
        match (&self.command, &self.bench) {
            (Some(Command::Compare(args)), _) => match compare::run(args) {
                Ok(true) => ExitCode::FAILURE,
                outcome => end("compare", outcome.map(drop)),
            },
            (None, Some(args)) => end("bench", bench::run(args)),
            // The command line has at least the arguments of the benchmark, or is refused.
            (None, None) => ExitCode::FAILURE,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_benchmark_needs_no_word_for_itself() {
        Cli::command().debug_assert();
        let parse = |words: &str| Cli::try_parse_from(words.split(' '));
        let bench = parse("vane-bench --vane v --data d --sections curve").unwrap();
        assert!(bench.command.is_none() && bench.bench.is_some());
        let compare = parse("vane-bench compare a.json b.json --threshold 3%").unwrap();
        assert!(compare.command.is_some());
        assert!(parse("vane-bench --data d").is_err());
        assert!(parse("vane-bench").is_err());
    }
}
