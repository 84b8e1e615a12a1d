//! Threads that search. FAISS never runs on the threads of the async runtime.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, never, select};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use vane_shard::Helpers;
use vane_types::Error;

type Task = Box<dyn FnOnce() + Send>;
/// A part of another thread's search.
type Help = Arc<dyn Fn() + Send + Sync>;

/// A fixed number of threads with a bounded queue.
pub(crate) struct Pool {
    queue: Mutex<Option<Sender<Task>>>,
    /// Holds nothing: a thread that waits for work takes what is offered, or it is not offered.
    helping: Sender<Help>,
    pending_max: usize,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Pool {
    /// # Errors
    /// Where a thread cannot be started.
    pub(crate) fn start(threads: usize, pending_max: usize) -> std::io::Result<Self> {
        // Bounded, so that too much load is an error at once and not a growing delay.
        let (send, receive) = bounded::<Task>(pending_max);
        let (helping, help) = bounded::<Help>(0);
        let spawn = |number| {
            let (receive, help) = (receive.clone(), help.clone());
            std::thread::Builder::new().name(format!("search-{number}")).spawn(move || {
                // The pool is all there is of parallelism: OpenMP teams would multiply its threads.
                vane_index::single_threaded_here();
                work(&receive, help);
            })
        };
        // Where one fails to start, the sender goes with the error and the others end by that.
        let threads = (0..threads).map(spawn).collect::<Result<_, _>>()?;
        let (queue, threads) = (Mutex::new(Some(send)), Mutex::new(threads));
        Ok(Self { queue, helping, pending_max, threads })
    }

    /// Runs `work` on one of the threads.
    ///
    /// # Errors
    /// `Overloaded` at once where the queue is full, `Unavailable` where the node stops,
    /// `Internal` where the work panicked; else the work's own.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, vane_shard::Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let task: Task = Box::new(move || {
            // Nobody waits any more when the client is gone: the work would be for nothing.
            if !answer.is_closed() {
                drop(answer.send(work()));
            }
        });
        // Kept until the answer is there: the threads end only when no sender is left.
        let queue = self.queue.lock().clone().ok_or_else(stopping)?;
        // Never waited for: callers that wait here would be a second queue, without a bound.
        queue.try_send(task).map_err(|error| match error {
            TrySendError::Full(_) => {
                Error::overloaded(format!("{} searches are waiting", self.pending_max))
            }
            TrySendError::Disconnected(_) => stopping(),
        })?;
        match answered.await {
            Ok(result) => Ok(result?),
            Err(_) => Err(Error::internal("the search ended without an answer; see the log")),
        }
    }

    /// Ends the threads after what is waiting is done.
    pub(crate) fn stop(&self) {
        drop(self.queue.lock().take());
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a search thread panicked");
            }
        }
    }
}

impl Helpers for Pool {
    fn offer(&self, most: usize, work: &Help) {
        for _ in 0..most {
            // Only a thread that waits for work this moment takes it.
            if self.helping.try_send(Arc::clone(work)).is_err() {
                return;
            }
        }
    }
}

/// Does what comes until nothing can come any more.
fn work(tasks: &Receiver<Task>, help: Receiver<Help>) {
    let mut help = help;
    loop {
        let task = select! {
            recv(tasks) -> task => match task {
                Ok(task) => task,
                Err(_) => return,
            },
            recv(help) -> work => match work {
                Ok(work) => Box::new(move || work()) as Task,
                Err(_) => {
                    // Tasks may still wait: their end is the thread's.
                    help = never();
                    continue;
                }
            },
        };
        // A defect in one search must not cost the node a thread.
        if std::panic::catch_unwind(AssertUnwindSafe(task)).is_err() {
            tracing::error!("a search panicked; its request failed, the node goes on");
        }
    }
}

pub(crate) fn stopping() -> Error {
    Error::unavailable("the node is shutting down")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    /// Offers help until a thread has done it.
    fn offered(pool: &Pool, most: usize) -> usize {
        let helped = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&helped);
        let work: Help = Arc::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        let end = Instant::now() + Duration::from_secs(20);
        while helped.load(Ordering::SeqCst) < most && Instant::now() < end {
            pool.offer(1, &work);
            std::thread::park_timeout(Duration::from_millis(1));
        }
        helped.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn idle_threads_help_and_busy_ones_are_not_waited_for() {
        let pool = Pool::start(1, 4).unwrap();
        assert_eq!(offered(&pool, 3), 3);
        let (busy, free) = (bounded::<()>(0), bounded::<()>(0));
        let running = pool.run(move || {
            busy.0.send(()).unwrap();
            Ok(free.1.recv().is_err())
        });
        let look = async {
            tokio::task::spawn_blocking(move || busy.1.recv()).await.unwrap().unwrap();
            let helped = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&helped);
            let work: Help = Arc::new(move || {
                counted.fetch_add(1, Ordering::SeqCst);
            });
            pool.offer(7, &work);
            assert_eq!(Arc::strong_count(&work), 1, "nobody took it, and nothing keeps it");
            drop(free.0);
            helped.load(Ordering::SeqCst)
        };
        let (ran, helped) = tokio::join!(running, look);
        assert_eq!((ran.unwrap(), helped), (true, 0));
        pool.stop();
    }
}
