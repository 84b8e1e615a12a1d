//! A file that is synced as it grows.

use std::fs::File;
use std::io::{Result, Write};
use std::path::Path;

use crate::error::Error;

/// Bytes between two syncs. Whoever else syncs on this disk, and Raft's log does before anything is
/// promised, waits for no more than these: one sync of 150 MB held writes up for half a second.
const SYNC_BYTES: usize = 8 << 20;

/// A large file while it is written.
pub(crate) struct SteadyFile {
    file: File,
    unsynced: usize,
}

impl SteadyFile {
    pub(crate) fn create(path: &Path) -> std::result::Result<Self, Error> {
        let file = File::create(path).map_err(Error::io("create", path))?;
        Ok(Self { file, unsynced: 0 })
    }

    /// The file itself; its last bytes are not synced.
    pub(crate) fn into_inner(self) -> File {
        self.file
    }
}

impl Write for SteadyFile {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let now = &bytes[..bytes.len().min(SYNC_BYTES)];
        let written = self.file.write(now)?;
        self.unsynced += written;
        if self.unsynced >= SYNC_BYTES {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_there_however_much_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let bytes: Vec<u8> = (0..SYNC_BYTES * 5 / 2).map(|n| (n / 7) as u8).collect();
        let mut file = SteadyFile::create(&path).unwrap();
        assert!(file.write(&bytes).unwrap() <= SYNC_BYTES, "no more at once");
        file.write_all(&bytes).unwrap();
        file.into_inner().sync_all().unwrap();
        let read = std::fs::read(&path).unwrap();
        assert_eq!(read.len(), SYNC_BYTES + bytes.len());
        assert!(read[SYNC_BYTES..] == bytes);
        assert!(SteadyFile::create(&dir.path().join("nowhere/file")).is_err());
    }
}
