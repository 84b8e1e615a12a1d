//! The demo: what a newcomer sees first. Three nodes, a search by meaning, and a leader that
//! is killed in the middle of it.

use std::io::{IsTerminal, stdin, stdout};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};
use vane_local::{Cluster, Options};

use crate::client::{Client, Found};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::load::{load, wait_indexed};
use crate::recall::recall;

const COLLECTION: &str = "packages";
/// KB without a graph that make one: low, so that the demo walks a FAISS graph.
const INDEXING_THRESHOLD: usize = 1000;
const NODES: usize = 3;
const SHARDS: u32 = 3;
/// Searches before and after the leader is killed.
const SEARCHES: usize = 400;
/// Points that are looked for at a time.
const RETRIEVED: usize = 1000;
const K: usize = 10;
/// Results shown of each search.
const SHOWN: usize = 5;
/// Columns of a summary.
const SUMMARY: usize = 60;

/// Starts three nodes, loads packages of Debian, searches them by meaning, and kills a node.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Args {
    /// The node binary.
    #[arg(long)]
    vane: PathBuf,
    /// Folder with the data files.
    #[arg(long)]
    data: PathBuf,
    /// Where the nodes keep their points; what is there is removed first.
    #[arg(long)]
    dir: PathBuf,
}

/// Runs the demo.
pub fn run(args: &Args) -> Result<(), Error> {
    let data = Dataset::read(&args.data)?;
    remove_old(args)?;
    let options = Options {
        binary: args.vane.clone(),
        dir: args.dir.clone(),
        nodes: NODES,
        settings: Vec::new(),
        relayed: false,
    };
    let mut cluster = Cluster::start(&options)?;
    let urls: Vec<String> = cluster.nodes().iter().map(|it| it.rest().url().to_owned()).collect();
    println!("Three nodes are one database: {}. Their points are in {}.", urls.join(", "), args.dir.display());
    let client = Client::new(&urls[0]);
    client.recreate_spread(COLLECTION, data.dim, INDEXING_THRESHOLD, (SHARDS, NODES as u32))?;
    let loading = load(&client, COLLECTION, &data)?;
    client.index_fields(COLLECTION)?;
    let (indexing, info) = wait_indexed(&client, COLLECTION)?;
    println!(
        "Loaded {} packages into {SHARDS} shards in {loading:.1?}, each write on the disks of a majority before it was \
         acknowledged; {} of them in a graph {indexing:.1?} later.",
        info.points_count, info.indexed_vectors_count
    );
    show(&client, &data, 0, None)?;
    for (query, filter) in [(1, "not_libs"), (2, "tag_cli_and_small")] {
        show(&client, &data, query, Some(filter))?;
    }
    kill_a_leader(&mut cluster, &data, info.points_count)?;
    let stays = stdin().is_terminal() && stdout().is_terminal();
    if stays {
        go_on(&data, &urls[0]);
        println!("\nThe nodes go on until you press Enter.");
        drop(stdin().read_line(&mut String::new()));
    } else {
        println!("\nThe nodes stop now. On a terminal they would wait for you; `make serve` runs one for good.");
    }
    for number in 1..=NODES {
        cluster.node(number).stop()?;
    }
    Ok(())
}

/// Removes the points of an earlier demo, and nothing else.
fn remove_old(args: &Args) -> Result<(), Error> {
    for number in 1..=NODES {
        let dir = args.dir.join(format!("node-{number}"));
        if dir.join("VANE").exists() {
            std::fs::remove_dir_all(&dir).map_err(|e| Error::node(dir.display().to_string(), e))?;
        }
    }
    Ok(())
}

