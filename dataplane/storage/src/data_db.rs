//! `data.db`: what the state machines have made of the logs.
//!
//! Writes are not synced one by one: the log they came from is. [`DataDb::sync`] makes all
//! earlier ones durable; only then may the logs behind them be truncated.

mod load;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType,
};
use rocksdb::{DBRawIterator, Options, Range, ReadOptions, SliceTransform, WriteBatch};
use vane_types::GroupId;

use crate::error::Error;
use crate::held::Held;
use crate::keys::{self, PREFIX};
use crate::kv::{Family, Kv, KvBatch, KvRead, KvWrite, Source, Visit};
use crate::memory_limit::share_of_memory;

const NAME: &str = "data.db";
/// Bytes of a write in a batch beside its key and its value, at most.
const WRITE_BYTES_MAX: usize = 16;

/// As far as that is no more than a [`SHARE`] of the memory.
const BLOCK_CACHE_BYTES_MAX: usize = 128 << 20;
/// Memtables of all families together, as far as that is no more than a [`SHARE`] of the memory.
const MEMTABLE_BYTES_MAX: usize = 128 << 20;
const SHARE: u64 = 16;

/// The open database. Cheap to clone.
#[derive(Clone)]
pub struct DataDb {
    db: Arc<DB>,
    loads: Arc<Loads>,
    synced: Arc<SyncOnce>,
}

/// Where tables lie that are about to become the database's.
struct Loads {
    dir: PathBuf,
    /// Tables that were begun.
    begun: AtomicU64,
}

/// Lets a sync fail once. After a failed fsync the kernel may have dropped the pages: the next one
/// would succeed, and say nothing about them.
#[derive(Default)]
struct SyncOnce(OnceLock<String>);

impl SyncOnce {
    fn run(&self, sync: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
        if let Some(why) = self.0.get() {
            return Err(Error::NotSynced(why.clone()));
        }
        sync().inspect_err(|error| drop(self.0.set(error.to_string())))
    }
}

impl DataDb {
    /// Opens the database, or creates it where there is none.
    ///
    /// # Errors
    /// When RocksDB cannot open it: a disk that fails, or damage.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        // A family that is seldom written would keep the whole WAL: beyond this it is written out.
        options.set_max_total_wal_size(128 << 20);
        // Each family may fill several memtables: bounded together, or they would eat the memory.
        options.set_db_write_buffer_size(share_of_memory(SHARE, MEMTABLE_BYTES_MAX));
        options.set_max_background_jobs(2);
        // Written back bit by bit: one large write at the sync would hold up the logs on the same
        // disk.
        options.set_bytes_per_sync(1 << 20);
        options.set_wal_bytes_per_sync(512 << 10);
        options.set_max_open_files(-1);
        options.set_keep_log_file_num(5);
        let cache = Cache::new_lru_cache(share_of_memory(SHARE, BLOCK_CACHE_BYTES_MAX));
        let families = Family::ALL.map(|family| {
            ColumnFamilyDescriptor::new(name(family), family_options(family, &cache))
        });
        let db = DB::open_cf_descriptors(&options, path, families).map_err(Error::rocks(NAME))?;
        let loads = Arc::new(Loads::open(path)?);
        Ok(Self { db: Arc::new(db), loads, synced: Arc::default() })
    }

    /// Makes everything written before durable.
    ///
    /// # Errors
    /// When the sync fails: nothing written since the last one may be counted on, and none is tried
    /// again before the database is opened anew.
    pub fn sync(&self) -> Result<(), Error> {
        self.synced.run(|| self.db.flush_wal(true).map_err(Error::rocks(NAME)))
    }

    /// Writes all memtables out, so that the WAL behind them can go.
    ///
    /// # Errors
    /// When a memtable cannot be written out; what it holds is still in the WAL.
    pub fn flush(&self) -> Result<(), Error> {
        let families: Vec<_> = Family::ALL.map(|family| self.family(family)).to_vec();
        self.db
            .flush_cfs_opt(&families, &rocksdb::FlushOptions::default())
            .map_err(Error::rocks(NAME))
    }

    /// Gives up tables that hold nothing but keys of a group that was destroyed. A table with a bad
    /// block could not be compacted any more, and with it nothing could be written: so a replica
    /// that goes because of one takes it along, but for one that other groups share.
    ///
    /// # Errors
    /// When RocksDB fails; the keys are gone all the same.
    pub fn drop_tables(&self, group: GroupId) -> Result<(), Error> {
        let prefix = group.0.to_be_bytes();
        for family in Family::ALL {
            self.db
                .delete_file_in_range_cf(self.family(family), &prefix[..], &keys::end_of(&prefix))
                .map_err(Error::rocks(NAME))?;
        }
        Ok(())
    }

    /// What it holds in memory.
    pub fn held(&self) -> Held {
        Held::of(&self.db, Family::ALL.map(|family| self.family(family)))
    }

    fn family(&self, family: Family) -> &ColumnFamily {
        self.db.cf_handle(name(family)).expect("all families are created at open")
    }
}

