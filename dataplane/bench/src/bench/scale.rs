//! Searches on three nodes beside one: the same points in the same shards, the same ef.

use std::time::Duration;

use serde_json::{Value, json};
use vane_testbed::{Node, wait_until};

use super::place::{Place, urls};
use super::search::{Asked, Names, by_turns, efs, name_of, rest};
use super::{Args, COLLECTION, INDEXING_THRESHOLD, NODES};
use crate::client::{Client, Shape};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::figures::{GREEN, LOAD};
use crate::load::{load, wait_indexed};
use crate::output::Output;
use crate::report::{Line, print};

const NAMES: Names = Names { section: "scale", ours: "3 nodes", peer: "1 node" };
const BUILDING: &str = "vane_indexes_building";
const BUILD_TIMEOUT: Duration = Duration::from_secs(1800);

pub(super) fn run(args: &Args, data: &Dataset, output: &mut Output) -> Result<Value, Error> {
    let shards = args.shards;
    let place = Place::new(&args.vane)?;
    // Both sides run throughout, so that they can take turns.
    let (mut alone, mut cluster) = (place.alone()?, place.cluster()?);
    let (one, three) = (vec![alone.rest().url().to_owned()], urls(&cluster));
    println!(
        "\nSearches on {NODES} nodes (RF {NODES}, clients spread over them) beside 1 node; \
         {shards} shards on both sides, all on the cores of this machine"
    );
    let mut loaded = Vec::new();
    for (name, urls) in [(NAMES.peer, &one), (NAMES.ours, &three)] {
        let client = Client::new(&urls[0]);
        // On both sides every node has all points.
        let shape = Shape { shards, replicas: urls.len(), indexing_threshold: INDEXING_THRESHOLD };
        client.recreate(COLLECTION, data.shape(), shape)?;
        let loading = load(&client, COLLECTION, data)?;
        let (indexing, info) = wait_indexed(&client, COLLECTION, Duration::ZERO)?;
        println!(
            "{name}: loaded in {loading:.1?}, {} in a graph {indexing:.1?} later",
            info.indexed_vectors_count
        );
        let of = (name, "");
        output.figures.add(NAMES.section, of, LOAD, vec![loading.as_secs_f64()]);
        output.figures.add(NAMES.section, of, GREEN, vec![indexing.as_secs_f64()]);
        loaded.push(json!({
            "what": name,
            "load_s": loading.as_secs_f64(),
            "index_s": indexing.as_secs_f64(),
        }));
    }
    // Every replica builds its own graphs, also those that no search waits for.
    cluster.wait_caught_up(COLLECTION, 0)?;
    wait_until("all replicas to have their graphs", BUILD_TIMEOUT, || {
        let mut nodes = cluster.nodes().iter();
        nodes.all(|node| node.rest().metric(BUILDING) <= 0.0).then_some(())
    })?;
    println!();
    let alone_runs: Vec<u32> = alone.process_id().into_iter().collect();
    let cluster_runs: Vec<u32> = cluster.nodes().iter().filter_map(Node::process_id).collect();
    let one = Asked { urls: &one, processes: &alone_runs };
    let three = Asked { urls: &three, processes: &cluster_runs };
    let lines = compare(args, (data, output), &three, &one)?;
    print(NAMES.peer, &lines);
    alone.stop()?;
    cluster.stop()?;
    let lines: Vec<Value> = lines.iter().map(|line| line.json("one_node")).collect();
    Ok(json!({"loaded": loaded, "lines": lines}))
}

/// Clients spread over the three nodes, and clients that ask one of them alone: what each would
/// take on a machine of its own. Three that are asked at once share cores and caches here.
fn compare(
    args: &Args,
    (data, output): (&Dataset, &mut Output),
    three: &Asked<'_>,
    one: &Asked<'_>,
) -> Result<Vec<Line>, Error> {
    let mut lines = Vec::new();
    for &clients in &args.clients {
        let spread = efs(args).map(|ef| (name_of(ef), ef, three.urls));
        let each =
            three.urls.iter().zip(1..).map(|(url, number)| {
                (format!("node {number} asked"), None, std::slice::from_ref(url))
            });
        for (what, ef, urls) in spread.chain(each) {
            let asked = Asked { urls, processes: three.processes };
            lines.push(by_turns(
                args,
                (data, output),
                NAMES,
                (what, clients),
                || rest(data, &asked, ef, &Value::Null, clients),
                || rest(data, one, ef, &Value::Null, clients),
            )?);
        }
    }
    Ok(lines)
}
