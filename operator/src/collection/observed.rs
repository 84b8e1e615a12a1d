//! What is known of a collection when its next step is planned.

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

/// Everything.
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
    /// Its shards.
    pub shards: Vec<admin::Shard>,
    /// Key of the object: that of the call that makes the collection.
    pub key: String,
    /// Whether it was there before, as status remembers.
    pub was_there: bool,
    /// Whether the object is being deleted.
    pub going: bool,
}
