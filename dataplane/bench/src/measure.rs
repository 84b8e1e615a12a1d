//! Running queries and timing them.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};

use crate::error::Error;

/// Significant digits of a latency.
const DIGITS: u8 = 3;
/// Latencies beyond this count as this: ten minutes.
const MICROS_MAX: u64 = 600_000_000;

/// The figures of one run over all queries.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Queries per second, all clients together.
    pub(crate) qps: f64,
    /// How long each search took, of all clients.
    pub(crate) latencies: Vec<Duration>,
    /// Seconds of processors that the clients' threads used.
    pub(crate) cpu: f64,
    /// What each query found, of the first client.
    pub(crate) found: Vec<Vec<u64>>,
}

/// Runs all queries once per client, each client on a thread of its own.
///
/// `make` gives the search function of a client by its number: from the number of a query
/// to what it found.
pub(crate) fn run<S>(
    clients: usize,
    queries: usize,
    make: impl Fn(usize) -> S + Sync,
) -> Result<Run, Error>
where
    S: FnMut(usize) -> Result<Vec<u64>, Error>,
{
    let start = Instant::now();
    let make = &make;
    let results = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|client| {
                // Clients begin at different queries, so that they do not move in step.
                let first = client * queries / clients;
                scope.spawn(move || run_one(make(client), first, queries))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a client does not panic"))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let time = start.elapsed();
    let latencies: Vec<Duration> =
        results.iter().flat_map(|one| one.latencies.iter().copied()).collect();
    let cpu = results.iter().map(|one| one.cpu).sum();
    let found = results.into_iter().next().map(|one| one.found).unwrap_or_default();
    let qps = (clients * queries) as f64 / time.as_secs_f64();
    Ok(Run { qps, latencies, cpu, found })
}

/// What one client did.
struct One {
    latencies: Vec<Duration>,
    cpu: f64,
    found: Vec<Vec<u64>>,
}

/// Runs all queries once, beginning with query `first`.
fn run_one(
    mut search: impl FnMut(usize) -> Result<Vec<u64>, Error>,
    first: usize,
    queries: usize,
) -> Result<One, Error> {
    let (mut latencies, mut found) = (Vec::with_capacity(queries), vec![Vec::new(); queries]);
    let cpu = thread_seconds();
    for i in 0..queries {
        let query = (first + i) % queries;
        let begin = Instant::now();
        found[query] = search(query)?;
        latencies.push(begin.elapsed());
    }
    let cpu = thread_seconds() - cpu;
    Ok(One { latencies, cpu, found })
}

/// Seconds of processors that the calling thread has used.
fn thread_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The 50th, 95th and 99th percentile.
pub(crate) fn percentiles<'a>(latencies: impl Iterator<Item = &'a Duration>) -> [Duration; 3] {
    quantiles(latencies, [0.5, 0.95, 0.99])
}

/// Latencies below which such shares of all lie.
pub(crate) fn quantiles<'a, const N: usize>(
    latencies: impl Iterator<Item = &'a Duration>,
    shares: [f64; N],
) -> [Duration; N] {
    // Saturating records do not widen a histogram: it needs its bound from the start.
    let mut histogram = Histogram::<u64>::new_with_max(MICROS_MAX, DIGITS)
        .expect("the bound and the digits are fine");
    for latency in latencies {
        histogram.saturating_record(latency.as_micros() as u64);
    }
    shares.map(|share| Duration::from_micros(histogram.value_at_quantile(share)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_latencies_are_not_cut_short() {
        let latencies: Vec<Duration> = (1..=100).map(|i| Duration::from_millis(i * 10)).collect();
        let [p50, _, p99] = percentiles(latencies.iter());
        let near = |time: Duration, ms: u64| time.as_millis().abs_diff(u128::from(ms)) <= 2;
        assert!(near(p50, 500) && near(p99, 990), "{p50:?} {p99:?}");
    }
}