impl KvRead for DataDb {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.db.get_cf(self.family(family), key).map_err(Error::rocks(NAME))
    }

    fn multi_get(&self, family: Family, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let family = self.family(family);
        collect(self.db.multi_get_cf(keys.iter().map(|key| (family, key))))
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<(), Error> {
        walk(self.db.raw_iterator_cf_opt(self.family(family), scan_options(to)), from, visit)
    }
}

impl Kv for DataDb {
    fn write(&self, batch: KvBatch) -> Result<(), Error> {
        let bytes = batch.bytes();
        let writes = batch.into_writes();
        // All of it at once: what grows by and by is moved again and again.
        let mut rocks = WriteBatch::with_capacity_bytes(bytes + writes.len() * WRITE_BYTES_MAX);
        for write in writes {
            match write {
                KvWrite::Put(family, key, value) => rocks.put_cf(self.family(family), key, value),
                KvWrite::Delete(family, key) => rocks.delete_cf(self.family(family), key),
                KvWrite::DeleteRange(family, from, to) => {
                    rocks.delete_range_cf(self.family(family), from, to)
                }
            }
        }
        self.db.write(rocks).map_err(Error::rocks(NAME))
    }

    fn load(&self, source: &mut Source<'_>) -> Result<(), Error> {
        self.load_tables(source)
    }

    fn bytes(&self, family: Family, from: &[u8], to: &[u8]) -> u64 {
        let sizes = self.db.get_approximate_sizes_cf(self.family(family), &[Range::new(from, to)]);
        sizes.into_iter().sum()
    }

    fn view(&self) -> Box<dyn KvRead + '_> {
        Box::new(View { db: self, snapshot: self.db.snapshot() })
    }

    fn sync(&self) -> Result<(), Error> {
        Self::sync(self)
    }
}

impl From<DataDb> for Arc<dyn Kv> {
    fn from(db: DataDb) -> Self {
        Arc::new(db)
    }
}

/// The database at one moment.
struct View<'a> {
    db: &'a DataDb,
    snapshot: rocksdb::Snapshot<'a>,
}

impl KvRead for View<'_> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.snapshot.get_cf(self.db.family(family), key).map_err(Error::rocks(NAME))
    }

    fn multi_get(&self, family: Family, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let family = self.db.family(family);
        collect(self.snapshot.multi_get_cf(keys.iter().map(|key| (family, key))))
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<(), Error> {
        walk(
            self.snapshot.raw_iterator_cf_opt(self.db.family(family), scan_options(to)),
            from,
            visit,
        )
    }
}

fn scan_options(to: &[u8]) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_iterate_upper_bound(to);
    // A range may reach over the prefixes that the bloom filters know.
    options.set_total_order_seek(true);
    options
}

fn walk(mut cursor: DBRawIterator<'_>, from: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
    cursor.seek(from);
    while let Some((key, value)) = cursor.item() {
        if !visit(key, value)? {
            return Ok(());
        }
        cursor.next();
    }
    // A cursor ends at a failure as at the last key; only its status tells them apart.
    cursor.status().map_err(Error::rocks(NAME))
}

fn collect(
    values: Vec<Result<Option<Vec<u8>>, rocksdb::Error>>,
) -> Result<Vec<Option<Vec<u8>>>, Error> {
    values.into_iter().collect::<Result<_, _>>().map_err(Error::rocks(NAME))
}

