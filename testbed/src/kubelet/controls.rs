//! What tests do to pods.

use std::net::Ipv4Addr;
use std::sync::Arc;

use vane_up::process::{Process, log_tail};

use super::seat::Seat;
use crate::error::Error;

/// Controls of the process of a pod, by the pod's name: they hold for the next pod of that
/// name too.
#[derive(Clone)]
pub struct PodControls {
    seat: Arc<Seat>,
}

impl PodControls {
    pub(super) fn new(seat: Arc<Seat>) -> Self {
        Self { seat }
    }

    /// Its address, always the same.
    pub fn address(&self) -> Ipv4Addr {
        self.seat.address
    }

    /// `kill -9`. It is started again after a moment.
    pub fn kill(&self) {
        self.seat.kill(false);
    }

    /// `kill -9`, and it stays down until [`Self::release`].
    pub fn hold(&self) {
        self.seat.kill(true);
    }

    /// Lets a process that was held down start.
    pub fn release(&self) {
        self.seat.release();
    }

    /// Stops every thread of it, as on a machine that hangs. The kubelet goes on.
    pub fn freeze(&self) {
        self.seat.with_process(|process| Process::freeze(process));
    }

    /// Lets a frozen process go on.
    pub fn thaw(&self) {
        self.seat.with_process(|process| Process::thaw(process));
    }

    /// Kills it and removes its data: it comes back with an empty disk.
    ///
    /// # Errors
    ///
    /// The system refuses. Part of the data may be gone.
    pub fn wipe(&self) -> Result<(), Error> {
        self.seat.wipe()
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        log_tail(&self.seat.log())
    }
}
