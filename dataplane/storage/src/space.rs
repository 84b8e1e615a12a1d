//! How much room the disk has, and a ballast to throw off when it has none.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::error::Error;

/// What a write may cost on disk beside its own bytes: log, data WAL, table, sealed file.
const WRITE_AMPLIFICATION: u64 = 4;

/// Watches the file system of a data directory.
#[derive(Debug)]
pub struct Space {
    dir: PathBuf,
    min_free: u64,
    ballast: u64,
}

/// A write was refused for want of room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{free} bytes are free on the disk, the write needs {needed} to keep a reserve; \
     nothing was changed. Delete points or make room; writes are taken again by themselves"
)]
pub struct OutOfSpace {
    /// Bytes free now.
    pub free: u64,
    /// Bytes that would have to be free.
    pub needed: u64,
}

impl Space {
    /// `min_free` bytes stay free of growing writes, but never more than 15 % of the disk;
    /// a file of `ballast` bytes is kept and removed when even the reserve is used up.
    ///
    /// # Errors
    /// When the file system cannot be measured.
    pub fn new(dir: &Path, min_free: u64, ballast: u64) -> Result<Self, Error> {
        let total = total(dir)?;
        // A reserve made for large disks would refuse every write on a small one.
        let min_free = min_free.min(total / 100 * 15);
        let space = Self { dir: dir.to_owned(), min_free, ballast: ballast.min(min_free / 4) };
        space.tend_ballast();
        Ok(space)
    }

    /// Bytes free on the file system; 0 when it does not answer.
    pub fn free(&self) -> u64 {
        statvfs(&self.dir).map(|stat| stat.f_bavail * stat.f_frsize).unwrap_or(0)
    }

    /// Whether a write of so many bytes leaves the reserve alone.
    ///
    /// # Errors
    /// [`OutOfSpace`] when it does not; nothing was written.
    pub fn check(&self, bytes: usize) -> Result<(), OutOfSpace> {
        let (free, needed) = (self.free(), self.min_free + bytes as u64 * WRITE_AMPLIFICATION);
        if free < needed { Err(OutOfSpace { free, needed }) } else { Ok(()) }
    }

    /// Whether even the reserve is all but used up: nothing should be written any more.
    pub fn is_exhausted(&self) -> bool {
        self.free() < self.min_free / 4
    }

    /// Bytes that the file system has in all; 0 when it does not answer.
    pub fn total(&self) -> u64 {
        total(&self.dir).unwrap_or(0)
    }

    /// Whether a background job may write so many bytes.
    pub fn has_room_for_job(&self, bytes: u64) -> bool {
        self.free() > self.min_free + bytes
    }

    /// Throws the ballast off below half of the reserve, takes it up again above twice.
    pub fn tend_ballast(&self) {
        if self.ballast == 0 {
            return;
        }
        let (path, free) = (self.dir.join("ballast"), self.free());
        if path.exists() {
            // Far from the mark above which it comes back, or it would come and go with every
            // merge.
            if free < self.min_free / 2 && fs::remove_file(&path).is_ok() {
                tracing::warn!(
                    free,
                    "disk nearly full: removed the ballast file so that deletes can go on"
                );
            }
        } else if free > self.min_free * 2 + self.ballast {
            let made = File::create(&path)
                // Allocated and not only sized: removing a sparse file would free nothing.
                .and_then(|file| Ok(fallocate(&file, FallocateFlags::empty(), 0, self.ballast)?));
            if let Err(error) = made {
                // Without it the node only has less of a reserve.
                tracing::debug!(%error, "failed to make the ballast file");
                drop(fs::remove_file(&path));
            }
        }
    }
}

fn total(dir: &Path) -> Result<u64, Error> {
    let stat = statvfs(dir).map_err(|e| Error::io("measure", dir)(e.into()))?;
    Ok(stat.f_blocks * stat.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_only_what_would_eat_the_reserve() {
        let dir = tempfile::tempdir().unwrap();
        let space = Space::new(dir.path(), 1, 0).unwrap();
        assert!(space.check(1).is_ok());
        let refused = space.check(usize::MAX / 8).unwrap_err();
        assert!(refused.to_string().contains("nothing was changed"));
    }
}
