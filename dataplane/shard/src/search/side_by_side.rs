//! Parts of one search, done side by side where threads have nothing else to do.
//!
//! Whoever searches does all parts himself but for those that a helper took first. So a busy
//! node and the simulator, which have no helpers, run the same code one part after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Condvar, Mutex};

/// Threads that may help with a search.
pub trait Helpers: Sync {
    /// Has up to `most` threads that are idle call `work`, and waits for none of them. Where
    /// all are busy none does: nothing is queued.
    fn offer(&self, most: usize, work: &Arc<dyn Fn() + Send + Sync>);
}

/// Nobody helps.
pub struct Alone;

impl Helpers for Alone {
    fn offer(&self, _most: usize, _work: &Arc<dyn Fn() + Send + Sync>) {}
}

/// The parts and what came of them.
struct Parts<T> {
    next: AtomicUsize,
    count: usize,
    ended: Mutex<Ended<T>>,
    all_ended: Condvar,
}

struct Ended<T> {
    results: Vec<Option<T>>,
    parts: usize,
}

/// Counts a part as ended, also when it panics: whoever waits must not wait for ever.
struct Ending<'a, T> {
    parts: &'a Parts<T>,
    number: usize,
    result: Option<T>,
}

impl<T> Drop for Ending<'_, T> {
    fn drop(&mut self) {
        let mut ended = self.parts.ended.lock();
        ended.results[self.number] = self.result.take();
        ended.parts += 1;
        if ended.parts == self.parts.count {
            self.parts.all_ended.notify_all();
        }
    }
}

impl<T> Parts<T> {
    fn work(&self, part: &impl Fn(usize) -> T) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.count {
                return;
            }
            let mut ending = Ending { parts: self, number, result: None };
            ending.result = Some(part(number));
        }
    }
}

/// What `part` gives for each number below `count`, in their order whoever did which; `None` for
/// one that panicked on another thread. `most` threads may help.
pub(crate) fn side_by_side<T: Send + 'static>(
    count: usize,
    most: usize,
    helpers: &dyn Helpers,
    part: impl Fn(usize) -> T + Send + Sync + 'static,
) -> Vec<Option<T>> {
    let results = (0..count).map(|_| None).collect();
    let parts = Arc::new(Parts {
        next: AtomicUsize::new(0),
        count,
        ended: Mutex::new(Ended { results, parts: 0 }),
        all_ended: Condvar::new(),
    });
    let shared = Arc::clone(&parts);
    let work = move || shared.work(&part);
    if most == 0 || count < 2 {
        work();
    } else {
        let work: Arc<dyn Fn() + Send + Sync> = Arc::new(work);
        helpers.offer(most.min(count - 1), &work);
        work();
    }
    let mut ended = parts.ended.lock();
    while ended.parts < count {
        parts.all_ended.wait(&mut ended);
    }
    std::mem::take(&mut ended.results)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Threads that are always there, and come late.
    struct Many(Mutex<Vec<std::thread::JoinHandle<()>>>);

    impl Helpers for Many {
        fn offer(&self, most: usize, work: &Arc<dyn Fn() + Send + Sync>) {
            for _ in 0..most {
                let work = Arc::clone(work);
                self.0.lock().push(std::thread::spawn(move || work()));
            }
        }
    }

    #[test]
    fn each_part_is_done_once_and_results_keep_their_order() {
        let many = Many(Mutex::default());
        for helpers in [&Alone as &dyn Helpers, &many] {
            for count in [0, 1, 2, 33] {
                let done = Arc::new(AtomicUsize::new(0));
                let counted = Arc::clone(&done);
                let results = side_by_side(count, 7, helpers, move |number| {
                    counted.fetch_add(1, Ordering::Relaxed);
                    number * 2
                });
                let expected: Vec<_> = (0..count).map(|number| Some(number * 2)).collect();
                assert_eq!(results, expected);
                assert_eq!(done.load(Ordering::Relaxed), count);
            }
        }
        many.0.into_inner().into_iter().for_each(|thread| thread.join().unwrap());
    }

    #[test]
    fn a_helper_that_panics_leaves_nobody_waiting() {
        let many = Many(Mutex::default());
        let me = std::thread::current().id();
        let results = side_by_side(8, 2, &many, move |_| {
            // Long enough for the others to come.
            std::thread::park_timeout(std::time::Duration::from_millis(20));
            assert_eq!(std::thread::current().id(), me, "only a test");
        });
        assert_eq!(results.len(), 8);
        assert!(results.iter().any(Option::is_some));
    }
}
