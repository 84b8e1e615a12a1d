//! Many seeds on a few threads.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::run::{Options, Report, run};

/// Runs the seeds of a range, `jobs` at a time. `done` sees each report as it comes, in any
/// order, and says whether to go on; once it said no, it is not called again.
pub fn sweep(
    seeds: Range<u64>,
    jobs: usize,
    options: Options,
    done: impl FnMut(Report) -> bool + Send,
) -> std::io::Result<()> {
    let (next, stop, done) =
        (AtomicU64::new(seeds.start), AtomicBool::new(false), Mutex::new(done));
    let work = || -> std::io::Result<()> {
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                break;
            }
            let report = run(Options { seed, ..options })?;
            let mut done = done.lock();
            // Seeds that ran meanwhile are nobody's: whoever stopped has what was looked for.
            if !stop.load(Ordering::Relaxed) && !done(report) {
                stop.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|it| it.join().expect("a run's panics are caught"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_to_stop_hears_of_no_more_seeds() {
        let mut calls = 0;
        let options = Options { bug: None, ..Options::default() };
        sweep(0..6, 3, options, |_| {
            calls += 1;
            false
        })
        .unwrap();
        assert_eq!(calls, 1);
    }
}
