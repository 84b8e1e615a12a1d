//! Running queries and timing them.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::error::Error;

/// Significant digits of a latency.
const DIGITS: u8 = 3;
/// Latencies beyond this count as this: ten minutes.
const MICROS_MAX: u64 = 600_000_000;

/// What one run over all queries came to.
#[derive(Debug, Clone)]
pub struct Run {
    /// Queries per second, all clients together.
    pub qps: f64,
    /// Latency at the 50th, 95th and 99th percentile.
    pub percentiles: [Duration; 3],
    /// What each query found, of the first client.
    pub found: Vec<Vec<u64>>,
}

/// Runs all queries once per client, each client on a thread of its own.
///
/// `make` gives the search function of a client by its number: from the number of a query
/// to what it found.
pub fn run<S>(
    clients: usize,
    queries: usize,
    make: impl Fn(usize) -> S + Sync,
) -> Result<Run, Error>
where
    S: FnMut(usize) -> Result<Vec<u64>, Error>,
{
    let start = Instant::now();
    let one = |client: usize| {
        let (mut search, mut latencies, mut found) =
            (make(client), Vec::with_capacity(queries), Vec::new());
        for i in 0..queries {
            // Clients begin at different queries, so that they do not move in step.
            let query = (i + client * queries / clients) % queries;
            let begin = Instant::now();
            found.push((query, search(query)?));
            latencies.push(begin.elapsed());
        }
        found.sort_unstable_by_key(|(query, _)| *query);
        Ok::<_, Error>((latencies, found))
    };
    let results = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|client| scope.spawn(move || one(client))).collect();
        threads
            .into_iter()
            .map(|it| it.join().expect("a client does not panic"))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let time = start.elapsed();
    let percentiles = percentiles(results.iter().flat_map(|(latencies, _)| latencies));
    let found = results
        .into_iter()
        .next()
        .map(|(_, found)| found.into_iter().map(|(_, ids)| ids).collect());
    Ok(Run {
        qps: (clients * queries) as f64 / time.as_secs_f64(),
        percentiles,
        found: found.unwrap_or_default(),
    })
}

/// The 50th, 95th and 99th percentile.
pub fn percentiles<'a>(latencies: impl Iterator<Item = &'a Duration>) -> [Duration; 3] {
    // Saturating records do not widen a histogram: it needs its bound from the start.
    let mut histogram = Histogram::<u64>::new_with_max(MICROS_MAX, DIGITS)
        .expect("the bound and the digits are fine");
    latencies.for_each(|it| histogram.saturating_record(it.as_micros() as u64));
    [0.5, 0.95, 0.99].map(|it| Duration::from_micros(histogram.value_at_quantile(it)))
}

/// The run of median speed.
pub fn median(mut runs: Vec<Run>) -> Option<Run> {
    runs.sort_by(|a, b| a.qps.total_cmp(&b.qps));
    let middle = runs.len() / 2;
    runs.into_iter().nth(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_latencies_are_not_cut_short() {
        let latencies: Vec<Duration> = (1..=100).map(|it| Duration::from_millis(it * 10)).collect();
        let [p50, _, p99] = percentiles(latencies.iter());
        let near = |time: Duration, ms: u64| time.as_millis().abs_diff(u128::from(ms)) <= 2;
        assert!(near(p50, 500) && near(p99, 990), "{p50:?} {p99:?}");
    }
}
