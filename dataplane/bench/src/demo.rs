//! The demo: what a newcomer sees first. Three nodes, real data, searches by meaning, and
//! a node killed in the middle of them.

mod check;
mod go_on;
mod kill;
mod search;
mod vane;

use std::path::PathBuf;

use clap::Parser;
use serde_json::{Value, json};

use crate::client::Client;
use crate::dataset::Dataset;
use crate::error::Error;
use crate::interrupt;
use crate::load::{load, wait_indexed};
use vane::{Node, Vane};

/// The name that the collection must have in the file.
const COLLECTION: &str = "packages";
/// With fewer copies nothing goes on when a node is killed.
const REPLICAS_MIN: usize = 3;
/// KB without a graph, low, so that the demo walks FAISS graphs.
const INDEXING_THRESHOLD: usize = 1000;

/// Brings up three nodes, loads packages of Debian, searches them by meaning, and kills a node
/// meanwhile.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Args {
    /// The node binary, with `vane-up` beside it
    #[arg(long)]
    vane: PathBuf,
    /// What `vane up` brings up
    #[arg(long)]
    file: PathBuf,
    /// Folder with the data files
    #[arg(long)]
    data: PathBuf,
    /// Folder of the demo's own, where `vane up` keeps the nodes
    #[arg(long)]
    dir: PathBuf,
    /// Only starts the nodes again on what an earlier demo left, until Ctrl-C
    #[arg(long)]
    serve: bool,
}

/// Runs the demo.
///
/// # Errors
/// When the data cannot be read, a command or a request fails, an acknowledged write is not
/// there, or a signal ended it. The nodes are stopped; their disks stay.
pub fn run(args: &Args) -> Result<(), Error> {
    interrupt::watch()?;
    let data = Dataset::read(&args.data)?;
    let vane = Vane::new(&args.vane, &args.file, &args.dir)?;
    let shown = bring_up(&vane).and_then(|nodes| {
        if args.serve { go_on::stay(&vane, &data, &nodes[0]) } else { show(&vane, &data, &nodes) }
    });
    // Also after a failure; where this fails too, dropping it says so.
    let ended = vane.down();
    match shown {
        // Requests fail once a signal came.
        Err(_) if interrupt::requested() && ended.is_ok() => Err(Error::Interrupted),
        Err(error) => Err(error),
        Ok(()) => ended,
    }
}

fn bring_up(vane: &Vane) -> Result<Vec<Node>, Error> {
    vane.up(true)?;
    interrupt::check()?;
    let nodes = vane.nodes()?;
    let urls: Vec<&str> = nodes.iter().map(|node| node.url.as_str()).collect();
    let first =
        nodes.first().ok_or_else(|| Error::node("`vane status`", "it knows of no nodes"))?;
    println!("{} nodes run at {}.", nodes.len(), urls.join(", "));
    println!("Their points are in {}.", vane.dir().join(&first.cluster).display());
    Ok(nodes)
}

fn show(vane: &Vane, data: &Dataset, nodes: &[Node]) -> Result<(), Error> {
    let client = Client::new(&nodes[0].url);
    let (shards, replicas) = empty(vane, &client, data)?;
    let loading = load(&client, COLLECTION, data)?;
    let (indexing, info) = wait_indexed(&client, COLLECTION, std::time::Duration::ZERO)?;
    println!(
        "Loaded {} packages in {loading:.1?} into {shards} shards, each write on the disks of {} \
         nodes before it was acknowledged; {} of them in a graph {indexing:.1?} later.",
        info.points_count,
        match replicas / 2 + 1 {
            2 => "two".to_owned(),
            more => more.to_string(),
        },
        info.indexed_vectors_count
    );
    search::show(&client, data, 0, None)?;
    search::show(&Client::new(&nodes[1].url), data, 1, Some("not_libs"))?;
    let outage = kill::leader(data, nodes, shards)?;
    // One that still runs, to show that it answers for the shards of the other.
    let survivor = nodes.iter().find(|node| node.name != outage.victim).unwrap_or(&nodes[0]);
    search::show(&Client::new(&survivor.url), data, 2, Some("tag_cli_and_small"))?;
    kill::bring_back(vane, nodes, &outage)?;
    // Asked anew: the node that was killed has another process.
    check::nothing_is_lost(&vane.nodes()?, data, &outage)?;
    go_on::tell(vane, data, &nodes[0])
}

fn number(value: &Value) -> usize {
    value.as_u64().map_or(0, |number| number as usize)
}

/// The collection without points, as the file has it; its shards and replicas.
fn empty(vane: &Vane, client: &Client, data: &Dataset) -> Result<(usize, usize), Error> {
    let path = format!("/collections/{COLLECTION}");
    // An empty one is as the file has it already.
    if client.info(COLLECTION)?.points_count > 0 {
        let _existed: bool = client.send("DELETE", &path, &Value::Null)?;
        // By the command, which reads the file: the demo knows no other shape.
        vane.up(false)?;
        println!(
            "Points of an earlier demo were deleted with their collection, \
             and `vane up` made it anew."
        );
    }
    let info: Value = client.send("GET", &path, &Value::Null)?;
    let params = &info["config"]["params"];
    let (size, replicas) =
        (number(&params["vectors"]["size"]), number(&params["replication_factor"]));
    let reason = if size != data.dim {
        format!("its vectors have size {size} in the file, the data's have {}", data.dim)
    } else if replicas < REPLICAS_MIN {
        format!("a node will be killed; replicationFactor is {replicas}, {REPLICAS_MIN} are needed")
    } else {
        String::new()
    };
    if !reason.is_empty() {
        return Err(Error::node(format!("collection {COLLECTION}"), reason));
    }
    let body = json!({"optimizers_config": {"indexing_threshold": INDEXING_THRESHOLD}});
    let _changed: bool = client.send("PATCH", &path, &body)?;
    Ok((number(&params["shard_number"]), replicas))
}
