//! A payload index of a large collection is made while others write: nobody waits for it.

use std::time::{Duration, Instant};

use serde_json::json;
use vane_testbed::wait_until;

use crate::load::{Load, Plan};
use crate::world::{DIM, amount, check, create, fill, start};

/// Points that are there when the index is made; `INDEX_POINTS` in a long form.
const POINTS: u64 = 50_000;
/// Time for so many to be in it.
const WHOLE: Duration = Duration::from_secs(60);

#[test]
fn an_index_of_a_large_collection_is_made_beside_writes() {
    let points = amount("INDEX_POINTS", POINTS);
    let world = start(3, false, &[]);
    let rest = world.cluster.nodes()[0].rest();
    create(&rest, 1, 3);
    let other = json!({"vectors": {"size": DIM, "distance": "Dot"}, "replication_factor": 3});
    rest.send("PUT", "/collections/other", &other).unwrap();
    world.cluster.wait_caught_up("other", 0).unwrap();
    fill(&rest, points);
    // Into the collection that gets the index, and into another.
    let plans = ["c", "other"].map(|collection| Plan {
        writers: 1,
        first: points + 1,
        collection,
        ..Plan::default()
    });
    let loads = plans.map(|plan| Load::start(&world.cluster, plan));
    loads.iter().for_each(|load| load.wait_for(500));
    let began = Instant::now();
    let index = json!({"field_name": "n", "field_schema": "integer"});
    rest.send("PUT", "/collections/c/index?wait=true&timeout=60", &index).unwrap();
    let answered = began.elapsed();
    let schema = "/payload_schema/n/points";
    wait_until("all points to be in the index", WHOLE * points.div_ceil(POINTS) as u32, || {
        let found = rest.call("GET", "/collections/c", &json!(null)).ok()?;
        (found.body["result"].pointer(schema)?.as_u64()? >= points).then_some(())
    })
    .unwrap();
    let whole = Instant::now();
    loads.iter().for_each(|load| load.wait_for(100));
    let written = loads.map(Load::end);
    for (name, written) in ["c", "other"].iter().zip(&written) {
        let (before, during) =
            (written.slowest(began - Duration::from_secs(5), began), written.slowest(began, whole));
        println!(
            "{points} points, index answered after {answered:.1?} and whole after {:.1?}: writes \
             to {name} took {during:.1?} (99 of 100, longest), {before:.1?} before",
            whole - began
        );
        written.refused_only_with(&[]);
    }
    let range =
        json!({"filter": {"must": [{"key": "n", "range": {"lte": points}}]}, "exact": true});
    let counted = rest.send("POST", "/collections/c/points/count", &range).unwrap();
    assert_eq!(counted["count"], points);
    let [mut written, _] = written;
    written.seen(1..=points);
    check(&world.cluster, &written);
}
