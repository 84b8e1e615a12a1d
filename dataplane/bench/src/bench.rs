//! The benchmark. Figures of different runs are not compared: each section puts what it
//! measures beside a peer of the same run, and what counts is their ratio.

mod cases;
mod filters;
mod gaps;
mod groups;
mod hybrid;
mod index;
mod ingest;
mod place;
mod scale;
mod search;
mod servers;
mod sides;
mod sparse;
mod sweep;
mod tenants;
mod writes;

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::json;
use vane_index::GraphParams;

use crate::contender::{K, Library};
use crate::dataset::{Dataset, Growth};
use crate::error::Error;
use crate::interrupt;
use crate::output::Output;

const COLLECTION: &str = "bench";
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
    /// Contenders by turns over a list of efforts, and what each does at a recall.
    Curve,
    /// Filters of several widths: drawn at random, near the query, and far from it.
    Filters,
    /// Searches of large, middle and small tenants.
    Tenants,
    /// Searches at rest and while points come in.
    Ingest,
    /// Searches by words: sparse vectors of the points' texts.
    Sparse,
    /// Searches by words and by meaning, fused.
    Hybrid,
}

/// Who takes turns on the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Who {
    /// Our graph in this process.
    Graph,
    /// FAISS in this process.
    Faiss,
    /// A node over REST.
    Vane,
}

/// What is measured, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The node binary.
    #[arg(long)]
    vane: PathBuf,
    /// Data files: a folder of the project's own format or of fvecs and ivecs, or a file of
    /// ann-benchmarks (HDF5).
    #[arg(long)]
    data: PathBuf,
    /// Number of points: more are mixed of two real ones and noise, fewer are the first.
    #[arg(long)]
    grow: Option<usize>,
    /// Dimensions, those of the data or twice as many: a point's second half is its nearest other.
    #[arg(long)]
    dim: Option<usize>,
    /// Folder that keeps exact answers between runs; one for temporary files where none is given.
    #[arg(long)]
    cache: Option<PathBuf>,
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
    /// Turns of each side in searches and writes.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Shards on both sides of the comparison of three nodes with one.
    #[arg(long, default_value_t = NODES)]
    shards: usize,
    /// Clients that write at once, a line for each.
    #[arg(long, value_delimiter = ',', default_value = "1,8,64")]
    writers: Vec<usize>,
    /// Seconds of each turn of writes.
    #[arg(long, default_value_t = 2)]
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
    /// Candidates of a graph search, a point of each contender's curve for each.
    #[arg(long, value_delimiter = ',', default_value = "10,16,24,32,48,64,96,128,192,256,512")]
    curve_ef: Vec<usize>,
    /// Contenders of the curve.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "graph,faiss,vane")]
    contenders: Vec<Who>,
    /// A server that speaks Qdrant's REST, such as http://127.0.0.1:6333: loaded and searched by
    /// turns with ours on the curve, under filters, with tenants and while points come in.
    /// Collections whose names begin with `bench` are made anew there.
    #[arg(long)]
    peer: Option<String>,
    /// Where that server keeps its files, if that is on this machine.
    #[arg(long)]
    peer_dir: Option<PathBuf>,
    /// Libraries on the curve, each in a process of its own: hnswlib, usearch, qdrant-edge. Those
    /// with sparse vectors are beside searches by words, too.
    #[arg(long, value_delimiter = ',', value_parser = Library::parse)]
    peers: Vec<Library>,
    /// The Python that has them.
    #[arg(long, default_value = "python3")]
    peers_python: PathBuf,
    /// Links of a graph's row on the curve, half of those of the lowest layer.
    #[arg(long, default_value_t = 16)]
    m: usize,
    /// Candidates while links are sought, on the curve. A node takes 200 at least.
    #[arg(long, default_value_t = 200)]
    ef_construct: usize,
    /// Tenants that share the points.
    #[arg(long, default_value_t = 1000)]
    tenants: usize,
    /// Points a second that come in beside searches.
    #[arg(long, default_value_t = 1000)]
    rate: usize,
    /// Writes figures with their samples to a file, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Writes them as comma-separated values.
    #[arg(long)]
    csv: Option<PathBuf>,
    /// Writes the tables of curve, filters, tenants, ingest, sparse and hybrid as Markdown.
    #[arg(long)]
    markdown: Option<PathBuf>,
}

impl Args {
    fn growth(&self) -> Growth {
        let temporary = || std::env::temp_dir().join("vane-bench");
        let cache = self.cache.clone().unwrap_or_else(temporary);
        Growth { points: self.grow, dim: self.dim, cache }
    }

    fn params(&self) -> GraphParams {
        GraphParams { m: self.m, ef_construct: self.ef_construct }
    }
}

/// Runs the benchmark, prints its tables, and writes the figures where `--json` says.
///
/// # Errors
/// When the data cannot be read, a node fails, or a signal ended it. No node is left running.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    // Before any node runs: a signal must end those as well.
    interrupt::watch()?;
    match measure(args) {
        // A signal reaches the nodes too, and then requests to them fail first.
        Err(_) if interrupt::requested() => Err(Error::Interrupted),
        outcome => outcome,
    }
}

fn measure(args: &Args) -> Result<(), Error> {
    let data = Dataset::read(&args.data)?.grown(&args.growth())?;
    println!(
        "{} points of {} dimensions, {} queries, k {K}",
        data.len(),
        data.dim,
        data.queries.len()
    );
    let mut output = Output::default();
    output.keep("data", json!({"points": data.len(), "dim": data.dim, "k": K}));
    for section in &args.sections {
        match section {
            Section::Index => {
                let measured = index::run(args, &data, &mut output)?;
                output.keep("index", measured);
            }
            Section::Search => {
                let measured = search::run(args, &data, &mut output)?;
                output.keep("search", measured);
            }
            Section::Writes => {
                let measured = writes::run(args, &data, &mut output)?;
                output.keep("writes", measured);
            }
            Section::Scale => {
                let measured = scale::run(args, &data, &mut output)?;
                output.keep("scale", measured);
            }
            Section::Gaps => {
                let measured = gaps::run(args, &data, &mut output)?;
                output.keep("gaps", measured);
            }
            Section::Groups => {
                let measured = groups::run(args, &mut output)?;
                output.keep("groups", measured);
            }
            Section::Curve => sweep::run(args, &data, &mut output)?,
            Section::Filters => filters::run(args, &data, &mut output)?,
            Section::Tenants => tenants::run(args, &data, &mut output)?,
            Section::Ingest => ingest::run(args, &data, &mut output)?,
            Section::Sparse => sparse::run(args, &data, &mut output)?,
            Section::Hybrid => hybrid::run(args, &data, &mut output)?,
        }
    }
    // At the end only: part of the figures would pass for all of them.
    output.write(args.json.as_deref(), args.csv.as_deref(), args.markdown.as_deref())
}
