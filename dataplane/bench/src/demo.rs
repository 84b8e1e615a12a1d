//! The demo: what a newcomer sees first.

use std::io::{IsTerminal, stdin, stdout};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};

use crate::client::{Client, Found};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::load::{load, wait_indexed};
use crate::node::Node;
use crate::recall::recall;

const COLLECTION: &str = "packages";
/// KB without a graph that make one: low, so that the demo walks a FAISS graph.
const INDEXING_THRESHOLD: usize = 1000;
/// Where `make serve` listens.
const SERVE_URL: &str = "http://localhost:6333";
const K: usize = 10;
/// Results shown of each search.
const SHOWN: usize = 5;
/// Columns of a summary.
const SUMMARY: usize = 60;

/// Starts a node, loads packages of Debian, and searches them by meaning.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Args {
    /// The node binary.
    #[arg(long)]
    vane: PathBuf,
    /// Folder with the data files.
    #[arg(long)]
    data: PathBuf,
    /// Where the node keeps its points.
    #[arg(long)]
    dir: PathBuf,
    /// Port of the node; a free one when it is not given.
    #[arg(long)]
    port: Option<u16>,
}

/// Runs the demo.
pub fn run(args: &Args) -> Result<(), Error> {
    let data = Dataset::read(&args.data)?;
    let node = Node::start(&args.vane, &args.dir, args.port)?;
    println!("A node runs at {}, its points are in {}.", node.url(), args.dir.display());
    let client = Client::new(node.url());
    client.recreate(COLLECTION, data.dim, INDEXING_THRESHOLD)?;
    let loading = load(&client, COLLECTION, &data)?;
    client.index_fields(COLLECTION)?;
    let (indexing, info) = wait_indexed(&client, COLLECTION)?;
    println!(
        "Loaded {} packages in {loading:.1?}, each write on disk before it was acknowledged; \
         {} of them in a graph {indexing:.1?} later.",
        info.points_count, info.indexed_vectors_count
    );
    show(&client, &data, 0, None)?;
    for (query, filter) in [(1, "not_libs"), (2, "tag_cli_and_small")] {
        show(&client, &data, query, Some(filter))?;
    }
    let stays = stdin().is_terminal() && stdout().is_terminal();
    if stays {
        go_on(&data, node.url());
        println!("\nThe node goes on until you press Enter; `make serve DIR={}` brings it back.", args.dir.display());
        drop(stdin().read_line(&mut String::new()));
    } else {
        println!("\nThe node stops now. Bring it back with: make serve DIR={}", args.dir.display());
        go_on(&data, SERVE_URL);
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
