//! What files a snapshot has, with their checksums: read once for each snapshot, however
//! often it is sent.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::OnceCell;
use vane_proto::peer::SnapshotFile;
use vane_raft::SnapshotFiles;
use xxhash_rust::xxh3::Xxh3;

use super::{CHUNK_BYTES, FILES_MAX, SendError};

type Listed = Arc<OnceCell<Arc<[SnapshotFile]>>>;

/// Lists of those snapshots that somebody still holds.
#[derive(Default)]
pub(super) struct Listings(Mutex<Vec<(Weak<dyn SnapshotFiles>, Listed)>>);

impl Listings {
    /// Files of a snapshot, by name.
    pub(super) async fn of(
        &self,
        files: &Arc<dyn SnapshotFiles>,
    ) -> Result<Arc<[SnapshotFile]>, SendError> {
        let listed = self.place_of(files);
        // A failure leaves it empty: the next attempt reads again.
        let read = listed.get_or_try_init(async || {
            let files = Arc::clone(files);
            // Every file is read: not on a thread of the runtime.
            tokio::task::spawn_blocking(move || list(files.path()))
                .await
                .map_err(|_| SendError::Stopping)?
        });
        read.await.cloned()
    }

    fn place_of(&self, files: &Arc<dyn SnapshotFiles>) -> Listed {
        let mut all = self.0.lock();
        all.retain(|(of, _)| of.strong_count() > 0);
        let files = Arc::downgrade(files);
        if let Some((_, listed)) = all.iter().find(|(of, _)| of.ptr_eq(&files)) {
            return Arc::clone(listed);
        }
        let listed = Listed::default();
        all.push((files, Arc::clone(&listed)));
        listed
    }
}

/// All files below a directory.
fn list(dir: &Path) -> Result<Arc<[SnapshotFile]>, SendError> {
    let (mut files, mut dirs) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(inner) = dirs.pop() {
        for entry in fs::read_dir(&inner).map_err(SendError::file(&inner))? {
            let path = entry.map_err(SendError::file(&inner))?.path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let name = path.strip_prefix(dir).ok().and_then(Path::to_str).map(str::to_owned);
            let name = name.ok_or_else(|| SendError::Name(path.clone()))?;
            let (bytes, checksum) = checksum(&path).map_err(SendError::file(&path))?;
            files.push(SnapshotFile { name, bytes, checksum, offset: 0 });
            if files.len() > FILES_MAX {
                return Err(SendError::TooManyFiles);
            }
        }
    }
    // In one order: the receiver takes chunks in that of the header.
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files.into())
}

/// Bytes and checksum of a file.
pub(crate) fn checksum(path: &Path) -> io::Result<(u64, u64)> {
    let mut file = fs::File::open(path)?;
    let (mut hasher, mut bytes, mut buffer) = (Xxh3::new(), 0, vec![0; CHUNK_BYTES]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, hasher.digest()));
        }
        hasher.update(&buffer[..read]);
        bytes += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[derive(Debug)]
    struct Dir(PathBuf);

    impl SnapshotFiles for Dir {
        fn path(&self) -> &Path {
            &self.0
        }
    }

    #[tokio::test]
    async fn a_snapshot_is_read_once_however_often_it_is_sent() {
        let dir = tempfile::TempDir::new().unwrap();
        fs::write(dir.path().join("keys"), b"abc").unwrap();
        let (listings, path) = (Listings::default(), dir.path().to_owned());
        let files: Arc<dyn SnapshotFiles> = Arc::new(Dir(path.clone()));
        let first = listings.of(&files).await.unwrap();
        // Snapshots do not change; this one does to show that it is not looked at again.
        fs::write(dir.path().join("keys"), b"longer than before").unwrap();
        assert!(Arc::ptr_eq(&first, &listings.of(&files).await.unwrap()));
        drop(files);
        let next: Arc<dyn SnapshotFiles> = Arc::new(Dir(path));
        assert_ne!(listings.of(&next).await.unwrap(), first);
        assert_eq!(listings.0.lock().len(), 1, "what nobody holds is forgotten");
    }
}
