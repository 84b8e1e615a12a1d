//! Those that take turns: each holds the same points, and answers the same queries at an effort.
//!
//! A contender measures what it did and what holding the points costs it; who has a turn when,
//! and what is made of the figures, is the sections' business.

mod faiss;
mod library;
mod ours;
mod postings;
mod server;
mod text_library;
mod worker;

use std::time::{Duration, Instant};

pub(crate) use faiss::Faiss;
pub(crate) use library::{Library, Loaded as LoadedLibrary};
pub(crate) use ours::{Ours, build as build_graph};
pub(crate) use postings::OurPostings;
pub(crate) use server::{Loaded, Plan, SETTLE, Server, bodies, directory_bytes, metered};
pub(crate) use text_library::{TextLibrary, Way};
use vane_testbed::proc;

use crate::error::Error;
use crate::measure::{Run, percentiles, run};

/// Answers asked for.
pub(crate) const K: usize = 10;
/// Searches of one turn, at least: what the turn before left in the caches must count for little.
pub(crate) const TURN: usize = 500;

/// What a contender did in one turn.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    /// What each query found, best first.
    pub(crate) found: Vec<Vec<u64>>,
    /// Queries per second, all clients together.
    pub(crate) qps: f64,
    /// How long each search took; empty where a contender tells the whole only.
    pub(crate) latencies: Vec<Duration>,
    /// Seconds of processors that one query cost whoever answered, if that can be seen.
    pub(crate) cpu: Option<f64>,
}

impl Turn {
    /// Latency at the 50th, 95th and 99th percentile.
    pub(crate) fn percentiles(&self) -> [Duration; 3] {
        percentiles(self.latencies.iter())
    }
}

/// What it costs to hold the points; what cannot be seen is left out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Until all points were there.
    pub(crate) load: Option<Duration>,
    /// From then until no background job was due.
    pub(crate) green: Option<Duration>,
    /// Seconds of processors for both.
    pub(crate) cpu: Option<f64>,
    /// Bytes of memory that are no page of a file.
    pub(crate) anonymous: Option<u64>,
    /// Bytes of mapped files that are in memory.
    pub(crate) mapped: Option<u64>,
    /// Bytes of files.
    pub(crate) disk: Option<u64>,
}

/// One of those that take turns.
pub(crate) trait Contender {
    /// What tables call it.
    fn name(&self) -> &str;

    /// What holding the points costs.
    fn cost(&self) -> Cost;

    /// All queries at an effort, by so many clients at once; `None` where it knows one only.
    fn turn(&mut self, ef: usize, clients: usize) -> Result<Option<Turn>, Error>;
}

/// How often each query is asked in a turn.
pub(crate) fn repeats(queries: usize) -> usize {
    TURN.div_ceil(queries.max(1))
}

/// All queries, often enough for a turn; `make` as in [`run`]. The processors are those that the
/// searching threads used.
pub(crate) fn turn_of<S>(
    queries: usize,
    clients: usize,
    make: impl Fn(usize) -> S + Sync,
) -> Result<Turn, Error>
where
    S: FnMut(usize) -> Result<Vec<u64>, Error>,
{
    let asked = queries * repeats(queries);
    let make = |client| {
        let mut search = make(client);
        move |number: usize| search(number % queries)
    };
    let Run { qps, mut found, latencies, cpu } = run(clients, asked, make)?;
    found.truncate(queries);
    Ok(Turn { found, qps, latencies, cpu: Some(cpu / (clients * asked) as f64) })
}

/// What building an index in this process costs: time, processor, and by how much its memory
/// grew meanwhile.
fn build_here<T>(build: impl FnOnce() -> Result<T, Error>) -> Result<(T, Cost), Error> {
    let id = std::process::id();
    // What was freed before must not be counted as taken now.
    vane_index::trim_memory();
    let (memory, cpu, start) = (proc::memory(id), proc::cpu_seconds(id), Instant::now());
    let built = build()?;
    let load = start.elapsed();
    let cpu = proc::cpu_seconds(id) - cpu;
    vane_index::trim_memory();
    let grown = proc::memory(id).anonymous.saturating_sub(memory.anonymous);
    let cost = Cost { load: Some(load), cpu: Some(cpu), anonymous: Some(grown), ..Cost::default() };
    Ok((built, cost))
}
