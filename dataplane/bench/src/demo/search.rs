//! One search as a table, and how all queries fare under its filter.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::COLLECTION;
use crate::client::{Client, Found};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::recall::recall;

/// Results asked for.
pub(super) const K: usize = 10;
/// Results shown of each search.
const SHOWN: usize = 5;
/// Columns of a summary.
const SUMMARY: usize = 60;

pub(super) fn show(
    client: &Client,
    data: &Dataset,
    query: usize,
    filter: Option<&str>,
) -> Result<(), Error> {
    let filtered = filter.and_then(|it| data.filters.get(it));
    let truth = filtered.map_or(&data.truth, |it| &it.truth);
    let condition = filtered.map_or(Value::Null, |it| it.filter.clone());
    let search = |query: usize| -> Result<(Vec<Found>, Duration), Error> {
        let vector = &data.queries[query].vector;
        let body = json!({"query": vector, "filter": condition, "limit": K, "with_payload": ["name", "summary"]});
        let start = Instant::now();
        let found = client.query(COLLECTION, &body)?;
        Ok((found, start.elapsed()))
    };
    println!(
        "\n\u{201c}{}\u{201d}{}",
        data.queries[query].text,
        filtered.map_or(String::new(), |it| {
            format!("\n  only where {} ({} packages)", it.filter, it.matching)
        })
    );
    let (found, time) = search(query)?;
    for it in found.iter().take(SHOWN) {
        let text = |key: &str| it.payload[key].as_str().unwrap_or("?").to_owned();
        let summary: String = text("summary").chars().take(SUMMARY).collect();
        println!("  {:.3}  {:<28} {summary}", it.score, text("name"));
    }
    let (mut all, mut total) = (Vec::new(), Duration::ZERO);
    for query in 0..data.queries.len() {
        let (found, time) = search(query)?;
        all.push(found.into_iter().map(|it| it.id).collect());
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
