//! What can go wrong with a disk.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// A disk operation failed, or the disk holds what it should not.
#[derive(Debug, Error)]
pub enum Error {
    /// The operating system said no.
    #[error("failed to {what} {path}: {source}")]
    Io {
        /// The operation, as a verb.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// RocksDB said no.
    #[error("rocksdb failed in {db}: {source}")]
    RocksDb {
        /// Which database.
        db: &'static str,
        /// Its answer.
        source: rocksdb::Error,
    },
    /// Bytes on disk are not what was written.
    #[error("{what} is damaged: {detail}; it was not used")]
    Damaged {
        /// The file or record.
        what: String,
        /// What does not fit.
        detail: String,
    },
    /// The directory belongs to something else, or to a version this one cannot read.
    #[error("{0}")]
    Foreign(String),
    /// Another process uses the directory.
    #[error("data directory {} is in use by another process; stop it first, or choose another --data-dir", .0.display())]
    InUse(PathBuf),
}

impl Error {
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
