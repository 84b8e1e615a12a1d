//! Memory that the databases hold.

use rocksdb::{ColumnFamily, DB};

/// Bytes in memory of a database, as RocksDB counts them; 0 for what it does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// What is in no table yet.
    pub memtables: u64,
    /// Blocks of tables, with their indexes and filters. All families share one cache.
    pub block_cache: u64,
}

impl Held {
    /// Of these families of a database.
    pub(crate) fn of<'a>(db: &DB, families: impl IntoIterator<Item = &'a ColumnFamily>) -> Self {
        let mut held = Self::default();
        for family in families {
            let figure = |name| db.property_int_value_cf(family, name).ok().flatten().unwrap_or(0);
            held.memtables += figure("rocksdb.cur-size-all-mem-tables");
            held.block_cache = held.block_cache.max(figure("rocksdb.block-cache-usage"));
        }
        held
    }
}
