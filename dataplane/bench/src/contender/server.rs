//! A server that speaks Qdrant's REST: a node of ours, or another's.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use vane_index::GraphParams;
use vane_testbed::proc;

use super::{Contender, Cost, K, Turn, repeats, turn_of};
use crate::client::Client;
use crate::dataset::Dataset;
use crate::error::Error;
use crate::load::{load_with, wait_indexed};

/// Time without a background job after which none is expected: one that is due may begin late.
pub(crate) const SETTLE: Duration = Duration::from_secs(1);

/// The filter of each query, as the REST API takes it; `Null` for none.
pub(crate) type Filter<'f> = dyn Fn(usize) -> Value + 'f;

/// A server, and where its process can be seen.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    name: String,
    url: String,
    /// Its process, where that runs on this machine.
    process: Option<u32>,
    /// Its files, where they lie on this machine.
    dir: Option<PathBuf>,
}

/// A query as the REST API takes it.
#[derive(Serialize)]
struct Body<'a> {
    query: &'a [f32],
    limit: usize,
    params: &'a Value,
    filter: &'a Value,
}

/// What a collection is made of.
pub(crate) struct Plan<'a> {
    /// Its name.
    pub(crate) collection: &'a str,
    /// How its graphs are built.
    pub(crate) params: GraphParams,
    /// Fields with a payload index, each with its schema.
    pub(crate) fields: &'a [(&'a str, Value)],
    /// JSON of the payload of each point.
    pub(crate) payload: &'a dyn Fn(usize) -> String,
}

impl Server {
    /// A server at `url`. What `process` uses is counted where one is given; `dir` has its files.
    pub(crate) fn new(name: &str, url: &str, process: Option<u32>, dir: Option<PathBuf>) -> Self {
        let (name, url) = (name.to_owned(), url.to_owned());
        Self { name, url, process, dir }
    }

    /// Another's server, whose process is counted where it runs on this machine.
    ///
    /// # Errors
    /// When there is no address in `url`.
    pub(crate) fn peer(url: &str, dir: Option<PathBuf>) -> Result<Self, Error> {
        let process = address(url)?.and_then(proc::listener);
        Ok(Self::new("peer", url.trim_end_matches('/'), process, dir))
    }

    /// What tables call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Seconds that it has used of processors, if its process can be seen.
    pub(crate) fn cpu(&self) -> Option<f64> {
        self.process.map(proc::cpu_seconds)
    }

    /// A client of it.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url)
    }

    /// Makes a collection, loads all points, and waits until no background job is due.
    pub(crate) fn load(&self, data: &Dataset, plan: &Plan<'_>) -> Result<Cost, Error> {
        let client = self.client();
        let body = json!({
            "vectors": {"size": data.dim, "distance": data.distance.rest()},
            "shard_number": 1,
            "replication_factor": 1,
            "hnsw_config": {"m": plan.params.m, "ef_construct": plan.params.ef_construct},
            "optimizers_config": {"indexing_threshold": INDEXING_THRESHOLD},
        });
        client.recreate_as(plan.collection, &body)?;
        for (field, schema) in plan.fields {
            client.index_field(plan.collection, field, schema)?;
        }
        let cpu = self.cpu();
        let loading = load_with(&client, plan.collection, data, plan.payload)?;
        let (green, _info) = wait_indexed(&client, plan.collection, SETTLE)?;
        let memory = self.process.map(proc::memory);
        Ok(Cost {
            load: Some(loading),
            green: Some(green),
            cpu: self.cpu().zip(cpu).map(|(after, before)| after - before),
            anonymous: memory.map(|memory| memory.anonymous),
            mapped: memory.map(|memory| memory.mapped),
            disk: self.dir.as_deref().map(directory_bytes),
        })
    }

    /// All queries, each with its filter.
    pub(crate) fn search(
        &self,
        data: &Dataset,
        collection: &str,
        ef: Option<usize>,
        filter: &Filter<'_>,
        clients: usize,
    ) -> Result<Turn, Error> {
        // Before the clock runs: writing JSON is none of what is measured.
        self.ask(collection, &bodies(data, ef, filter)?, clients)
    }

    /// All queries, as JSON.
    pub(crate) fn ask(
        &self,
        collection: &str,
        bodies: &[Vec<u8>],
        clients: usize,
    ) -> Result<Turn, Error> {
        let processes: Vec<u32> = self.process.into_iter().collect();
        metered(&processes, clients * bodies.len() * repeats(bodies.len()), || {
            turn_of(bodies.len(), clients, |_| {
                let client = self.client();
                move |query: usize| {
                    let found = client.query_raw(collection, &bodies[query])?;
                    Ok(found.into_iter().map(|point| point.id).collect())
                }
            })
        })
    }
}

