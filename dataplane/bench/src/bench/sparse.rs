//! Searches by words: sparse vectors of the points' texts, on a node, in this process, and in
//! libraries that know them.
//!
//! All sides have the same rows and queries and find the best by the same scores. A node answers
//! over REST, the others within their process: what a request costs that finds nothing says how
//! much of the node's time that is.

use serde_json::json;

use super::place::Place;
use super::servers;
use super::sides::{self, Side};
use super::{Args, INDEXING_THRESHOLD};
use crate::contender::{K, OurPostings, SETTLE, Server, TextLibrary, Way};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::load::{load_points, wait_indexed};
use crate::output::Output;
use crate::texts::{LONG, Sparse, Texts, encoded, long_queries, short_queries};

const SECTION: &str = "sparse";
const COLLECTION: &str = "bench-sparse";
/// Of a sparse vector where nothing has a number.
const NOWHERE: u32 = u32::MAX;

/// Queries, and their exact answers.
struct Case {
    queries: Vec<Sparse>,
    exact: Vec<Vec<(u64, f32)>>,
}

pub(super) fn run(args: &Args, data: &Dataset, output: &mut Output) -> Result<(), Error> {
    let place = Place::new(&args.vane)?;
    let texts = Texts::of(data)?;
    println!("\nSearches by words: the {K} best of {} texts by BM25", texts.rows.len());
    let short = short_queries(data);
    let long = format!("{LONG} terms");
    let nowhere = vec![Sparse { indices: vec![NOWHERE], values: vec![1.0] }; short.len()];
    let cases =
        [("nothing to find", nowhere), (long.as_str(), long_queries(&short)), ("short", short)];
    let cases = cases.map(|(name, queries)| {
        let exact = texts.exact(&queries, K);
        (name, Case { queries, exact })
    });
    let ours = OurPostings::build(&texts)?;
    let mut node = place.alone()?;
    let server = servers::ours(&node);
    load(&server, &texts)?;
    let mut sides = vec![
        over_rest(server),
        Side {
            name: "Vane, in process".to_owned(),
            ask: Box::new(|case: &Case, clients| {
                let weighed = case.queries.iter().map(|query| texts.weighed(query));
                ours.turn(&weighed.collect::<Vec<_>>(), clients).map(Some)
            }),
        },
    ];
    let bytes = encoded(&texts.rows);
    for &library in args.peers.iter().filter(|library| library.has_sparse()) {
        let of = (library, args.peers_python.as_path());
        sides.push(in_library(TextLibrary::build(of, data, &bytes, (args.params(), false))?));
    }
    let quality =
        |case: &Case, found: &[Vec<u64>]| texts.agreement(&case.queries, &case.exact, found);
    sides::run(args, output, SECTION, (sides.as_mut_slice(), cases.as_slice()), &quality)?;
    drop(sides);
    Ok(node.stop()?)
}

/// Makes the collection and loads it.
fn load(server: &Server, texts: &Texts) -> Result<(), Error> {
    let client = server.client();
    client.recreate_as(
        COLLECTION,
        &json!({
            "sparse_vectors": {"text": {"modifier": "idf"}},
            "shard_number": 1,
            "replication_factor": 1,
            "optimizers_config": {"indexing_threshold": INDEXING_THRESHOLD},
        }),
    )?;
    let point = |id: usize| {
        let text = serde_json::to_string(&texts.rows[id]).map_err(|e| Error::node("a point", e))?;
        Ok(format!("{{\"id\":{id},\"vector\":{{\"text\":{text}}}}}"))
    };
    load_points(&client, COLLECTION, texts.rows.len(), &point)?;
    wait_indexed(&client, COLLECTION, SETTLE)?;
    Ok(())
}

fn over_rest(server: Server) -> Side<'static, Case> {
    let ask = move |case: &Case, clients| {
        let bodies = case.queries.iter().map(|query| {
            let query = serde_json::to_string(query).map_err(|e| Error::node("a query", e))?;
            let body = format!("{{\"query\":{query},\"using\":\"text\",\"limit\":{K}}}");
            Ok(body.into_bytes())
        });
        let bodies = bodies.collect::<Result<Vec<_>, Error>>()?;
        server.ask(COLLECTION, &bodies, clients).map(Some)
    };
    Side { name: "Vane".to_owned(), ask: Box::new(ask) }
}

fn in_library(mut library: TextLibrary) -> Side<'static, Case> {
    let name = library.name().to_owned();
    let ask = move |case: &Case, clients| {
        if clients > 1 {
            return Ok(None);
        }
        let texts = encoded(&case.queries);
        library.turn((texts.as_slice(), case.queries.len()), Way::Text, (K, K)).map(Some)
    };
    Side { name, ask: Box::new(ask) }
}
