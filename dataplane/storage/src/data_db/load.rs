//! Many keys at once, as tables that RocksDB takes over: neither its write-ahead log nor its
//! memtables see them, and nothing of what others write waits behind them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rocksdb::{Cache, IngestExternalFileOptions, Options, SstFileWriter};

use super::{DataDb, Loads, NAME, family_options};
use crate::error::Error;
use crate::kv::{Family, Source};

/// Bytes of one table.
const TABLE_BYTES_MAX: u64 = 256 << 20;
/// Cache of a writer, which reads nothing.
const NO_CACHE: usize = 1 << 10;

impl Loads {
    /// Beside the database: in its own directory it removes tables that it does not know.
    pub(super) fn open(database: &Path) -> Result<Self, Error> {
        let mut name = database.as_os_str().to_owned();
        name.push("-loading");
        let dir = PathBuf::from(name);
        // What a crash left: whoever loaded does so again, from the beginning.
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io("remove", &dir)(error))
            }
            _ => Ok(Self { dir, begun: AtomicU64::default() }),
        }
    }

    fn next(&self) -> Result<Table, Error> {
        fs::create_dir_all(&self.dir).map_err(Error::io("create", &self.dir))?;
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        Ok(Table(self.dir.join(format!("{number}.sst"))))
    }
}

impl Drop for Loads {
    fn drop(&mut self) {
        // Goes only where it is empty: a table that is there still goes at the next start.
        let _gone = fs::remove_dir(&self.dir);
    }
}

/// A table's file, which goes where RocksDB has not taken it.
struct Table(PathBuf);

impl Drop for Table {
    fn drop(&mut self) {
        // Taken over it has another name. What stays all the same goes at the next start.
        let _gone = fs::remove_file(&self.0);
    }
}

/// The table that is being written.
struct Open<'a> {
    family: Family,
    writer: SstFileWriter<'a>,
    table: Table,
}

impl DataDb {
    pub(super) fn load_tables(&self, source: &mut Source<'_>) -> Result<(), Error> {
        let cache = Cache::new_lru_cache(NO_CACHE);
        let options = Family::ALL.map(|family| (family, family_options(family, &cache)));
        let options_of = |family: Family| &options[family as usize].1;
        let mut open: Option<Open<'_>> = None;
        source(&mut |family, key, value| {
            let is_full = open.as_mut().is_some_and(|open| {
                open.family != family || open.writer.file_size() >= TABLE_BYTES_MAX
            });
            if is_full && let Some(full) = open.take() {
                self.take_over(full)?;
            }
            if open.is_none() {
                open = Some(self.begin(family, options_of(family))?);
            }
            let Some(open) = &mut open else { return Ok(()) };
            open.writer.put(key, value).map_err(Error::rocks(NAME))
        })?;
        open.map_or(Ok(()), |last| self.take_over(last))
    }

    fn begin<'a>(&self, family: Family, options: &'a Options) -> Result<Open<'a>, Error> {
        let (writer, table) = (SstFileWriter::create(options), self.loads.next()?);
        writer.open(&table.0).map_err(Error::rocks(NAME))?;
        Ok(Open { family, writer, table })
    }

    /// RocksDB syncs the table before it names it, so that a crash leaves it or nothing.
    fn take_over(&self, mut open: Open<'_>) -> Result<(), Error> {
        open.writer.finish().map_err(Error::rocks(NAME))?;
        let mut options = IngestExternalFileOptions::default();
        // Linked, not copied: it lies on the same file system.
        options.set_move_files(true);
        self.db
            .ingest_external_file_cf_opts(self.family(open.family), &options, vec![&open.table.0])
            .map_err(Error::rocks(NAME))
    }
}
