//! The benchmark: a node over REST beside FAISS in this process, in one run.
//!
//! Both sides take turns, so that a machine whose speed drifts does so for both; figures
//! are the run of median speed, and what counts is their ratio.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use serde::Serialize;
use serde_json::{Value, json};
use vane_index::Graph;

use crate::baseline;
use crate::client::Client;
use crate::dataset::{Dataset, Query};
use crate::error::Error;
use crate::load::{load, wait_indexed};
use crate::measure::{Run, median, run as measure};
use crate::node::Node;
use crate::recall::recall;
use crate::report::{Line, print};

const COLLECTION: &str = "bench";
const K: usize = 10;
/// Small sets are indexed too.
const INDEXING_THRESHOLD: usize = 1000;

/// A query as the REST API takes it.
#[derive(Serialize)]
struct Body<'a> {
    query: &'a [f32],
    limit: usize,
    params: &'a Value,
    filter: &'a Value,
}

/// Measures a node beside FAISS.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Args {
    /// The node binary.
    #[arg(long)]
    vane: PathBuf,
    /// Folder with the data files.
    #[arg(long)]
    data: PathBuf,
    /// Candidates of a graph search, a line for each; beside them the node's default.
    #[arg(long, value_delimiter = ',', default_value = "100,256,512")]
    ef: Vec<usize>,
    /// Clients at once, a line for each.
    #[arg(long, value_delimiter = ',', default_value = "1,4")]
    clients: Vec<usize>,
    /// Turns of each side.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Writes the figures to a file too.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Runs the benchmark.
pub fn run(args: &Args) -> Result<(), Error> {
    let data = Dataset::read(&args.data)?;
    println!("{} points of {} dimensions, {} queries, k {K}", data.len(), data.dim, data.queries.len());
    let (graph, building) = baseline::build(&data)?;
    println!(
        "FAISS: M {}, efConstruction {}, built in {building:.1?}",
        baseline::PARAMS.m,
        baseline::PARAMS.ef_construct
    );
    let dir = tempfile::tempdir().map_err(|e| Error::node("a directory for the node", e))?;
    let data_dir = dir.path().join("data");
    let node = Node::start(&args.vane, &data_dir, None)?;
    let client = Client::new(node.url());
    client.recreate(COLLECTION, data.dim, INDEXING_THRESHOLD)?;
    client.index_fields(COLLECTION)?;
    let loading = load(&client, COLLECTION, &data)?;
    let (indexing, info) = wait_indexed(&client, COLLECTION)?;
    println!(
        "Vane: loaded in {loading:.1?}, indexed {:.1?} later ({} in a graph)\n",
        indexing, info.indexed_vectors_count
    );
    let mut lines = Vec::new();
    for &clients in &args.clients {
        for ef in std::iter::once(None).chain(args.ef.iter().copied().map(Some)) {
            lines.push(compare(args, &data, &graph, node.url(), ef, clients)?);
        }
    }
    for name in data.filters.keys() {
        lines.push(filtered(args, &data, node.url(), name)?);
    }
    print(&lines);
    let sizes = json!({
        "disk_bytes_per_point": directory_bytes(&data_dir) / data.len() as u64,
        "resident_bytes_per_point": node.resident_bytes() / data.len() as u64,
        "vector_bytes_per_point": data.dim * size_of::<f32>(),
    });
    let cold = cold_start(args, &data, &data_dir, node)?;
    println!("\nper point: {sizes}\ncold start to the first answer: {cold:.1?}");
    let figures = json!({
        "points": data.len(), "dim": data.dim, "k": K,
        "load_s": loading.as_secs_f64(), "index_s": indexing.as_secs_f64(), "faiss_build_s": building.as_secs_f64(),
        "cold_start_s": cold.as_secs_f64(), "sizes": sizes,
        "lines": lines.iter().map(Line::json).collect::<Vec<_>>(),
    });
    match &args.json {
        Some(path) => std::fs::write(path, format!("{figures:#}\n"))
            .map_err(|e| Error::Output { path: path.display().to_string(), reason: e.to_string() }),
        None => Ok(()),
    }
}

