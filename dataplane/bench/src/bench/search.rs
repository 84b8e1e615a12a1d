//! A node over REST beside FAISS in this process.
//!
//! Both sides take turns, so that a machine whose speed drifts does so for both; figures
//! are the run of median speed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vane_index::Stock;
use vane_testbed::Node;

use super::place::{self, Place};
use super::sweep::{self, add_turns};
use super::{Args, COLLECTION, INDEXING_THRESHOLD, K};
use crate::baseline;
use crate::client::{Client, Shape};
use crate::contender::{Turn, bodies, directory_bytes, metered, repeats, turn_of};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::figures::{GREEN, LOAD};
use crate::load::{load, wait_indexed};
use crate::output::Output;
use crate::recall::recall;
use crate::report::{Line, Side, print};

/// What samples of both sides are called.
const NAMES: Names = Names { section: "search", ours: "Vane", peer: "FAISS" };

/// What a comparison and its two sides are called where their samples are kept.
#[derive(Clone, Copy)]
pub(super) struct Names {
    pub(super) section: &'static str,
    pub(super) ours: &'static str,
    pub(super) peer: &'static str,
}

pub(super) fn run(args: &Args, data: &Dataset, output: &mut Output) -> Result<Value, Error> {
    // Before the node is started, which would share the core with it.
    let (stock, building) = baseline::build(data, baseline::PARAMS)?;
    println!(
        "\nSearches of one node beside FAISS: M {}, efConstruction {}, built in {building:.1?}",
        baseline::PARAMS.m,
        baseline::PARAMS.ef_construct
    );
    let place = Place::new(&args.vane)?;
    let mut node = place.alone()?;
    let url = [node.rest().url().to_owned()];
    let client = Client::new(&url[0]);
    let shape = Shape { shards: 1, replicas: 1, indexing_threshold: INDEXING_THRESHOLD };
    client.recreate(COLLECTION, data.shape(), shape)?;
    // Before the points, which are indexed as they come.
    client.index_fields(COLLECTION)?;
    let loading = load(&client, COLLECTION, data)?;
    let (indexing, info) = wait_indexed(&client, COLLECTION, Duration::ZERO)?;
    println!(
        "Vane: loaded in {loading:.1?}, indexed {:.1?} later ({} in a graph)\n",
        indexing, info.indexed_vectors_count
    );
    output.figures.add(NAMES.section, (NAMES.ours, ""), LOAD, vec![loading.as_secs_f64()]);
    output.figures.add(NAMES.section, (NAMES.ours, ""), GREEN, vec![indexing.as_secs_f64()]);
    let processes: Vec<u32> = node.process_id().into_iter().collect();
    let asked = Asked { urls: &url, processes: &processes };
    let mut lines = Vec::new();
    for &clients in &args.clients {
        for ef in efs(args) {
            lines.push(compare(args, (data, output), &stock, &asked, ef, clients)?);
        }
    }
    for name in data.filters.keys() {
        lines.push(filtered(args, (data, output), &asked, name)?);
    }
    print("FAISS", &lines);
    // Before the restart: the memory of a node that has worked.
    let sizes = json!({
        "disk_bytes_per_point": directory_bytes(node.data_dir()) / data.len() as u64,
        "resident_bytes_per_point": node.resident_bytes() / data.len() as u64,
        "vector_bytes_per_point": data.dim * size_of::<f32>(),
    });
    let cold = cold_start(data, &mut node)?;
    println!("\nper point: {sizes}\ncold start to the first answer: {cold:.1?}");
    node.stop()?;
    Ok(json!({
        "load_s": loading.as_secs_f64(),
        "index_s": indexing.as_secs_f64(),
        "faiss_build_s": building.as_secs_f64(),
        "cold_start_s": cold.as_secs_f64(),
        "sizes": sizes,
        "lines": lines.iter().map(|line| line.json("faiss")).collect::<Vec<_>>(),
    }))
}

/// The node's default, and those asked for.
pub(super) fn efs(args: &Args) -> impl Iterator<Item = Option<usize>> + '_ {
    std::iter::once(None).chain(args.ef.iter().copied().map(Some))
}

/// What a line with this ef is called.
pub(super) fn name_of(ef: Option<usize>) -> String {
    ef.map_or("default".to_owned(), |ef| format!("ef {ef}"))
}

/// The nodes that are asked, and their processes.
pub(super) struct Asked<'a> {
    pub(super) urls: &'a [String],
    pub(super) processes: &'a [u32],
}

