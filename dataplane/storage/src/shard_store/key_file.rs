//! All keys of one group in a file, for a replica on another node.
//!
//! ```text
//! 0   magic 8
//! 8   records, by family and key:
//!     family u8 │ key length u32 │ value length u32 │ key without its group │ value
//! …   xxh3 of everything before, u64
//! ```
//!
//! Numbers are little-endian.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::data_dir::sync_dir;
use crate::error::Error;
use crate::kv::Family;
use crate::steady_file::SteadyFile;

const MAGIC: &[u8; 8] = b"VANEKEY1";
const NAME: &str = "keys";
const BUFFER: usize = 1 << 20;
const CHECKSUM: u64 = 8;

/// The file while it is written; without [`Writer::finish`] it has no checksum.
pub(super) struct Writer {
    dir: PathBuf,
    path: PathBuf,
    file: BufWriter<SteadyFile>,
    hash: Xxh3,
}

impl Writer {
    pub(super) fn create(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(NAME);
        let file = BufWriter::with_capacity(BUFFER, SteadyFile::create(&path)?);
        let mut writer = Self { dir: dir.to_owned(), path, file, hash: Xxh3::new() };
        writer.put(MAGIC)?;
        Ok(writer)
    }

    pub(super) fn push(&mut self, family: Family, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.put(&[family_tag(family)])?;
        self.put(&length(key).to_le_bytes())?;
        self.put(&length(value).to_le_bytes())?;
        self.put(key)?;
        self.put(value)
    }

    /// Makes the file durable.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        let checksum = self.hash.digest().to_le_bytes();
        self.put(&checksum)?;
        let file =
            self.file.into_inner().map_err(|e| Error::io("write", &self.path)(e.into_error()))?;
        file.into_inner().sync_all().map_err(Error::io("sync", &self.path))?;
        sync_dir(&self.dir)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hash.update(bytes);
        self.file.write_all(bytes).map_err(Error::io("write", &self.path))
    }
}

/// Visits the records of the file in order, and says at the end whether what was visited is
/// what was written: an error means that none of it may be used.
pub(super) fn read(
    dir: &Path,
    mut visit: impl FnMut(Family, &[u8], &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut source = Source::open(dir)?;
    let (mut key, mut value) = (Vec::new(), Vec::new());
    while source.left > 0 {
        let [tag] = source.take_array()?;
        let family =
            family_of(tag).ok_or_else(|| source.damaged("it names an unknown kind of key"))?;
        let lengths = [source.take_array()?, source.take_array()?].map(u32::from_le_bytes);
        source.take(lengths[0], &mut key)?;
        source.take(lengths[1], &mut value)?;
        visit(family, &key, &value)?;
    }
    source.finish()
}

/// The file as it is read; `left` bytes come before the checksum.
struct Source {
    path: PathBuf,
    file: BufReader<File>,
    hash: Xxh3,
    left: u64,
}

impl Source {
    fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(NAME);
        let file = File::open(&path).map_err(Error::io("open", &path))?;
        let bytes = file.metadata().map_err(Error::io("measure", &path))?.len();
        let file = BufReader::with_capacity(BUFFER, file);
        let mut source =
            Self { path, file, hash: Xxh3::new(), left: bytes.saturating_sub(CHECKSUM) };
        if source.take_array()? != *MAGIC {
            return Err(source.damaged("it does not begin as such a file does"));
        }
        Ok(source)
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads so many bytes into `bytes`; no room is made for more than the file has.
    fn take(&mut self, length: u32, bytes: &mut Vec<u8>) -> Result<(), Error> {
        // The checksum is checked at the end only: a damaged length must not ask for gigabytes
        // before.
        if u64::from(length) > self.left {
            return Err(self.damaged("it ends inside a record"));
        }
        bytes.resize(length as usize, 0);
        self.fill(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
            return Err(self.damaged("it ends inside a record"));
        };
        self.left = left;
        self.file.read_exact(bytes).map_err(Error::io("read", &self.path))?;
        self.hash.update(bytes);
        Ok(())
    }

    fn finish(mut self) -> Result<(), Error> {
        let expected = self.hash.digest();
        let mut stored = [0; CHECKSUM as usize];
        self.file.read_exact(&mut stored).map_err(Error::io("read", &self.path))?;
        if u64::from_le_bytes(stored) != expected {
            return Err(self.damaged("its checksum does not fit"));
        }
        Ok(())
    }

    fn damaged(&self, detail: &str) -> Error {
        Error::damaged(self.path.display().to_string(), detail)
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("RocksDB takes no key or value of 4 GiB")
}

/// What stands for a family in the file: these numbers never change.
fn family_tag(family: Family) -> u8 {
    match family {
        Family::Attribute => 1,
        Family::Point => 2,
        Family::Payload => 3,
        Family::Index => 4,
        Family::Row => 5,
    }
}

fn family_of(tag: u8) -> Option<Family> {
    Family::ALL.into_iter().find(|family| family_tag(*family) == tag)
}
