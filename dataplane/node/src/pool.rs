//! Threads that search. FAISS never runs on the threads of the async runtime.

use std::panic::AssertUnwindSafe;
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, TrySendError, bounded};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use vane_types::Error;

type Task = Box<dyn FnOnce() + Send>;

/// A fixed number of threads with a bounded queue.
pub(crate) struct Pool {
    queue: Mutex<Option<Sender<Task>>>,
    pending_max: usize,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Pool {
    /// # Errors
    /// Where a thread cannot be started.
    pub(crate) fn start(threads: usize, pending_max: usize) -> std::io::Result<Self> {
        // Bounded, so that too much load is an error at once and not a growing delay.
        let (send, receive) = bounded::<Task>(pending_max);
        let spawn = |number| {
            let receive = receive.clone();
            std::thread::Builder::new().name(format!("search-{number}")).spawn(move || {
                // The pool is all there is of parallelism: OpenMP teams would multiply its threads.
                vane_index::single_threaded_here();
                for task in &receive {
                    // A defect in one search must not cost the node a thread.
                    if std::panic::catch_unwind(AssertUnwindSafe(task)).is_err() {
                        tracing::error!("a search panicked; its request failed, the node goes on");
                    }
                }
            })
        };
        // Where one fails to start, the sender goes with the error and the others end by that.
        let threads = (0..threads).map(spawn).collect::<Result<_, _>>()?;
        Ok(Self { queue: Mutex::new(Some(send)), pending_max, threads: Mutex::new(threads) })
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

pub(crate) fn stopping() -> Error {
    Error::unavailable("the node is shutting down")
}
