//! Searches by words and by meaning, fused by their ranks, beside each of the two alone: on a node,
//! and in libraries that know both.

use serde::Serialize;
use serde_json::json;

use super::place::Place;
use super::servers;
use super::sides::{self, Side};
use super::{Args, INDEXING_THRESHOLD};
use crate::contender::{K, SETTLE, Server, TextLibrary, Way};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::load::{load_points, wait_indexed};
use crate::output::Output;
use crate::recall::recall;
use crate::texts::{Sparse, Texts, encoded, short_queries};

const SECTION: &str = "hybrid";
const COLLECTION: &str = "bench-hybrid";
/// Candidates of graph searches.
const EF: usize = 100;
/// Points of each kind of search that are fused.
const CANDIDATES: usize = 50;
/// What is added to a rank before it is turned over, as the API has it.
const RANK: f64 = 2.0;

/// What is searched, and what by.
struct World<'a> {
    data: &'a Dataset,
    texts: Texts,
    queries: Vec<Sparse>,
    /// Exact answers by words, and by both.
    exact: Vec<Vec<(u64, f32)>>,
    fused: Vec<Vec<u64>>,
}

impl<'a> World<'a> {
    fn new(data: &'a Dataset) -> Result<Self, Error> {
        let texts = Texts::of(data)?;
        let queries = short_queries(data);
        let candidates = texts.exact(&queries, CANDIDATES);
        let lists = data.truth.iter().zip(&candidates);
        let fused = lists.map(|(near, texts)| {
            let texts: Vec<u64> = texts.iter().map(|(id, _)| *id).collect();
            fuse([&near[..near.len().min(CANDIDATES)], &texts])
        });
        let fused = fused.collect();
        let first = |mut list: Vec<(u64, f32)>| {
            list.truncate(K);
            list
        };
        let exact = candidates.into_iter().map(first).collect();
        Ok(Self { data, texts, queries, exact, fused })
    }

    /// Share of the exact answers that a turn found.
    fn quality(&self, way: Way, found: &[Vec<u64>]) -> f64 {
        match way {
            Way::Text => self.texts.agreement(&self.queries, &self.exact, found),
            Way::Dense => recall(found, &self.data.truth, K),
            Way::Both => recall(found, &self.fused, K),
        }
    }
}

/// Lists of points as one, by the sum of what their ranks in each are worth.
fn fuse(lists: [&[u64]; 2]) -> Vec<u64> {
    let mut sums: Vec<(u64, f64)> = Vec::new();
    for (rank, id) in lists.iter().flat_map(|list| list.iter().enumerate()) {
        let worth = 1.0 / (RANK + rank as f64);
        match sums.iter_mut().find(|(known, _)| known == id) {
            Some((_, sum)) => *sum += worth,
            None => sums.push((*id, worth)),
        }
    }
    sums.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    sums.into_iter().map(|(id, _)| id).collect()
}

pub(super) fn run(args: &Args, data: &Dataset, output: &mut Output) -> Result<(), Error> {
    let place = Place::new(&args.vane)?;
    let world = World::new(data)?;
    println!("\nSearches by words, by meaning (ef {EF}), by both ({CANDIDATES} of each, fused)");
    let bytes = encoded(&world.texts.rows);
    let mut libraries = Vec::new();
    // Before the node: what is built must not share the cores with it.
    for &library in args.peers.iter().filter(|library| library.has_sparse()) {
        let of = (library, args.peers_python.as_path());
        libraries.push(TextLibrary::build(of, data, &bytes, (args.params(), true))?);
    }
    let mut node = place.alone()?;
    let server = servers::ours(&node);
    load(args, &server, &world)?;
    let mut sides = vec![over_rest(&world, server)];
    sides.extend(libraries.into_iter().map(|library| in_library(&world, library)));
    let cases = [("words", Way::Text), ("meaning", Way::Dense), ("both", Way::Both)];
    let quality = |way: &Way, found: &[Vec<u64>]| world.quality(*way, found);
    sides::run(args, output, SECTION, (sides.as_mut_slice(), cases.as_slice()), &quality)?;
    drop(sides);
    Ok(node.stop()?)
}

