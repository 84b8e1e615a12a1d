//! Reads of any kind on their way to a leader and back.

use std::any::Any;
use std::fmt;
use std::time::Instant;

use futures_util::FutureExt;
use parking_lot::Mutex;
use vane_transport::Read;
use vane_types::{Error, PointId};

use crate::machine::{AtLeader, number_of_id};

/// A read whose kind only those know who asked.
pub(crate) trait AnyRead: fmt::Debug + Send + Sync {
    /// Reads, and keeps what was found for the one who asked.
    fn answer(&self, replica: &AtLeader<'_>) -> Result<(), Error>;
    /// The points that were found for a change by filter, where the read was for one.
    fn resolved(&self) -> Option<Vec<u64>>;
}

/// A read, and what it found.
pub(super) struct AskedRead<R: Read> {
    read: R,
    answer: Mutex<Option<R::Answer>>,
}

impl<R: Read> AskedRead<R> {
    pub(super) fn new(read: R) -> Self {
        Self { read, answer: Mutex::new(None) }
    }

    pub(super) fn take(&self) -> Option<R::Answer> {
        self.answer.lock().take()
    }
}

impl<R: Read> fmt::Debug for AskedRead<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<R>())
    }
}

impl<R: Read> AnyRead for AskedRead<R> {
    fn answer(&self, replica: &AtLeader<'_>) -> Result<(), Error> {
        // Simulated replicas wait for nothing and know no deadline, so one poll is enough.
        let answered = self.read.clone().answer(replica, Instant::now()).now_or_never();
        let answer = answered.ok_or_else(|| Error::internal("the read waits"))??;
        // Seen by the one who asked only when the message arrives that says so.
        *self.answer.lock() = Some(answer);
        Ok(())
    }

    fn resolved(&self) -> Option<Vec<u64>> {
        let answer = self.answer.lock();
        // Of all kinds only this one answers ids.
        let ids = (answer.as_ref()? as &dyn Any).downcast_ref::<Vec<PointId>>()?;
        let mut points: Vec<u64> = ids.iter().filter_map(|id| number_of_id(*id)).collect();
        points.sort_unstable();
        Some(points)
    }
}
