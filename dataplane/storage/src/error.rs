//! What can go wrong with a disk.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A disk operation failed, or the disk holds what it should not.
#[derive(Debug, Error)]
pub enum Error {
    /// A call of the operating system failed.
    #[error("failed to {what} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        what: &'static str,
        /// File or directory that it was tried on.
        path: PathBuf,
        /// Reason that the system gave.
        source: std::io::Error,
    },
    /// A call of RocksDB failed.
    #[error("rocksdb failed in {db}: {source}")]
    RocksDb {
        /// Name of the database on disk.
        db: &'static str,
        /// Reason that RocksDB gave.
        source: rocksdb::Error,
    },
    /// Bytes on disk are not what was written.
    #[error("{what} is damaged: {detail}; it was not used")]
    Damaged {
        /// File or record that was read.
        what: String,
        /// What does not fit.
        detail: String,
    },
    /// An earlier sync failed: whatever a later one says, what was written before it may be lost.
    #[error("data.db is not synced any more, since a sync failed: {0}")]
    NotSynced(String),
    /// The directory belongs to something else, or to an earlier version that this one does not
    /// read.
    #[error("{0}")]
    Foreign(String),
    /// A later version wrote the directory. Nothing was changed.
    #[error(
        "data directory {} has format {format}, this version of Vane reads {reads}; \
         nothing was changed, run the version that wrote it",
        .dir.display()
    )]
    TooNew {
        /// The data directory.
        dir: PathBuf,
        /// Format that it has.
        format: u32,
        /// Format that this version reads.
        reads: u32,
    },
    /// Another process uses the directory.
    #[error(
        "data directory {} is in use by another process; stop it first, \
         or choose another --data-dir",
        .0.display()
    )]
    InUse(PathBuf),
}

impl Error {
    /// Whether what was read is not what was written, or is gone: reading it again does not help,
    /// and another copy does.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::RocksDb { source, .. } => source.kind() == rocksdb::ErrorKind::Corruption,
            // Files are only read after something durable has named them.
            Self::Io { source, .. } => {
                matches!(source.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof)
            }
            Self::NotSynced(_) | Self::Foreign(_) | Self::TooNew { .. } | Self::InUse(_) => false,
        }
    }

    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }

    pub(crate) fn rocks(db: &'static str) -> impl FnOnce(rocksdb::Error) -> Self {
        move |source| Self::RocksDb { db, source }
    }

    pub(crate) fn damaged(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Damaged { what: what.into(), detail: detail.into() }
    }
}
