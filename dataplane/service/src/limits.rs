//! How much is worked on at a time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use vane_api::{Error, Kind};

/// Bodies of this size may be read at the same time, as a multiple of the largest one allowed;
/// small ones are not counted.
const LARGE_BODIES_MAX: usize = 16;
/// Bodies up to this many bytes are small.
const SMALL_BODY_BYTES_MAX: usize = 1 << 20;
/// What a permit of [`Limits::large_bodies`] is for: a semaphore cannot count all bytes.
const BODY_PERMIT_BYTES: usize = 1 << 10;

/// Bounds on the calls and on the bodies that are in memory.
pub struct Limits {
    calls: Arc<Semaphore>,
    calls_max: usize,
    body_bytes_max: usize,
    large_bodies: Semaphore,
}

/// The right to work on a call, given back when dropped.
#[derive(Debug)]
pub struct Permit {
    _permit: OwnedSemaphorePermit,
}

impl Limits {
    /// `calls_max` calls at a time, with bodies of up to `body_bytes_max` bytes.
    pub(crate) fn new(calls_max: usize, body_bytes_max: usize) -> Self {
        // Rounded up for each, so that the largest body always fits.
        let body_permits = LARGE_BODIES_MAX * body_bytes_max.div_ceil(BODY_PERMIT_BYTES);
        Self {
            calls: Arc::new(Semaphore::new(calls_max)),
            calls_max,
            body_bytes_max,
            large_bodies: Semaphore::new(body_permits),
        }
    }

    /// Largest body, in bytes.
    pub fn body_bytes_max(&self) -> usize {
        self.body_bytes_max
    }

    /// Lets a call in, or sends it away: one that waited here would hold memory meanwhile.
    ///
    /// # Errors
    ///
    /// [`Kind::Overloaded`] while as many are worked on as may be.
    pub fn admit(&self) -> Result<Permit, Error> {
        Arc::clone(&self.calls)
            .try_acquire_owned()
            .map(|permit| Permit { _permit: permit })
            .map_err(|_| {
                let detail = format!(
                    "{} requests are being worked on, which is the most; nothing was changed",
                    self.calls_max
                );
                Error::new(Kind::Overloaded, "", detail)
            })
    }

    /// Waits until there is memory for a body of so many bytes. `None` for a small one, of which
    /// [`Limits::admit`] bounds the number.
    ///
    /// # Errors
    ///
    /// [`Kind::Internal`] where the count is closed, which nobody does.
    pub async fn body(&self, bytes: usize) -> Result<Option<SemaphorePermit<'_>>, Error> {
        if bytes <= SMALL_BODY_BYTES_MAX {
            return Ok(None);
        }
        let permits = u32::try_from(bytes.div_ceil(BODY_PERMIT_BYTES)).unwrap_or(u32::MAX);
        // Waits, unlike `admit`: the call was let in and holds no body yet.
        let acquired = self.large_bodies.acquire_many(permits).await;
        acquired.map(Some).map_err(|_| Error::internal("the count of large bodies is closed"))
    }
}

#[cfg(test)]
mod tests {
    use super::Limits;
    use vane_api::Kind;

    #[test]
    fn call_beyond_the_most_is_sent_away_until_one_ends() {
        let limits = Limits::new(1, 1 << 20);
        let first = limits.admit().unwrap();
        assert_eq!(limits.admit().unwrap_err().kind, Kind::Overloaded);
        drop(first);
        assert!(limits.admit().is_ok());
    }

    #[tokio::test]
    async fn small_bodies_are_not_counted_and_the_largest_fits() {
        let limits = Limits::new(1, 32 << 20);
        assert!(limits.body(1 << 20).await.unwrap().is_none());
        assert_eq!(limits.body(32 << 20).await.unwrap().unwrap().num_permits(), 32 << 10);
    }
}