/// Makes the collection and loads it.
fn load(args: &Args, server: &Server, world: &World<'_>) -> Result<(), Error> {
    let (client, data) = (server.client(), world.data);
    client.recreate_as(
        COLLECTION,
        &json!({
            "vectors": {"dense": {"size": data.dim, "distance": data.distance.rest()}},
            "sparse_vectors": {"text": {"modifier": "idf"}},
            "shard_number": 1,
            "replication_factor": 1,
            "hnsw_config": {"m": args.m, "ef_construct": args.ef_construct},
            "optimizers_config": {"indexing_threshold": INDEXING_THRESHOLD},
        }),
    )?;
    let point = |id: usize| {
        let (dense, text) = (json_of(data.vector(id))?, json_of(&world.texts.rows[id])?);
        Ok(format!("{{\"id\":{id},\"vector\":{{\"dense\":{dense},\"text\":{text}}}}}"))
    };
    load_points(&client, COLLECTION, data.len(), &point)?;
    wait_indexed(&client, COLLECTION, SETTLE)?;
    Ok(())
}

/// Through f32's own shortest form: as an f64 each number would have twice the digits.
fn json_of(value: &(impl Serialize + ?Sized)) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|e| Error::node("a vector", e))
}

fn over_rest<'a>(world: &'a World<'_>, server: Server) -> Side<'a, Way> {
    let ask = move |way: &Way, clients| {
        let queries = world.data.queries.iter().zip(&world.queries);
        let bodies = queries.map(|(query, text)| body(*way, &query.vector, text));
        let bodies = bodies.collect::<Result<Vec<_>, Error>>()?;
        server.ask(COLLECTION, &bodies, clients).map(Some)
    };
    Side { name: "Vane".to_owned(), ask: Box::new(ask) }
}

/// A query as the REST API takes it.
fn body(way: Way, dense: &[f32], text: &Sparse) -> Result<Vec<u8>, Error> {
    let (dense, text) = (json_of(dense)?, json_of(text)?);
    let dense = |limit: usize| {
        let params = format!("\"params\":{{\"hnsw_ef\":{EF}}}");
        format!("{{\"query\":{dense},\"using\":\"dense\",\"limit\":{limit},{params}}}")
    };
    let text = |limit: usize| format!("{{\"query\":{text},\"using\":\"text\",\"limit\":{limit}}}");
    let body = match way {
        Way::Text => text(K),
        Way::Dense => dense(K),
        Way::Both => {
            let both = format!("[{},{}]", dense(CANDIDATES), text(CANDIDATES));
            format!("{{\"prefetch\":{both},\"query\":{{\"fusion\":\"rrf\"}},\"limit\":{K}}}")
        }
    };
    Ok(body.into_bytes())
}

fn in_library<'a>(world: &'a World<'_>, mut library: TextLibrary) -> Side<'a, Way> {
    let (name, texts) = (library.name().to_owned(), encoded(&world.queries));
    let ask = move |way: &Way, clients| {
        if clients > 1 {
            return Ok(None);
        }
        let asked = (texts.as_slice(), world.queries.len());
        library.turn(asked, *way, (EF, CANDIDATES)).map(Some)
    };
    Side { name, ask: Box::new(ask) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_rank_high_comes_first() {
        assert_eq!(fuse([&[1, 2, 3], &[3, 4]]), [3, 1, 2, 4]);
        assert_eq!(fuse([&[], &[9]]), [9]);
    }

    #[test]
    fn bodies_are_json() {
        let text = Sparse { indices: vec![3], values: vec![0.5] };
        for way in [Way::Text, Way::Dense, Way::Both] {
            let body = body(way, &[0.25, 1.0], &text).unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["limit"], K, "{way:?}");
        }
    }
}
