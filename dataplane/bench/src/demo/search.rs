//! One search as a table, with the time and the recall of all queries under its filter.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::COLLECTION;
use crate::client::{Client, Found};
use crate::dataset::{Dataset, Filtered, Query};
use crate::error::Error;
use crate::recall::recall;

/// Results asked for.
pub(super) const K: usize = 10;
/// Results shown of each search.
const SHOWN: usize = 5;
/// Columns of a package's summary that are shown.
const SUMMARY: usize = 60;

fn search(client: &Client, query: &Query, filter: &Value) -> Result<(Vec<Found>, Duration), Error> {
    let body = json!({
        "query": query.vector,
        "filter": filter,
        "limit": K,
        "with_payload": ["name", "summary"],
    });
    let start = Instant::now();
    let found = client.query(COLLECTION, &body)?;
    Ok((found, start.elapsed()))
}

pub(super) fn show(
    client: &Client,
    data: &Dataset,
    query: usize,
    filter: Option<&str>,
) -> Result<(), Error> {
    let filtered = filter.and_then(|name| data.filters.get(name));
    let (condition, truth) = match filtered {
        Some(filtered) => (&filtered.filter, &filtered.truth),
        None => (&Value::Null, &data.truth),
    };
    println!("\n\u{201c}{}\u{201d}", data.queries[query].text);
    if let Some(Filtered { filter, matching, .. }) = filtered {
        println!("  only where {filter} ({matching} packages)");
    }
    let (found, time) = search(client, &data.queries[query], condition)?;
    for Found { score, payload, .. } in found.iter().take(SHOWN) {
        let [name, summary] = ["name", "summary"].map(|key| payload[key].as_str().unwrap_or("?"));
        let summary: String = summary.chars().take(SUMMARY).collect();
        println!("  {score:.3}  {name:<28} {summary}");
    }
    let (mut all, mut total) = (Vec::new(), Duration::ZERO);
    for query in &data.queries {
        let (found, time) = search(client, query, condition)?;
        all.push(found.into_iter().map(|point| point.id).collect());
        total += time;
    }
    println!(
        "  found in {:.2} ms; over {} such searches {:.2} ms on average, recall@{K} {:.3}",
        time.as_secs_f64() * 1e3,
        data.queries.len(),
        total.as_secs_f64() * 1e3 / data.queries.len() as f64,
        recall(&all, truth, K)
    );
    Ok(())
}
