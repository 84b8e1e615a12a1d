//! The check that nothing is lost: it reads every point through every node that is up.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::COLLECTION;
use super::kill::Outage;
use super::vane::Node;
use crate::client::Client;
use crate::dataset::Dataset;
use crate::error::Error;
use crate::load::bar;

/// Points of one request.
const BATCH: usize = 500;

#[derive(Deserialize)]
struct Count {
    count: usize,
}

#[derive(Deserialize)]
struct Record {
    id: usize,
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    name: String,
    #[serde(default)]
    revision: usize,
}

/// Counts, and retrieves every point, through each node; a point must have what the last
/// acknowledged write gave it.
pub(super) fn nothing_is_lost(
    nodes: &[Node],
    data: &Dataset,
    outage: &Outage,
) -> Result<(), Error> {
    let up: Vec<_> = nodes.iter().filter(|node| node.ready).collect();
    let template = "{msg:>10} [{bar:40}] {pos}/{len} points, {eta} left";
    let bar = bar("checking", (up.len() * data.len()) as u64, template);
    for node in &up {
        let client = Client::new(&node.url);
        let path = format!("/collections/{COLLECTION}/points");
        let Count { count } =
            // An estimate could hide a lost point.
            client.send("POST", &format!("{path}/count"), &json!({"exact": true}))?;
        if count != data.len() {
            let what = format!("it counts {count} points, {} were acknowledged", data.len());
            return Err(Error::Lost { node: node.name.clone(), what });
        }
        for first in (0..data.len()).step_by(BATCH) {
            let ids: Vec<usize> = (first..data.len().min(first + BATCH)).collect();
            let body =
                // The revision is in the payload; vectors would be most of the traffic.
                json!({"ids": ids, "with_payload": ["name", "revision"], "with_vector": false});
            let found: Vec<Record> = client.send("POST", &path, &body)?;
            if let Some(what) = amiss(&ids, &found, data, outage) {
                return Err(Error::Lost { node: node.name.clone(), what });
            }
            bar.inc(ids.len() as u64);
        }
    }
    bar.finish_and_clear();
    println!("\nNothing is lost:");
    for node in up {
        println!(
            "  through {}: {} packages counted, {} retrieved, all as last acknowledged",
            node.name,
            data.len(),
            data.len()
        );
    }
    Ok(())
}

/// What is amiss with the first of these points that is missing or stale.
fn amiss(ids: &[usize], found: &[Record], data: &Dataset, outage: &Outage) -> Option<String> {
    let found: BTreeMap<usize, &Record> = found.iter().map(|record| (record.id, record)).collect();
    ids.iter().find_map(|id| match found.get(id) {
        None => Some(format!("point {id} is not there")),
        Some(record) if !is_right(record, data, outage) => {
            Some(format!("point {id} is not as it was last written"))
        }
        Some(_) => None,
    })
}

fn is_right(record: &Record, data: &Dataset, outage: &Outage) -> bool {
    let least = outage.revision_of(record.id, data.len());
    // One write may have been sent, and done, without its acknowledgement.
    let sent = outage.acknowledged + 1;
    data.payloads[record.id]["name"] == record.payload.name.as_str()
        && (least..=sent).contains(&record.payload.revision)
}
