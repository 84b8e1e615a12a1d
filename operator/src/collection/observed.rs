//! What is known of a collection when its next step is planned. Facts only; nothing here is
//! decided.

use vane_proto::admin;

/// The database that a Collection names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cluster {
    /// There is no such VectorCluster, or it is being deleted.
    #[default]
    Absent,
    /// It cannot be asked now; why.
    Silent(String),
    /// It answers, and has so many nodes.
    There(i32),
}

/// Facts about a collection, all of one pass.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// An older object that names the same collection: it has it.
    pub taken_by: Option<String>,
    /// The database.
    pub cluster: Cluster,
    /// Whether the VectorCluster is paused.
    pub paused: bool,
    /// Nodes that a new collection waits for, so that its copies are spread over all.
    pub awaited: Option<String>,
    /// The collection as the database has it.
    pub found: Option<admin::Collection>,
    /// Shards of the collection.
    pub shards: Vec<admin::Shard>,
    /// Whether the collection was there before, as status remembers.
    pub was_there: bool,
}

impl Observed {
    /// Shards that have a leader, and so take writes.
    pub(super) fn led_shards(&self) -> usize {
        let groups = self.shards.iter().filter_map(|shard| shard.group.as_ref());
        groups.filter(|group| group.leader_node != 0).count()
    }
}
