//! Writers that go on while something happens to the cluster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use vane_local::{Cluster, Rest};

use crate::world::{HEAL, upsert};

/// Writers that insert points of increasing ids through all nodes by turns.
pub(crate) struct Load {
    pub(crate) acknowledged: Arc<Mutex<BTreeMap<u64, Instant>>>,
    next: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    writers: Vec<std::thread::JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start(cluster: &Cluster, writers: usize, most: u64) -> Self {
        let (acknowledged, next, ended) = (Arc::default(), Arc::new(AtomicU64::new(1)), Arc::default());
        let mut load = Self { acknowledged, next, ended, writers: Vec::new() };
        for writer in 0..writers {
            let nodes: Vec<Rest> = cluster.nodes().iter().map(|it| Rest::with_timeout(it.rest().url(), HEAL)).collect();
            let (acknowledged, next) = (Arc::clone(&load.acknowledged), Arc::clone(&load.next));
            let ended = Arc::clone(&load.ended);
            load.writers.push(std::thread::spawn(move || {
                let mut turn = writer;
                while !ended.load(Ordering::Relaxed) {
                    let id = next.fetch_add(1, Ordering::Relaxed);
                    if id > most {
                        return;
                    }
                    turn += 1;
                    if upsert(&nodes[turn % nodes.len()], id).unwrap_or(false) {
                        acknowledged.lock().insert(id, Instant::now());
                    }
                }
            }));
        }
        load
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.lock().len()
    }

    /// Ends the writers; ids that were acknowledged, with the times, and the last that was sent.
    pub(crate) fn end(self) -> (BTreeMap<u64, Instant>, u64) {
        self.ended.store(true, Ordering::Relaxed);
        self.wait()
    }

    /// Waits for the writers to have sent everything.
    pub(crate) fn wait(self) -> (BTreeMap<u64, Instant>, u64) {
        self.writers.into_iter().for_each(|it| it.join().unwrap());
        let acknowledged = std::mem::take(&mut *self.acknowledged.lock());
        (acknowledged, self.next.load(Ordering::Relaxed))
    }
}
