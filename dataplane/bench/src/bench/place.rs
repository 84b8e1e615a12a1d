//! Where nodes run for a measurement, and what that place can do.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use vane_testbed::{Cluster, Node, Options};

use super::NODES;
use crate::error::Error;
use crate::load::bar;

/// Place of the node that is alone: away from those of a cluster, which may run beside it.
const ALONE: usize = 9;
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of one synced write of the probe.
const PROBE_BYTES: usize = 4096;
const PROBE_TIME: Duration = Duration::from_secs(1);
/// Time between looks for a signal.
const LOOK: Duration = Duration::from_millis(50);

/// A folder for data directories, gone afterwards.
pub(super) struct Place {
    dir: TempDir,
    binary: PathBuf,
}

impl Place {
    pub(super) fn new(binary: &Path) -> Result<Self, Error> {
        let dir = tempfile::tempdir().map_err(|e| Error::node("a directory for the nodes", e))?;
        Ok(Self { dir, binary: binary.to_owned() })
    }

    /// A running node that belongs to no cluster of several.
    pub(super) fn alone(&self) -> Result<Node, Error> {
        let mut node = Node::alone(&self.binary, ALONE, self.dir.path().join("alone"));
        start(&mut node)?;
        Ok(node)
    }

    /// A running cluster.
    pub(super) fn cluster(&self) -> Result<Cluster, Error> {
        let options = Options {
            binary: self.binary.clone(),
            dir: self.dir.path().to_owned(),
            nodes: NODES,
            settings: Vec::new(),
            relayed: false,
        };
        Ok(Cluster::start(&options)?)
    }

    /// Synced appends of 4 KB to one file here, per second: what a disk allows one writer
    /// that waits for each.
    pub(super) fn syncs_per_second(&self) -> Result<f64, Error> {
        let path = self.dir.path().join("probe");
        probe(&path).map_err(|e| Error::output(&path, e))
    }
}

fn probe(path: &Path) -> std::io::Result<f64> {
    let mut file = File::create(path)?;
    let (start, mut syncs) = (Instant::now(), 0_u32);
    while start.elapsed() < PROBE_TIME {
        file.write_all(&[0; PROBE_BYTES])?;
        file.sync_data()?;
        syncs += 1;
    }
    let rate = f64::from(syncs) / start.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}

/// Starts a node and waits until it answers.
pub(super) fn start(node: &mut Node) -> Result<(), Error> {
    node.start()?;
    let rest = node.rest();
    Ok(vane_testbed::wait_until("the node to be ready", START_TIMEOUT, || {
        rest.is_ready().then_some(())
    })?)
}

/// Lets time pass, with a bar that says for what.
pub(super) fn wait(what: &'static str, time: Duration) -> Result<(), Error> {
    let bar = bar(what, time.as_secs(), "{msg:>10} [{bar:40}] {pos}/{len} s");
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        crate::interrupt::check()?;
        bar.set_position((time - left).as_secs());
        vane_testbed::pause(LOOK.min(left));
    }
    bar.finish_and_clear();
    Ok(())
}

/// Where the nodes of a cluster answer.
pub(super) fn urls(cluster: &Cluster) -> Vec<String> {
    cluster.nodes().iter().map(|node| node.rest().url().to_owned()).collect()
}