/// Both sides at one ef, by turns. Without one the node chooses, and FAISS has what the
/// node's default is.
fn compare(
    args: &Args,
    data: &Dataset,
    graph: &Graph,
    url: &str,
    ef: Option<usize>,
    clients: usize,
) -> Result<Line, Error> {
    let params = ef.map_or(Value::Null, |it| json!({"hnsw_ef": it}));
    let faiss_ef = ef.unwrap_or(baseline::PARAMS.ef_construct);
    let (mut vane, mut faiss) = (Vec::new(), Vec::new());
    // The first turn of each warms caches and is not counted.
    for round in 0..=args.rounds {
        let one = rest(data, url, &params, &Value::Null, clients)?;
        let other = measure(clients, data.queries.len(), || {
            vane_index::single_threaded_here();
            |query: usize| baseline::search(graph, &data.queries[query].vector, K, faiss_ef)
        })?;
        if round > 0 {
            vane.push(one);
            faiss.push(other);
        }
    }
    let of = |run: &Run| recall(&run.found, &data.truth, K);
    let (vane, faiss) = (middle(vane)?, middle(faiss)?);
    let what = ef.map_or("default".to_owned(), |it| format!("ef {it}"));
    Ok(Line { what, clients, vane_recall: of(&vane), vane, faiss: Some((faiss.clone(), of(&faiss))) })
}

fn filtered(args: &Args, data: &Dataset, url: &str, name: &str) -> Result<Line, Error> {
    let filter = &data.filters[name];
    let turns = (0..args.rounds).map(|_| rest(data, url, &Value::Null, &filter.filter, 1));
    let vane = middle(turns.collect::<Result<Vec<_>, _>>()?)?;
    let vane_recall = recall(&vane.found, &filter.truth, K);
    Ok(Line { what: name.to_owned(), clients: 1, vane, vane_recall, faiss: None })
}

/// All queries over REST.
fn rest(data: &Dataset, url: &str, params: &Value, filter: &Value, clients: usize) -> Result<Run, Error> {
    let body = |it: &Query| {
        // Through f32's own shortest form: as an f64 each number would have twice the digits.
        let body = Body { query: &it.vector, limit: K, params, filter };
        serde_json::to_vec(&body).map_err(|e| Error::node("a query", e))
    };
    let bodies: Vec<Vec<u8>> = data.queries.iter().map(body).collect::<Result<_, _>>()?;
    let bodies = &bodies;
    measure(clients, bodies.len(), || {
        let client = Client::new(url);
        move |query: usize| Ok(client.query_raw(COLLECTION, &bodies[query])?.into_iter().map(|it| it.id).collect())
    })
}

fn middle(runs: Vec<Run>) -> Result<Run, Error> {
    median(runs).ok_or_else(|| Error::node("--rounds", "at least one round is needed"))
}

/// Time from starting the process to its first answer.
fn cold_start(args: &Args, data: &Dataset, data_dir: &Path, node: Node) -> Result<std::time::Duration, Error> {
    drop(node);
    let start = Instant::now();
    let node = Node::start(&args.vane, data_dir, None)?;
    let body = json!({"query": data.queries[0].vector, "limit": K});
    let found = Client::new(node.url()).query(COLLECTION, &body)?;
    let time = start.elapsed();
    if found.is_empty() { Err(Error::node("the first search after a restart", "it found nothing")) } else { Ok(time) }
}

fn directory_bytes(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(it) if it.is_dir() => directory_bytes(&entry.path()),
        // The ballast is room kept free, not data.
        Ok(it) if entry.file_name() != "ballast" => it.len(),
        _ => 0,
    };
    entries.flatten().map(size).sum()
}
