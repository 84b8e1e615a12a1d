//! Parameters of collections and indexes: parts that have the same fields in messages and in JSON.
//! What is read here of JSON was written by this crate.

use serde_json::Value;
use vane_wire::qdrant as wire;

use super::value::number;
use super::{Fields, put};
use crate::error::Error;

/// The name of an enumeration's value.
pub(super) fn word<E: TryFrom<i32>>(
    value: i32,
    what: &str,
    name: impl Fn(&E) -> &'static str,
) -> Result<&'static str, Error> {
    let unknown = || Error::malformed(format_args!("{what}: there is no value {value}"));
    E::try_from(value).map(|known| name(&known)).map_err(|_| unknown())
}

macro_rules! parts {
    ($($kind:ty: $read:expr, $write:expr;)*) => {$(
        impl Part for $kind {
            fn json(self) -> Result<Value, Error> {
                $write(self)
            }
            fn read(json: &Value) -> Option<Self> {
                $read(json)
            }
        }
    )*};
}

parts! {
    bool: Value::as_bool, |part: bool| Ok(part.into());
    u64: Value::as_u64, |part: u64| Ok(part.into());
    u32: |json: &Value| u32::try_from(json.as_u64()?).ok(), |part: u32| Ok(part.into());
    f64: Value::as_f64, number;
    // By its shortest digits: 0.99 is to stay that.
    f32: |json: &Value| json.as_f64().map(|wide| wide as f32),
        |part: f32| number(part.to_string().parse().unwrap_or(f64::NAN));
    String: |json: &Value| json.as_str().map(str::to_owned), |part: String| Ok(part.into());
}

/// Implements [`Flat`]. `as` names the enumeration of a field that is a word in JSON.
macro_rules! flat {
    ($($message:ident { $($field:ident $(as $words:ident)?),* $(,)? })*) => {$(
        impl Flat for wire::$message {
            #[allow(deprecated, reason = "clients still send and read part")]
            fn fields(self) -> Result<Fields, Error> {
                let mut fields = Fields::new();
                $(put(&mut fields, stringify!($field), flat!(write self.$field $(as $words)?));)*
                Ok(fields)
            }

            #[allow(deprecated, clippy::needless_update, reason = "as above; some have all")]
            fn of(json: &Value) -> Self {
                Self {
                    $($field: json
                        .get(stringify!($field))
                        .and_then(flat!(read $($words)?)),)*
                    ..Self::default()
                }
            }
        }
    )*};
    (write $this:ident.$field:ident) => { $this.$field.map(Part::json).transpose()? };
    (write $this:ident.$field:ident as $words:ident) => {
        $this.$field
            .map(|part| word(part, stringify!($field), wire::$words::as_str_name))
            .transpose()?
            .map(in_json)
    };
    (read) => { Part::read };
    (read $words:ident) => { |json: &Value| {
        wire::$words::from_str_name(&in_message(json.as_str()?)).map(i32::from)
    } };
}

/// The name of an enumeration's value as JSON has it: words in small letters.
pub(super) fn in_json(name: &str) -> String {
    let mut word = String::with_capacity(name.len() + 4);
    for (i, letter) in name.char_indices() {
        if i > 0 && letter.is_ascii_uppercase() {
            word.push('_');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

/// The other way.
pub(super) fn in_message(word: &str) -> String {
    let mut name = String::with_capacity(word.len());
    for part in word.split('_') {
        let mut letters = part.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.extend(letters);
    }
    name
}

flat! {
    HnswConfigDiff {
        m, ef_construct, full_scan_threshold, max_indexing_threads, on_disk, payload_m,
        inline_storage, memory as Memory,
    }
    WalConfigDiff { wal_capacity_mb, wal_segments_ahead, wal_retain_closed }
    OptimizersConfigDiff {
        deleted_threshold, vacuum_min_vector_number, default_segment_number, max_segment_size,
        memmap_threshold, indexing_threshold, flush_interval_sec, prevent_unoptimized,
    }
    CollectionParamsDiff {
        replication_factor, write_consistency_factor, on_disk_payload, read_fan_out_factor,
        read_fan_out_delay_ms,
    }
    PayloadStorageParams { memory as Memory }
    IdTrackerParams { memory as Memory }
    SparseIndexConfig { full_scan_threshold, on_disk, datatype as Datatype, memory as Memory }
    SparseVectorParams { modifier as Modifier }
    SparseVectorCreationConfig { modifier as Modifier, datatype as Datatype }
    StrictModeConfig {
        enabled, max_query_limit, max_timeout, unindexed_filtering_retrieve,
        unindexed_filtering_update, search_max_hnsw_ef, search_allow_exact,
        search_max_oversampling, upsert_max_batchsize, search_max_batchsize,
        max_collection_vector_size_bytes, read_rate_limit, write_rate_limit,
        max_collection_payload_size_bytes, filter_max_conditions, condition_max_size,
        max_points_count, max_payload_index_count, max_resident_memory_percent,
    }
    ScalarQuantization { quantile, always_ram, memory as Memory }
    ProductQuantization { always_ram, memory as Memory }
    BinaryQuantization {
        always_ram, encoding as BinaryQuantizationEncoding, memory as Memory,
    }
    TurboQuantization { always_ram, memory as Memory }
    KeywordIndexParams { is_tenant, on_disk, enable_hnsw, memory as Memory, nested }
    IntegerIndexParams {
        lookup, range, is_principal, on_disk, enable_hnsw, memory as Memory, nested,
    }
    FloatIndexParams { on_disk, is_principal, enable_hnsw, memory as Memory, nested }
    GeoIndexParams { on_disk, enable_hnsw, memory as Memory, nested }
    BoolIndexParams { on_disk, enable_hnsw, memory as Memory, nested }
    DatetimeIndexParams { on_disk, is_principal, enable_hnsw, memory as Memory, nested }
    // Its other parameters are words and messages of their own.
    TextIndexParams {
        lowercase, min_token_len, max_token_len, on_disk, phrase_matching, ascii_folding,
        enable_hnsw, memory as Memory, nested,
    }
    UuidIndexParams { is_tenant, on_disk, enable_hnsw, memory as Memory, nested }
}

/// A message whose fields JSON has by the same names.
pub(super) trait Flat: Sized {
    /// The fields that are set.
    fn fields(self) -> Result<Fields, Error>;
    /// The message with those of `json`.
    fn of(json: &Value) -> Self;
}

/// A value of a field.
trait Part: Sized {
    fn json(self) -> Result<Value, Error>;
    fn read(json: &Value) -> Option<Self>;
}
