//! Bounds of fields that the database limits too, or that several fields share.
//!
//! The database has its own limits (`vane_types::limits`), which also hold for clients that come
//! by REST. No bound here is above them: the API server would accept an object that the database
//! then refuses. `tests/limits.rs` compares the two. A bound may be raised later and never be
//! lowered, because objects that were accepted have to stay valid.

/// Characters of a VectorCluster's name: what is derived from it must fit into a label.
pub const CLUSTER_NAME_CHARS_MAX: usize = 40;
/// Nodes of a VectorCluster.
pub const NODES_MAX: i32 = 100;

// The database has the same numbers for these, and an object may use all of them.

/// Characters of the name of a collection or an alias.
pub const COLLECTION_NAME_CHARS_MAX: usize = 255;
/// Characters of the name of a vector.
pub const VECTOR_NAME_CHARS_MAX: usize = 255;
/// Numbers in a vector.
pub const VECTOR_SIZE_MAX: i32 = 65_536;
/// Copies of a shard.
pub const REPLICAS_MAX: i32 = 9;

/// Shards that a collection of the database may have, whoever made it.
pub const DATABASE_SHARDS_MAX: i32 = 1024;

// The database takes more of these.

/// Shards of a collection. Each is a ShardPlacement, an object of its own in the API server.
pub const SHARDS_MAX: i32 = 256;
/// Vectors of a collection. The rules of the list compare all with all, and the API server
/// charges a rule for the longest list that the schema allows.
pub const VECTORS_MAX: usize = 32;
/// Payload indexes of a collection.
pub const PAYLOAD_INDEXES_MAX: usize = 64;
/// Characters of the path of an indexed payload field. The database counts bytes, of which a
/// character has up to four.
pub const PAYLOAD_FIELD_CHARS_MAX: usize = 255;