/// Kills the leader of a shard while searches and writes go on, and shows what is left.
fn kill_a_leader(cluster: &mut Cluster, data: &Dataset, points: usize) -> Result<(), Error> {
    let shard = cluster.admin(1)?.shards(COLLECTION)?.into_iter().next();
    let leader = shard.and_then(|it| it.group).map_or(0, |it| it.leader_node);
    let victim = cluster.number_of(leader)?;
    let survivor = if victim == 1 { 2 } else { 1 };
    let client = Client::new(cluster.nodes()[survivor - 1].rest().url());
    println!("\nNow node {victim}, which leads a shard, is killed in the middle of {} searches.", 2 * SEARCHES);
    let (mut slowest, mut killed) = (Duration::ZERO, Instant::now());
    for n in 0..2 * SEARCHES {
        if n == SEARCHES {
            cluster.node(victim).kill();
            killed = Instant::now();
        }
        let body = json!({"query": data.queries[n % data.queries.len()].vector, "limit": K});
        let start = Instant::now();
        let found = client.query(COLLECTION, &body)?;
        assert_eq!(found.len(), K, "a search came back short");
        slowest = slowest.max(start.elapsed());
    }
    let body = json!({"points": [{"id": 0, "payload": data.payloads[0], "vector": data.vector(0)}]});
    let _written: Value = client.send("PUT", &format!("/collections/{COLLECTION}/points?wait=true"), &body)?;
    println!(
        "  No search failed: the slowest waited {slowest:.2?} for a new leader. {:.1?} after the kill, writes go on too.",
        killed.elapsed()
    );
    cluster.node(victim).start()?;
    cluster.wait_ready()?;
    for node in cluster.nodes() {
        let client = Client::new(node.rest().url());
        let mut found = 0;
        let ids: Vec<usize> = (0..points).collect();
        for some in ids.chunks(RETRIEVED) {
            let there: Vec<Value> =
                client.send("POST", &format!("/collections/{COLLECTION}/points"), &json!({"ids": some}))?;
            found += there.len();
        }
        println!("  Through node {}: {found} of {points} packages are there.", node.number());
        if found != points {
            return Err(Error::node(format!("node {}", node.number()), "acknowledged points are missing"));
        }
    }
    Ok(())
}

/// One search as a table, and how all queries fare under its filter.
fn show(client: &Client, data: &Dataset, query: usize, filter: Option<&str>) -> Result<(), Error> {
    let filtered = filter.and_then(|it| data.filters.get(it));
    let truth = filtered.map_or(&data.truth, |it| &it.truth);
    let condition = filtered.map_or(Value::Null, |it| it.filter.clone());
    let search = |query: usize| -> Result<(Vec<Found>, Duration), Error> {
        let vector = &data.queries[query].vector;
        let body = json!({"query": vector, "filter": condition, "limit": K, "with_payload": ["name", "summary"]});
        let start = Instant::now();
        let found = client.query(COLLECTION, &body)?;
        Ok((found, start.elapsed()))
    };
    println!(
        "\n\u{201c}{}\u{201d}{}",
        data.queries[query].text,
        filtered.map_or(String::new(), |it| { format!("\n  only where {} ({} packages)", it.filter, it.matching) })
    );
    let (found, time) = search(query)?;
    for it in found.iter().take(SHOWN) {
        let text = |key: &str| it.payload[key].as_str().unwrap_or("?").to_owned();
        let summary: String = text("summary").chars().take(SUMMARY).collect();
        println!("  {:.3}  {:<28} {summary}", it.score, text("name"));
    }
    let (mut all, mut total) = (Vec::new(), Duration::ZERO);
    for query in 0..data.queries.len() {
        let (found, time) = search(query)?;
        all.push(found.into_iter().map(|it| it.id).collect());
        total += time;
    }
    println!(
        "  found in {:.2} ms; over {} such searches {:.2} ms on average, recall@{K} {:.3}",
        time.as_secs_f64() * 1e3,
        data.queries.len(),
        total.as_secs_f64() * 1e3 / data.queries.len() as f64,
        recall(&all, truth, K)
    );
    Ok(())
}

/// What to type next.
fn go_on(data: &Dataset, url: &str) {
    let name = data.payloads[0]["name"].as_str().unwrap_or("0").to_owned();
    println!("\nGo on. Packages like {name}:");
    println!(
        "  curl -s {url}/collections/{COLLECTION}/points/query -H 'content-type: application/json' \\\n    \
         -d '{{\"query\": 0, \"limit\": 3, \"with_payload\": [\"name\", \"summary\"]}}'"
    );
    println!(
        "  python3 -c \"from qdrant_client import QdrantClient as Q; \
         [print(p.payload['name']) for p in Q(url='{url}').query_points('{COLLECTION}', query=0).points]\"  \
         # pip install qdrant-client"
    );
}
