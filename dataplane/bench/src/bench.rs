//! The benchmark. Figures of different runs are not compared: each section puts what it
//! measures beside a peer of the same run, and what counts is their ratio.

mod gaps;
mod groups;
mod index;
mod place;
mod scale;
mod search;
mod writes;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use serde_json::{Map, Value, json};

use crate::dataset::Dataset;
use crate::error::Error;
use crate::interrupt;

const COLLECTION: &str = "bench";
const K: usize = 10;
/// KB of vectors without a graph; low, so that small data sets get a graph, too.
const INDEXING_THRESHOLD: usize = 1000;
/// Nodes of the cluster that is held against one node.
const NODES: usize = 3;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// Our graph beside FAISS, both in this process.
    Index,
    /// A node over REST beside FAISS in this process.
    Search,
    /// Durable writes on three nodes beside one.
    Writes,
    /// Searches on three nodes beside one.
    Scale,
    /// Pauses of writes when a leader is killed, and when it hands over.
    Gaps,
    /// What many groups without work cost.
    Groups,
}

/// Measures Vane: searches beside FAISS, and three nodes beside one.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Args {
    /// The node binary.
    #[arg(long)]
    vane: PathBuf,
    /// Folder with the data files.
    #[arg(long)]
    data: PathBuf,
    /// What is measured.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "index,search,writes,scale,gaps,groups"
    )]
    sections: Vec<Section>,
    /// Candidates of a graph search, a line for each; beside them the node's default.
    #[arg(long, value_delimiter = ',', default_value = "100,256,512")]
    ef: Vec<usize>,
    /// Clients that search at once, a line for each.
    #[arg(long, value_delimiter = ',', default_value = "1,4")]
    clients: Vec<usize>,
    /// Turns of each side in searches.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Clients that write at once, a line for each.
    #[arg(long, value_delimiter = ',', default_value = "1,8,64")]
    writers: Vec<usize>,
    /// Seconds of each measurement of writes.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Leaders killed, and leaderships handed over.
    #[arg(long, default_value_t = 5)]
    repeats: usize,
    /// Groups without work.
    #[arg(long, default_value_t = 1000)]
    groups: usize,
    /// Seconds in which their CPU time is measured.
    #[arg(long, default_value_t = 20)]
    idle_seconds: u64,
    /// Writes the figures to a file too.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Runs the benchmark, prints its tables, and writes the figures where `--json` says.
///
/// # Errors
/// When the data cannot be read, a node fails, or a signal ended it. No node is left running.
pub fn run(args: &Args) -> Result<(), Error> {
    // Before any node runs: a signal must end those as well.
    interrupt::watch()?;
    match measure(args) {
        // A signal reaches the nodes too, and then requests to them fail first.
        Err(_) if interrupt::requested() => Err(Error::Interrupted),
        outcome => outcome,
    }
}

fn measure(args: &Args) -> Result<(), Error> {
    let data = Dataset::read(&args.data)?;
    println!(
        "{} points of {} dimensions, {} queries, k {K}",
        data.len(),
        data.dim,
        data.queries.len()
    );
    let mut figures = Map::new();
    figures.insert("data".into(), json!({"points": data.len(), "dim": data.dim, "k": K}));
    for section in &args.sections {
        let (name, measured) = match section {
            Section::Index => ("index", index::run(args, &data)?),
            Section::Search => ("search", search::run(args, &data)?),
            Section::Writes => ("writes", writes::run(args, &data)?),
            Section::Scale => ("scale", scale::run(args, &data)?),
            Section::Gaps => ("gaps", gaps::run(args, &data)?),
            Section::Groups => ("groups", groups::run(args)?),
        };
        figures.insert(name.into(), measured);
    }
    // At the end only: part of the figures would pass for all of them.
    match &args.json {
        Some(path) => std::fs::write(path, format!("{:#}\n", Value::Object(figures)))
            .map_err(|e| Error::output(path, e)),
        None => Ok(()),
    }
}
