//! Loading points, with progress bars.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

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
    load_with(client, collection, data, &|point| data.payloads[point].to_string())
}

/// [`load`] with other payloads, as JSON.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_with(
    client: &Client,
    collection: &str,
    data: &Dataset,
    payload: &dyn Fn(usize) -> String,
) -> Result<Duration, Error> {
    let point = |i: usize| point(i, data.vector(i), &payload(i));
    load_points(client, collection, data.len(), &point)
}

/// The same with so many points of any form, each as JSON.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_points(
    client: &Client,
    collection: &str,
    count: usize,
    point: &dyn Fn(usize) -> Result<String, Error>,
) -> Result<Duration, Error> {
    let template = "{msg:>10} [{bar:40}] {pos}/{len} points, {per_sec}, {eta} left";
    let bar = bar("loading", count as u64, template);
    let start = Instant::now();
    for first in (0..count).step_by(BATCH) {
        let last = count.min(first + BATCH);
        let points = (first..last).map(point).collect::<Result<Vec<_>, _>>()?.join(",");
        client.upsert_raw(collection, format!("{{\"points\":[{points}]}}").as_bytes())?;
        bar.set_position(last as u64);
    }
    let time = start.elapsed();
    bar.finish_and_clear();
    Ok(time)
}

/// A point as the REST API takes it.
pub(crate) fn point(id: usize, vector: &[f32], payload: &str) -> Result<String, Error> {
    // Through f32's own shortest form: as an f64 each number would have twice the digits.
    let vector = serde_json::to_string(vector).map_err(|e| Error::node("a point", e))?;
    Ok(format!("{{\"id\":{id},\"vector\":{vector},\"payload\":{payload}}}"))
}

/// Waits until no background job is due, and none becomes due in the time `settle`; the time until
/// the first moment of that, and the state then.
///
/// # Errors
/// Those of the requests, and when it takes longer than half an hour.
pub(crate) fn wait_indexed(
    client: &Client,
    collection: &str,
    settle: Duration,
) -> Result<(Duration, Info), Error> {
    let start = Instant::now();
    let mut green = None;
    let bar = bar("indexing", 0, "{msg:>10} {spinner} {elapsed}");
    loop {
        let info = client.info(collection)?;
        if info.status == "green" {
            let since: Duration = *green.get_or_insert(start.elapsed());
            if start.elapsed() >= since + settle {
                bar.finish_and_clear();
                return Ok((since, info));
            }
        } else {
            green = None;
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
