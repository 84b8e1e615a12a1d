//! The demo: what a newcomer sees first. Three nodes, real data, searches by meaning, and
//! a node killed in the middle of them.

mod check;
mod go_on;
mod kill;
mod search;

use std::path::PathBuf;

use clap::Parser;
use vane_local::{Cluster, Options};

use crate::client::{Client, Shape};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::interrupt;
use crate::load::{load, wait_indexed};

const COLLECTION: &str = "packages";
const NODES: usize = 3;
/// One shard for each node to lead, every point on all nodes; KB without a graph low, so
/// that the demo walks FAISS graphs.
const SHAPE: Shape = Shape { shards: 3, replicas: NODES, indexing_threshold: 1000 };

/// Starts three nodes, loads packages of Debian, searches them by meaning, and kills a node
/// meanwhile.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Args {
    /// The node binary.
    #[arg(long)]
    vane: PathBuf,
    /// Folder with the data files.
    #[arg(long)]
    data: PathBuf,
    /// Where the nodes keep their points.
    #[arg(long)]
    dir: PathBuf,
    /// Only starts the nodes again on what an earlier demo left, until Ctrl-C.
    #[arg(long)]
    serve: bool,
}

/// Runs the demo.
pub fn run(args: &Args) -> Result<(), Error> {
    interrupt::watch()?;
    let data = Dataset::read(&args.data)?;
    let options = Options {
        binary: args.vane.clone(),
        dir: args.dir.clone(),
        nodes: NODES,
        settings: Vec::new(),
        relayed: false,
    };
    let mut cluster = Cluster::start(&options)?;
    interrupt::check()?;
    let urls: Vec<String> = cluster.nodes().iter().map(|it| it.rest().url().to_owned()).collect();
    println!("{NODES} nodes run at {}.", urls.join(", "));
    println!("Their points are in {}/node-1 to node-{NODES}.", args.dir.display());
    let shown = match args.serve {
        true => go_on::stay(&data, &urls[0]),
        false => show(&mut cluster, &data, &urls),
    };
    // Also after a failure: in order is better than killed.
    let stopped = cluster.stop();
    shown?;
    Ok(stopped?)
}

fn show(cluster: &mut Cluster, data: &Dataset, urls: &[String]) -> Result<(), Error> {
    let client = Client::new(&urls[0]);
    client.recreate(COLLECTION, data.dim, SHAPE)?;
    let loading = load(&client, COLLECTION, data)?;
    client.index_fields(COLLECTION)?;
    let (indexing, info) = wait_indexed(&client, COLLECTION)?;
    println!(
        "Loaded {} packages in {loading:.1?} into {} shards, each write on the disks of two nodes before it was \
         acknowledged; {} of them in a graph {indexing:.1?} later.",
        info.points_count, SHAPE.shards, info.indexed_vectors_count
    );
    search::show(&client, data, 0, None)?;
    search::show(&Client::new(&urls[1]), data, 1, Some("not_libs"))?;
    let outage = kill::leader(cluster, data, urls)?;
    let survivor = cluster.nodes().iter().find(|it| it.is_up()).map_or(0, |it| it.number() - 1);
    search::show(&Client::new(&urls[survivor]), data, 2, Some("tag_cli_and_small"))?;
    kill::bring_back(cluster, &outage)?;
    check::nothing_is_lost(cluster, data, &outage)?;
    go_on::tell(data, &urls[0])
}