/// A turn of so many searches with what the processes that answered used; without where they cannot
/// be seen. What the clients used is none of theirs.
pub(crate) fn metered(
    processes: &[u32],
    searches: usize,
    turn: impl FnOnce() -> Result<Turn, Error>,
) -> Result<Turn, Error> {
    let nanos = || processes.iter().flat_map(|process| proc::thread_nanos(*process));
    let before: BTreeMap<i32, u64> = nanos().collect();
    let turn = turn()?;
    let used = nanos().map(|(thread, after)| {
        // A thread that began meanwhile had used nothing.
        after.saturating_sub(before.get(&thread).copied().unwrap_or(0))
    });
    let seconds = used.sum::<u64>() as f64 / 1e9;
    let cpu = (!processes.is_empty()).then_some(seconds / searches.max(1) as f64);
    Ok(Turn { cpu, ..turn })
}

/// The address of a URL, if its host is known.
fn address(url: &str) -> Result<Option<SocketAddr>, Error> {
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| Error::node(url, "an address of the form http://host:port is needed"))?;
    let host = rest.split('/').next().unwrap_or_default();
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    Ok(host.to_socket_addrs().ok().and_then(|mut addresses| addresses.next()))
}

/// KB of vectors without a graph; low, so that small data sets get a graph, too.
const INDEXING_THRESHOLD: usize = 1000;

/// The queries as the REST API takes them.
pub(crate) fn bodies(
    data: &Dataset,
    ef: Option<usize>,
    filter: &Filter<'_>,
) -> Result<Vec<Vec<u8>>, Error> {
    let params = ef.map_or(Value::Null, |ef| json!({"hnsw_ef": ef}));
    let bodies = data.queries.iter().enumerate().map(|(number, query)| {
        // Through f32's own shortest form: as an f64 each number would have twice the digits.
        let body =
            Body { query: &query.vector, limit: K, params: &params, filter: &filter(number) };
        serde_json::to_vec(&body).map_err(|e| Error::node("a query", e))
    });
    bodies.collect()
}

/// Bytes of the files below a folder.
pub(crate) fn directory_bytes(dir: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(file) if file.is_dir() => directory_bytes(&entry.path()),
        // The ballast is room kept free, not data.
        Ok(file) if entry.file_name() != "ballast" => file.len(),
        _ => 0,
    });
    sizes.sum()
}

/// A server with the points of a data set, in a collection of one name.
pub(crate) struct Loaded<'a> {
    server: Server,
    data: &'a Dataset,
    collection: &'a str,
    cost: Cost,
}

impl<'a> Loaded<'a> {
    /// Loads a server.
    pub(crate) fn new(server: Server, data: &'a Dataset, plan: &Plan<'a>) -> Result<Self, Error> {
        let cost = server.load(data, plan)?;
        Ok(Self { server, data, collection: plan.collection, cost })
    }
}

impl Contender for Loaded<'_> {
    fn name(&self) -> &str {
        &self.server.name
    }

    fn cost(&self) -> Cost {
        self.cost
    }

    fn turn(&mut self, ef: usize, clients: usize) -> Result<Option<Turn>, Error> {
        let none = |_| Value::Null;
        self.server.search(self.data, self.collection, Some(ef), &none, clients).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_an_address() {
        let local = |url| address(url).unwrap().map(|address| address.to_string());
        assert_eq!(local("http://127.0.0.1:6333/"), Some("127.0.0.1:6333".to_owned()));
        assert_eq!(local("http://127.0.0.1"), Some("127.0.0.1:80".to_owned()));
        assert!(address("127.0.0.1:6333").is_err());
    }
}
