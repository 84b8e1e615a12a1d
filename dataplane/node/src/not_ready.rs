//! Why a node should get no requests.

use std::time::Duration;

use vane_types::Subject;

/// Why requests should not be sent to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotReady {
    /// It opens what is on its disk.
    Starting {
        /// Replicas of shards that are open.
        opened: u64,
        /// Replicas that it has; 0 while that is not known.
        of: u64,
    },
    /// It belongs to no cluster; it waits to join one or to be bootstrapped.
    NoCluster,
    /// It is shutting down.
    Stopping,
    /// The others refused its disk; why, and what to do.
    Refused(String),
    /// The others have not taken its start yet.
    Silent,
    /// It has joined and waits for the catalog.
    NoCatalog,
    /// The meta group has had no leader for so long.
    MetaLeaderless(Duration),
    /// No leader of the meta group was heard of since the start.
    NeverLed,
    /// A replica that votes trails by so many entries.
    CatchingUp {
        /// Whose replica.
        subject: Subject,
        /// Entries that its leader has and that are not applied here.
        entries: u64,
    },
    /// A replica that votes was not confirmed by its leader since the start or since the leader
    /// changed, so that nobody knows whether it has what was acknowledged.
    Unconfirmed {
        /// Whose replica.
        subject: Subject,
    },
}
