//! `data.db`: what the state machines have made of the logs.
//!
//! Writes are not synced one by one: the log they came from is. [`DataDb::sync`] makes all
//! earlier ones durable; only then may the logs behind them be truncated.

use std::path::Path;
use std::sync::Arc;

use rocksdb::{BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType};
use rocksdb::{Options, SliceTransform, properties};

use crate::error::Error;
use crate::keys::PREFIX;

pub(crate) const NAME: &str = "data.db";
pub(crate) const META: &str = "meta";
pub(crate) const POINT: &str = "point";
pub(crate) const PAYLOAD: &str = "payload";
pub(crate) const INDEX: &str = "index";
pub(crate) const VEC: &str = "vec";
pub(crate) const FAMILIES: [&str; 5] = [META, POINT, PAYLOAD, INDEX, VEC];

const BLOCK_CACHE_BYTES: usize = 128 << 20;
/// Memtables of all families together.
const MEMTABLE_BYTES_MAX: usize = 128 << 20;

/// The open database. Cheap to clone.
#[derive(Clone)]
pub struct DataDb {
    pub(crate) db: Arc<DB>,
}

impl DataDb {
    /// Opens or creates it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_max_total_wal_size(128 << 20);
        options.set_db_write_buffer_size(MEMTABLE_BYTES_MAX);
        options.set_max_background_jobs(2);
        options.set_bytes_per_sync(1 << 20);
        options.set_wal_bytes_per_sync(512 << 10);
        options.set_max_open_files(-1);
        options.set_keep_log_file_num(5);
        let cache = Cache::new_lru_cache(BLOCK_CACHE_BYTES);
        let families = FAMILIES.map(|name| ColumnFamilyDescriptor::new(name, family_options(name, &cache)));
        let db = DB::open_cf_descriptors(&options, path, families).map_err(Error::rocks(NAME))?;
        Ok(Self { db: Arc::new(db) })
    }

    /// Makes everything written before durable.
    pub fn sync(&self) -> Result<(), Error> {
        self.db.flush_wal(true).map_err(Error::rocks(NAME))
    }

    /// Writes all memtables out, so that the WAL behind them can go.
    pub fn flush(&self) -> Result<(), Error> {
        let families: Vec<_> = FAMILIES.map(|it| self.family(it)).to_vec();
        self.db.flush_cfs_opt(&families, &rocksdb::FlushOptions::default()).map_err(Error::rocks(NAME))
    }

    /// Bytes held in memtables.
    pub fn memtable_bytes(&self) -> u64 {
        let of = |it| self.db.property_int_value_cf(self.family(it), properties::CUR_SIZE_ALL_MEM_TABLES);
        FAMILIES.into_iter().filter_map(|it| of(it).ok().flatten()).sum()
    }

    pub(crate) fn family(&self, name: &str) -> &ColumnFamily {
        self.db.cf_handle(name).expect("all families are created at open")
    }
}

fn family_options(name: &str, cache: &Cache) -> Options {
    let mut options = Options::default();
    options.set_prefix_extractor(SliceTransform::create_fixed_prefix(PREFIX));
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(32 << 20);
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_bloom_filter(10.0, false);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    options.set_block_based_table_factory(&table);
    match name {
        // Floats do not compress, and most rows are sealed away before a compaction.
        VEC => options.set_compression_type(DBCompressionType::None),
        _ => options.set_bottommost_compression_type(DBCompressionType::Zstd),
    }
    options
}
