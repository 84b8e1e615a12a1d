//! How much is worked on at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};
use vane_api::{Error, Kind};

/// Bodies of this size may be read at the same time, as a multiple of the largest one allowed;
/// small ones are not counted.
const LARGE_BODIES_MAX: usize = 16;
/// Bodies up to this many bytes are small.
const SMALL_BODY_BYTES_MAX: usize = 1 << 20;
/// Permits that a body takes beyond what it needs at the moment.
const BODY_STEP_PERMITS: usize = 1 << 10;
/// What a permit of [`Limits::large_bodies`] is for: a semaphore cannot count all bytes.
const BODY_PERMIT_BYTES: usize = 1 << 10;

/// Bounds on the calls and on the bodies that are in memory.
pub struct Limits {
    /// Calls that are worked on.
    calls: Arc<AtomicUsize>,
    /// Changes while calls are worked on: a semaphore cannot take back what it gave.
    calls_max: AtomicUsize,
    body_bytes_max: usize,
    large_bodies: Semaphore,
    last_body: Semaphore,
}

/// The right to work on a call, given back when dropped.
#[derive(Debug)]
pub struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Limits {
    /// `calls_max` calls at a time, with bodies of up to `body_bytes_max` bytes.
    pub(crate) fn new(calls_max: usize, body_bytes_max: usize) -> Self {
        // Rounded up for each, so that the largest body always fits.
        let body_permits = LARGE_BODIES_MAX * body_bytes_max.div_ceil(BODY_PERMIT_BYTES);
        Self {
            calls: Arc::default(),
            calls_max: AtomicUsize::new(calls_max),
            body_bytes_max,
            large_bodies: Semaphore::new(body_permits),
            last_body: Semaphore::new(1),
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
        let calls_max = self.calls_max.load(Ordering::Relaxed);
        let one_more = |calls: usize| (calls < calls_max).then_some(calls + 1);
        match self.calls.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Ok(Permit(Arc::clone(&self.calls))),
            Err(_) => {
                let detail = format!(
                    "{calls_max} requests are being worked on, which is the most; nothing was \
                     changed"
                );
                Err(Error::new(Kind::Overloaded, "", detail))
            }
        }
    }

    /// From now on so many calls at a time. Those that are worked on stay.
    pub fn set_calls_max(&self, calls_max: usize) {
        self.calls_max.store(calls_max, Ordering::Relaxed);
    }

    /// The room of a body of which nothing is there yet.
    pub fn body(&self) -> BodyRoom<'_> {
        BodyRoom { limits: self, bytes: 0, held: None, last: None }
    }
}

/// Memory that a body takes, from its first byte until it is parsed. Taken as the bytes come: a
/// client that announces much and sends nothing keeps nobody out.
pub struct BodyRoom<'a> {
    limits: &'a Limits,
    bytes: usize,
    held: Option<SemaphorePermit<'a>>,
    /// Where all room is taken, one body at a time may still grow, so that not all wait for each
    /// other.
    last: Option<SemaphorePermit<'a>>,
}

impl BodyRoom<'_> {
    /// Waits until there is room for `more` bytes. A small body needs none: [`Limits::admit`]
    /// bounds the number.
    ///
    /// # Errors
    ///
    /// [`Kind::Internal`] where the count is closed, which nobody does.
    pub async fn grow(&mut self, more: usize) -> Result<(), Error> {
        self.bytes += more;
        let held = self.held.as_ref().map_or(0, SemaphorePermit::num_permits);
        let needed = self.bytes.div_ceil(BODY_PERMIT_BYTES);
        if self.bytes <= SMALL_BODY_BYTES_MAX || needed <= held || self.last.is_some() {
            return Ok(());
        }
        // In steps, as counting each chunk would cost more than reading it.
        let wanted = u32::try_from(needed - held + BODY_STEP_PERMITS).unwrap_or(u32::MAX);
        tokio::select! {
            biased;
            more = self.limits.large_bodies.acquire_many(wanted) => {
                let more = more.map_err(closed)?;
                match &mut self.held {
                    Some(held) => held.merge(more),
                    None => self.held = Some(more),
                }
            }
            last = self.limits.last_body.acquire() => self.last = Some(last.map_err(closed)?),
        }
        Ok(())
    }
}

fn closed(_: tokio::sync::AcquireError) -> Error {
    Error::internal("the count of large bodies is closed")
}

#[cfg(test)]
mod tests {
    use super::Limits;
    use std::time::Duration;
    use vane_api::Kind;

    #[test]
    fn call_beyond_the_most_is_sent_away_until_one_ends() {
        let limits = Limits::new(1, 1 << 20);
        let first = limits.admit().unwrap();
        assert_eq!(limits.admit().unwrap_err().kind, Kind::Overloaded);
        drop(first);
        assert!(limits.admit().is_ok());
    }

    #[test]
    fn the_most_calls_change_while_some_are_worked_on() {
        let limits = Limits::new(1, 1 << 20);
        let first = limits.admit().unwrap();
        limits.set_calls_max(2);
        let second = limits.admit().unwrap();
        limits.set_calls_max(1);
        drop(first);
        assert_eq!(limits.admit().unwrap_err().kind, Kind::Overloaded);
        drop(second);
        assert!(limits.admit().is_ok());
    }

    #[tokio::test]
    async fn only_bytes_that_are_there_take_room() {
        let limits = Limits::new(1, 2 << 20);
        let all = limits.large_bodies.available_permits();
        // As many as there may be have begun, and send no more.
        let mut begun: Vec<_> = (0..100).map(|_| limits.body()).collect();
        for room in &mut begun {
            room.grow(64 << 10).await.unwrap();
        }
        assert_eq!(limits.large_bodies.available_permits(), all, "small ones are not counted");
        let mut large = limits.body();
        large.grow(2 << 20).await.unwrap();
        assert!(limits.large_bodies.available_permits() < all);
        drop(large);
        assert_eq!(limits.large_bodies.available_permits(), all);
    }

    #[tokio::test]
    async fn bodies_that_fill_all_room_do_not_wait_for_each_other_for_ever() {
        let limits = Limits::new(1, 2 << 20);
        let _all = limits.large_bodies.try_acquire_many(32 << 10).unwrap();
        let mut first = limits.body();
        first.grow(2 << 20).await.unwrap();
        // One goes on; the next waits until that one is done.
        let mut second = limits.body();
        let waits = tokio::time::timeout(Duration::from_millis(20), second.grow(2 << 20)).await;
        assert!(waits.is_err());
        drop(first);
        let mut third = limits.body();
        third.grow(2 << 20).await.unwrap();
    }
}