/// Name of a family on disk; it never changes.
fn name(family: Family) -> &'static str {
    match family {
        Family::Attribute => "meta",
        Family::Point => "point",
        Family::Payload => "payload",
        Family::Index => "index",
        Family::Row => "vec",
    }
}

fn family_options(family: Family, cache: &Cache) -> Options {
    let mut options = Options::default();
    // Every key begins with its group: tables that have none of a group are skipped by prefix.
    options.set_prefix_extractor(SliceTransform::create_fixed_prefix(PREFIX));
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(32 << 20);
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_bloom_filter(10.0, false);
    // In the cache like data, so that one bound holds for all of RocksDB's reading.
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    options.set_block_based_table_factory(&table);
    match family {
        // Floats do not compress, and most rows are sealed away before a compaction.
        Family::Row => options.set_compression_type(DBCompressionType::None),
        _ => options.set_bottommost_compression_type(DBCompressionType::Zstd),
    }
    options
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    use super::*;

    /// Writes many keys of a group into tables of its own, below the first level.
    fn fill(db: &DataDb, group: u64) {
        let mut batch = KvBatch::default();
        for n in 0..2000_u64 {
            let key = [group.to_be_bytes(), n.to_be_bytes()].concat();
            batch.put(Family::Row, key, vec![n as u8; 64]);
        }
        db.write(batch).unwrap();
        let (prefix, end) = (group.to_be_bytes(), keys::end_of(&group.to_be_bytes()));
        db.db.compact_range_cf(db.family(Family::Row), Some(&prefix[..]), Some(&end[..]));
    }

    fn count(db: &DataDb, group: u64) -> Result<usize, Error> {
        let (prefix, mut count) = (group.to_be_bytes(), 0);
        db.scan(Family::Row, &prefix, &keys::end_of(&prefix), &mut |_, _| {
            count += 1;
            Ok(true)
        })?;
        Ok(count)
    }

    #[test]
    fn a_group_that_goes_takes_its_bad_table_along() {
        let dir = tempfile::tempdir().unwrap();
        let db = DataDb::open(dir.path()).unwrap();
        fill(&db, 1);
        fill(&db, 2);
        let files = db.db.live_files().unwrap();
        let of_first = files.iter().find(|file| {
            file.level > 0
                && file
                    .start_key
                    .as_ref()
                    .is_some_and(|key| key.starts_with(&[0; 7]) && key[7] == 1)
        });
        let name = of_first.expect("a table of the first group").name.clone();
        drop(db);
        let table = File::options().write(true).open(dir.path().join(&name[1..])).unwrap();
        table.write_all_at(b"damage", 5000).unwrap();
        let db = DataDb::open(dir.path()).unwrap();
        assert!(count(&db, 1).unwrap_err().is_damage());
        assert_eq!(count(&db, 2).unwrap(), 2000, "the other has a table of its own");
        let mut batch = KvBatch::default();
        batch.delete_range(Family::Row, vec![0, 0, 0, 0, 0, 0, 0, 1], vec![0, 0, 0, 0, 0, 0, 0, 2]);
        db.write(batch).unwrap();
        db.drop_tables(GroupId(1)).unwrap();
        // Nothing that has to be read for it is damaged any more.
        db.db.compact_range_cf(db.family(Family::Row), None::<&[u8]>, None::<&[u8]>);
        assert_eq!((count(&db, 1).unwrap(), count(&db, 2).unwrap()), (0, 2000));
        fill(&db, 1);
        assert_eq!(count(&db, 1).unwrap(), 2000);
    }

    #[test]
    fn a_sync_that_failed_is_not_made_good_by_the_next() {
        let synced = SyncOnce::default();
        synced.run(|| Ok(())).unwrap();
        let failed = || Err(Error::damaged("the disk", "it is on fire"));
        assert!(matches!(synced.run(failed), Err(Error::Damaged { .. })));
        let error = synced.run(|| panic!("must not be tried")).unwrap_err();
        assert!(error.to_string().contains("on fire"), "{error}");
    }
}
