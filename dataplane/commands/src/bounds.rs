//! What a command may come to where it is applied.

use prost::Message;
use vane_types::limits::{ENTRY_WORK_BYTES_MAX, PAYLOAD_BYTES_MAX, SLOTS_MAX};

/// Limits of what a command makes of the state that it meets, as logged: with them in the
/// command, replicas of two versions with two limits come to the same answer. One that was logged
/// without them, before the level that brings them, is applied whatever it comes to.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Bounds {
    /// Bytes of a point's payload afterwards.
    #[prost(uint64, tag = "1")]
    pub payload_bytes: u64,
    /// Bytes of payloads that it reads and writes, unless it names a single point.
    #[prost(uint64, tag = "2")]
    pub work_bytes: u64,
    /// The number of a new point lies below it.
    #[prost(uint32, tag = "3")]
    pub slots: u32,
}

impl Bounds {
    /// Those that this version writes.
    pub const OWN: Self = Self {
        payload_bytes: PAYLOAD_BYTES_MAX as u64,
        work_bytes: ENTRY_WORK_BYTES_MAX as u64,
        slots: SLOTS_MAX,
    };
    /// The one whose stored form is the longest.
    pub(crate) const LONGEST: Self =
        Self { payload_bytes: u64::MAX, work_bytes: u64::MAX, slots: u32::MAX };
}
