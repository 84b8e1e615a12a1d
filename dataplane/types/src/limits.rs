//! Bounds of what a client may ask for. Over one of these the request is refused with the
//! bound in the error, and nothing changes. The bounds of the Kubernetes API
//! (`crds/src/limits.rs`) are these or lower; a test says so.

/// Length of a collection or alias name, in characters.
pub const COLLECTION_NAME_CHARS_MAX: usize = 255;
/// Collections of one cluster.
pub const COLLECTIONS_MAX: usize = 10_000;
/// Shard keys of all collections of one cluster.
pub const SHARD_KEYS_MAX: usize = 250_000;
/// Length of a shard key that is a text, in characters.
pub const SHARD_KEY_CHARS_MAX: usize = 255;
/// Dimensions of a dense vector.
pub const VECTOR_DIM_MAX: usize = 65_536;
/// Numbers of a sparse vector, or of all rows of a multivector together.
pub const VECTOR_VALUES_MAX: usize = 1 << 20;
/// Vectors of one collection at a time.
pub const NAMED_VECTORS_MAX: usize = 64;
/// Length of a vector's name, in characters.
pub const VECTOR_NAME_CHARS_MAX: usize = 255;
/// Parameters of one collection that have no effect, as JSON in bytes.
pub const HINTS_BYTES_MAX: usize = 64 << 10;
/// Payload indexes of one collection.
pub const PAYLOAD_INDEXES_MAX: usize = 256;
/// Length of a payload key (a JSON path), in bytes.
pub const PAYLOAD_KEY_BYTES_MAX: usize = 1024;
/// Steps of a payload key that a write names: each makes a level of the payload.
pub const PATH_STEPS_MAX: usize = 64;
/// Levels of a payload, its own included. What reads an answer has a limit too (often 127, of
/// which the answer takes some around the payload).
pub const PAYLOAD_DEPTH_MAX: usize = 64;
/// Bytes of a point's payload, however many writes it was made by.
pub const PAYLOAD_BYTES_MAX: usize = 16 << 20;
/// Levels of a collection's metadata, its own included.
pub const METADATA_DEPTH_MAX: usize = 64;
/// Bytes of a collection's metadata: each node holds those of all collections in memory.
pub const METADATA_BYTES_MAX: usize = 64 << 10;
/// Keys of the cluster's metadata.
pub const CLUSTER_METADATA_KEYS_MAX: usize = 1024;
/// Length of such a key, in characters.
pub const CLUSTER_METADATA_KEY_CHARS_MAX: usize = 255;
/// Bytes of all keys and values of the cluster's metadata, as JSON: each node holds them in memory.
pub const CLUSTER_METADATA_BYTES_MAX: usize = 1 << 20;
/// Depth of a filter: `must`, `should`, `nested` and so on inside one another.
pub const FILTER_DEPTH_MAX: usize = 32;
/// Conditions of one filter, at all levels together.
pub const FILTER_CONDITIONS_MAX: usize = 4096;
/// Values of all lists of one filter together: ids, what `match` lists, points of polygons.
pub const FILTER_VALUES_MAX: usize = 100_000;
/// Bytes of the text of one condition (`match` text, text_any, phrase, prefix).
pub const MATCH_TEXT_BYTES_MAX: usize = 64 << 10;
/// Tokens that a text index takes of one point's field; those behind them are not found.
pub const TOKENS_PER_POINT_MAX: usize = 1 << 18;
/// Characters of the longest prefix that a text index keeps of a word.
pub const TOKEN_PREFIX_CHARS_MAX: usize = 64;
/// Bytes of a payload index's parameters, as JSON.
pub const INDEX_PARAMS_BYTES_MAX: usize = 64 << 10;
/// Ids that one request may name.
pub const POINTS_PER_REQUEST_MAX: usize = 100_000;
/// Bytes of the points of one answer, as [`POINT_BYTES`] and [`VALUE_BYTES`] estimate them. A
/// scroll page ends before it; any other read that finds more is refused.
pub const ANSWER_BYTES_MAX: usize = 64 << 20;
/// What a point of an answer counts beside its payload and vectors.
pub const POINT_BYTES: usize = 64;
/// What a number of a vector counts in an answer: about its digits.
pub const VALUE_BYTES: usize = 12;
/// Points of one answer: more do not fit, whatever is asked of each. A `limit` may say more.
pub const RESULTS_MAX: usize = ANSWER_BYTES_MAX / POINT_BYTES;
/// Candidates of a graph search (`hnsw_ef`); more that are asked for count as so many.
pub const EF_MAX: usize = 10_000;
/// Queries of one batch request.
pub const QUERIES_PER_BATCH_MAX: usize = 1024;
/// Prefetches of one query, at all levels together.
pub const PREFETCHES_MAX: usize = 64;
/// Vectors and points that one query by examples may name.
pub const EXAMPLES_MAX: usize = 1024;
/// Numbers of all vectors that a query by examples compares with: each shard gets them all.
pub const EXAMPLE_VALUES_MAX: usize = 4 << 20;
/// Nearest points that results of one query are chosen from by their diversity.
pub const DIVERSE_CANDIDATES_MAX: usize = 16_384;
/// Terms of one formula: each is worked out for every point that prefetches found.
pub const FORMULA_TERMS_MAX: usize = 512;
/// Conditions of one formula: each is a read of the shards.
pub const FORMULA_CONDITIONS_MAX: usize = 64;
/// Operations of one batch update.
pub const OPERATIONS_PER_BATCH_MAX: usize = 1024;
/// Bytes after which a write of many points goes on in another log entry.
pub const ENTRY_BYTES: usize = 1 << 20;
/// Points of one log entry.
pub const ENTRY_POINTS_MAX: usize = 8192;
/// The same where a filter comes with them that takes more room than they do.
pub const ENTRY_FILTERED_POINTS_MAX: usize = 100_000;
/// Bytes of payloads that one log entry may have read and written where it is applied. One that
/// needs more is refused, and its points are spread over several; that of a single point is not.
pub const ENTRY_WORK_BYTES_MAX: usize = 16 << 20;
/// Length of one encoded command, in bytes. What lies between nodes holds no entry that is larger
/// than 64 MB.
pub const COMMAND_BYTES_MAX: usize = 48 << 20;
/// Points that a shard may have had in all its time: their numbers have 32 bits, and are not
/// given out again. The rest is for what is on its way.
pub const SLOTS_MAX: u32 = u32::MAX - (1 << 20);
/// Shards of one collection.
pub const SHARDS_MAX: u32 = 1024;
/// What a collection's searches may be asked to find of what they should, as a share.
pub const MIN_RECALL_RANGE: std::ops::RangeInclusive<f64> = 0.5..=0.999;
/// Voters of one shard: each of them has a replica.
pub const REPLICAS_MAX: u32 = 9;
