//! Bounds of what a client may ask for. Over one of these the request is refused with the
//! bound in the error, and nothing changes. The bounds of the Kubernetes API
//! (`crds/src/limits.rs`) are these or lower; a test says so.

/// Length of a collection or alias name, in characters.
pub const COLLECTION_NAME_CHARS_MAX: usize = 255;
/// Collections of one cluster.
pub const COLLECTIONS_MAX: usize = 10_000;
/// Dimensions of a dense vector.
pub const VECTOR_DIM_MAX: usize = 65_536;
/// Numbers of a sparse vector, or of all rows of a multivector together.
pub const VECTOR_VALUES_MAX: usize = 1 << 20;
/// Named vectors of one collection; a point's stored vector ordinals are one byte.
pub const NAMED_VECTORS_MAX: usize = 64;
/// Length of a vector's name, in characters.
pub const VECTOR_NAME_CHARS_MAX: usize = 255;
/// Payload indexes of one collection.
pub const PAYLOAD_INDEXES_MAX: usize = 256;
/// Length of a payload key (a JSON path), in bytes.
pub const PAYLOAD_KEY_BYTES_MAX: usize = 1024;
/// Depth of a filter: `must`, `should`, `nested` and so on inside one another.
pub const FILTER_DEPTH_MAX: usize = 32;
/// Conditions of one filter, at all levels together.
pub const FILTER_CONDITIONS_MAX: usize = 4096;
/// Ids that one request may name.
pub const POINTS_PER_REQUEST_MAX: usize = 100_000;
/// `limit` plus `offset` of a query or a scroll page.
pub const RESULTS_MAX: usize = 100_000;
/// Candidates of a graph search (`hnsw_ef`).
pub const EF_MAX: usize = 10_000;
/// Queries of one batch request.
pub const QUERIES_PER_BATCH_MAX: usize = 1024;
/// Prefetches of one query, at all levels together.
pub const PREFETCHES_MAX: usize = 64;
/// Operations of one batch update.
pub const OPERATIONS_PER_BATCH_MAX: usize = 1024;
/// Ids that one delete by filter (and its like) may resolve to in one log entry.
pub const FILTERED_IDS_PER_ENTRY_MAX: usize = 100_000;
/// Length of one encoded command, in bytes. The default limit of a request's body is below it.
pub const COMMAND_BYTES_MAX: usize = 128 << 20;
/// Shards of one collection.
pub const SHARDS_MAX: u32 = 1024;
/// Voters of one shard: each of them has a replica.
pub const REPLICAS_MAX: u32 = 9;
