//! `vanectl`: a cluster as its operator sees and changes it, over the admin interface.
//!
//! Owns the command line: flags, tables, JSON, exit codes, and what a failure means to the
//! person who reads it. It must never know more of a cluster than the interface says, keep
//! state between two runs, or panic on anything that a node, a file or a terminal sends.

mod args;
mod body;
mod client;
mod cluster;
mod collections;
mod confirm;
mod disk;
mod error;
mod exit;
mod group;
mod leader;
mod level;
mod memory;
mod meta;
mod moves;
mod nodes;
mod output;
mod policy;
mod recall;
mod run;
mod safe;
mod settings;
mod shards;
mod table;
mod units;
mod version;
mod wait;
mod watch;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::run(args::parse()).into()
}
