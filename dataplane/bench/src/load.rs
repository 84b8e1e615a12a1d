//! Loading points, with progress bars.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::client::{Client, Info};
use crate::dataset::Dataset;
use crate::error::Error;

/// Points of one request.
const BATCH: usize = 500;
const GREEN_TIMEOUT: Duration = Duration::from_secs(1800);
const PAUSE: Duration = Duration::from_millis(20);

/// Writes all points; the time until the last was acknowledged.
///
/// # Errors
/// Those of the first request that fails; the points of the requests before it are written.
pub(crate) fn load(client: &Client, collection: &str, data: &Dataset) -> Result<Duration, Error> {
    let template = "{msg:>10} [{bar:40}] {pos}/{len} points, {per_sec}, {eta} left";
    let bar = bar("loading", data.len() as u64, template);
    let start = Instant::now();
    for first in (0..data.len()).step_by(BATCH) {
        let last = data.len().min(first + BATCH);
        let points: Vec<Value> = (first..last)
            .map(|i| json!({"id": i, "vector": data.vector(i), "payload": data.payloads[i]}))
            .collect();
        let body = json!({"points": points});
        let _written: Value =
            client.send("PUT", &format!("/collections/{collection}/points?wait=true"), &body)?;
        bar.set_position(last as u64);
    }
    let time = start.elapsed();
    bar.finish_and_clear();
    Ok(time)
}

/// Waits until no background job is due; the time that took, and the state then.
///
/// # Errors
/// Those of the requests, and when it takes longer than half an hour.
pub(crate) fn wait_indexed(client: &Client, collection: &str) -> Result<(Duration, Info), Error> {
    let start = Instant::now();
    let bar = bar("indexing", 0, "{msg:>10} {spinner} {elapsed}");
    loop {
        let info = client.info(collection)?;
        if info.status == "green" {
            bar.finish_and_clear();
            return Ok((start.elapsed(), info));
        }
        if start.elapsed() > GREEN_TIMEOUT {
            return Err(Error::node(
                format!("collection {collection}"),
                format!("still indexing: {info:?}"),
            ));
        }
        bar.tick();
        vane_testbed::pause(PAUSE);
    }
}

/// A bar for people, or a spinner for a length of 0; nothing where standard error is no terminal.
pub(crate) fn bar(message: &'static str, len: u64, template: &str) -> ProgressBar {
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::stderr())
        .with_style(style.progress_chars("=> "))
        .with_message(message)
}