/// Both sides at one ef, taking turns. Without one the node chooses, and FAISS gets the
/// node's default.
fn compare(
    args: &Args,
    (data, output): (&Dataset, &mut Output),
    stock: &Stock,
    asked: &Asked<'_>,
    ef: Option<usize>,
    clients: usize,
) -> Result<Line, Error> {
    let faiss_ef = ef.unwrap_or(baseline::PARAMS.ef_construct);
    let vane = || rest(data, asked, ef, &Value::Null, clients);
    let faiss = || {
        turn_of(data.queries.len(), clients, |_| {
            // On each client's thread: FAISS keeps helpers for every thread that enters it.
            vane_index::single_threaded_here();
            |query: usize| baseline::search(stock, &data.queries[query].vector, K, faiss_ef)
        })
    };
    by_turns(args, (data, output), NAMES, (name_of(ef), clients), vane, faiss)
}

/// Runs two sides in turns, and keeps their samples; the first is Vane's.
pub(super) fn by_turns(
    args: &Args,
    (data, output): (&Dataset, &mut Output),
    names: Names,
    (what, clients): (String, usize),
    one: impl Fn() -> Result<Turn, Error>,
    other: impl Fn() -> Result<Turn, Error>,
) -> Result<Line, Error> {
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    // The first turn of each warms caches and is not counted.
    for round in 0..=args.rounds {
        // In turns, so that what disturbs the machine meets both.
        let (one, other) = (one()?, other()?);
        if round > 0 {
            ours.push(one);
            peers.push(other);
        }
    }
    let case = sweep::case(clients, &what);
    let mut side = |name, turns| side(output, (names.section, name, &case), turns, &data.truth);
    let (vane, peer) = (side(names.ours, ours)?, side(names.peer, peers)?);
    Ok(Line { what, clients, vane, peer: Some(peer) })
}

/// Keeps the samples of turns; the turn of median speed, with its recall.
fn side(
    output: &mut Output,
    (section, name, case): (&str, &str, &str),
    mut turns: Vec<Turn>,
    truth: &[Vec<u64>],
) -> Result<Side, Error> {
    add_turns(output, section, (name, case), &turns, truth);
    turns.sort_by(|a, b| a.qps.total_cmp(&b.qps));
    let middle = turns.len() / 2;
    let turn = turns.into_iter().nth(middle);
    let turn = turn.ok_or_else(|| Error::node("--rounds", "at least one round is needed"))?;
    Ok(Side { recall: recall(&turn.found, truth, K), turn })
}

fn filtered(
    args: &Args,
    (data, output): (&Dataset, &mut Output),
    asked: &Asked<'_>,
    name: &str,
) -> Result<Line, Error> {
    let filter = &data.filters[name];
    // Not by turns: there is no peer to take them with.
    let turns = (0..args.rounds).map(|_| rest(data, asked, None, &filter.filter, 1));
    let turns = turns.collect::<Result<_, _>>()?;
    let case = sweep::case(1, name);
    let vane = side(output, (NAMES.section, NAMES.ours, &case), turns, &filter.truth)?;
    Ok(Line { what: name.to_owned(), clients: 1, vane, peer: None })
}

/// All queries over REST, the clients spread over the nodes.
pub(super) fn rest(
    data: &Dataset,
    asked: &Asked<'_>,
    ef: Option<usize>,
    filter: &Value,
    clients: usize,
) -> Result<Turn, Error> {
    // Before the clock runs: writing JSON is none of what is measured.
    let bodies = bodies(data, ef, &|_| filter.clone())?;
    let (bodies, urls) = (&bodies, asked.urls);
    metered(asked.processes, clients * bodies.len() * repeats(bodies.len()), || {
        turn_of(bodies.len(), clients, |number| {
            let client = Client::new(&urls[number % urls.len()]);
            move |query: usize| {
                let found = client.query_raw(COLLECTION, &bodies[query])?;
                Ok(found.into_iter().map(|point| point.id).collect())
            }
        })
    })
}

/// Time from starting the process to its first answer.
fn cold_start(data: &Dataset, node: &mut Node) -> Result<Duration, Error> {
    node.stop()?;
    let start = Instant::now();
    place::start(node)?;
    let body = json!({"query": data.queries[0].vector, "limit": K});
    let found = Client::new(node.rest().url()).query(COLLECTION, &body)?;
    let time = start.elapsed();
    // A node that answers without its points must not pass for a fast one.
    if found.is_empty() {
        Err(Error::node("the first search after a restart", "it found nothing"))
    } else {
        Ok(time)
    }
}
