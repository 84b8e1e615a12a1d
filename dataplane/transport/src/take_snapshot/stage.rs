//! Files of a snapshot that are not all there yet.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::io::AsyncWriteExt;
use tonic::Status;
use vane_proto::peer::SnapshotFile;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::failed;
use crate::send_snapshot::{CHUNK_BYTES, FILES_MAX, checksum};

pub(super) use vane_proto::peer::SnapshotChunk as Chunk;

/// Smaller files travel: to look at them would take as long.
const ADOPT_BYTES_MIN: u64 = 64 << 10;
/// Time for a look at files that are here; the sender waits.
const ADOPT_MAX: Duration = Duration::from_secs(60);

/// Time that files of a transfer that broke off are kept for the next.
const KEPT: Duration = Duration::from_secs(300);

/// Bytes and checksum of a file: two of the same are the same file.
type Identity = (u64, u64);

/// What is staged, by directory. Only here is it known what the files are worth: what a process
/// has left behind goes at the next start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stages(Arc<Mutex<HashMap<PathBuf, Staged>>>);

#[derive(Debug, Default)]
struct Staged {
    /// Somebody is filling it.
    busy: bool,
    /// How often it was begun, so that an old reminder to remove it does nothing.
    begun: u64,
    /// Files that are there, verified and synced.
    whole: HashMap<String, Identity>,
    /// The one that was being written, and how many of its bytes are there.
    partial: Option<(String, Identity, u64)>,
}

impl Staged {
    fn has(&self, file: &SnapshotFile) -> u64 {
        let identity = (file.bytes, file.checksum);
        if self.whole.get(&file.name) == Some(&identity) {
            return file.bytes;
        }
        match &self.partial {
            Some((name, of, bytes)) if *name == file.name && *of == identity => *bytes,
            _ => 0,
        }
    }
}

impl Stages {
    /// Bytes that are there of each file.
    pub(super) fn have(&self, dir: &Path, files: &[SnapshotFile]) -> Result<Vec<u64>, Status> {
        let all = self.0.lock();
        let Some(staged) = all.get(dir) else { return Ok(vec![0; files.len()]) };
        if staged.busy {
            return Err(is_busy());
        }
        Ok(files.iter().map(|file| staged.has(file)).collect())
    }

    /// Begins to fill a directory, or goes on with it. What is there of other files goes.
    pub(super) fn begin(&self, dir: &Path, files: Vec<SnapshotFile>) -> Result<Stage, Status> {
        let kept = {
            let mut all = self.0.lock();
            let staged = all.entry(dir.to_owned()).or_default();
            if staged.busy {
                return Err(is_busy());
            }
            let fits = |file: &SnapshotFile| file.offset <= staged.has(file);
            if !files.iter().all(fits) {
                return Err(Status::aborted("what was there of the snapshot has gone meanwhile"));
            }
            staged.busy = true;
            staged.begun += 1;
            // By what comes: the sender need not use what was there.
            let wanted = |name: &str, identity: Identity| {
                let mut files = files.iter();
                files.any(|file| {
                    file.name == name && (file.bytes, file.checksum) == identity && file.offset > 0
                })
            };
            staged.whole.retain(|name, identity| wanted(name, *identity));
            staged.partial.take_if(|(name, identity, _)| !wanted(name, *identity));
            let partial = staged.partial.iter().map(|(name, ..)| name.clone());
            staged.whole.keys().cloned().chain(partial).collect::<Vec<_>>()
        };
        let stage = Stage {
            stages: self.clone(),
            dir: dir.to_owned(),
            files: files.into_iter(),
            names: Vec::new(),
        };
        // From here on the stage lets go of the directory, also on an error.
        fs::create_dir_all(dir).map_err(|error| failed(dir, &error))?;
        remove_others(dir, &kept).map_err(|error| failed(dir, &error))?;
        Ok(stage)
    }

    fn with<T>(&self, dir: &Path, change: impl FnOnce(&mut Staged) -> T) -> T {
        change(self.0.lock().entry(dir.to_owned()).or_default())
    }

    /// Removes what nobody has gone on with, unless it was begun again.
    fn expire(&self, dir: &Path, begun: u64) {
        let mut all = self.0.lock();
        if all.get(dir).is_some_and(|staged| !staged.busy && staged.begun == begun) {
            all.remove(dir);
            // Under the lock: nobody begins to fill what is about to go.
            remove(dir);
        }
    }
}

fn is_busy() -> Status {
    Status::aborted("a snapshot of this replica is on its way already")
}

/// A directory that is being filled.
pub(super) struct Stage {
    stages: Stages,
    dir: PathBuf,
    /// Those that come.
    files: std::vec::IntoIter<SnapshotFile>,
    /// Those that are there.
    names: Vec<String>,
}

impl Stage {
    /// Links those files that this node's replica has itself: sealed segments that both have
    /// from an earlier snapshot. What cannot be looked at travels.
    pub(super) async fn adopt(&self, candidates: Vec<(SnapshotFile, PathBuf)>) {
        let (stages, dir) = (self.stages.clone(), self.dir.clone());
        // Files are read: not on a thread of the runtime.
        let looked = tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            for (file, own) in candidates {
                if began.elapsed() > ADOPT_MAX {
                    return;
                }
                let has = stages.with(&dir, |staged| staged.has(&file)) > 0;
                if !has && file.bytes >= ADOPT_BYTES_MIN && adopt(&dir, &file, &own).is_some() {
                    let identity = (file.bytes, file.checksum);
                    stages.with(&dir, |staged| staged.whole.insert(file.name, identity));
                }
            }
        });
        drop(looked.await);
    }

    /// The next file that is not whole, opened behind what is there of it.
    pub(super) async fn next_file(&mut self) -> Result<Option<Filling>, Status> {
        for file in self.files.by_ref() {
            self.names.push(file.name.clone());
            let is_whole =
                self.stages.with(&self.dir, |staged| staged.whole.contains_key(&file.name));
            if is_whole {
                continue;
            }
            let path = self.dir.join(&file.name);
            let opened = path.clone();
            let offset = file.offset;
            // What is there is read once more: the checksum is over all of it.
            let opened = tokio::task::spawn_blocking(move || open_at(&opened, offset)).await;
            let opened = opened.map_err(|_| Status::unavailable("the node is shutting down"))?;
            let (out, hasher) = opened.map_err(|error| {
                // Whatever was thought to be there: the next attempt begins the file anew.
                self.stages.with(&self.dir, |staged| staged.partial = None);
                failed(&path, &error)
            })?;
            let out = tokio::fs::File::from_std(out);
            let (stages, dir) = (self.stages.clone(), self.dir.clone());
            let (written, synced) = (offset, offset);
            return Ok(Some(Filling { stages, dir, path, file, out, hasher, written, synced }));
        }
        Ok(None)
    }

    /// Moves the verified files to where Raft's log will name them.
    pub(super) fn publish(self, target: &Path) -> Result<(), Status> {
        // Names are synced apart from files, which may lose them with the power.
        for name in &self.names {
            if let Some(parent) = self.dir.join(name).parent() {
                sync(parent)?;
            }
        }
        sync(&self.dir)?;
        // One of the same term and index is the same snapshot, and may be in use already.
        if !target.exists() {
            // In one step: Raft finds all of it or nothing.
            fs::rename(&self.dir, target).map_err(|error| failed(target, &error))?;
        }
        self.stages.with(&self.dir, |staged| {
            staged.whole.clear();
            staged.partial = None;
        });
        // A rename is durable with the directory that it happened in.
        target.parent().map_or(Ok(()), sync)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let mut all = self.stages.0.lock();
        let Some(staged) = all.get_mut(&self.dir) else { return };
        staged.busy = false;
        if staged.whole.is_empty() && staged.partial.is_none() {
            all.remove(&self.dir);
            return remove(&self.dir);
        }
        let (stages, dir, begun) = (self.stages.clone(), self.dir.clone(), staged.begun);
        tokio::spawn(async move {
            tokio::time::sleep(KEPT).await;
            stages.expire(&dir, begun);
        });
    }
}

/// Bytes of a file after which they are synced: all at its end would keep the disk from the logs of
/// every group for as long as that takes.
const SYNC_BYTES: u64 = 8 << 20;

/// A file that is being filled.
pub(super) struct Filling {
    stages: Stages,
    dir: PathBuf,
    path: PathBuf,
    file: SnapshotFile,
    out: tokio::fs::File,
    hasher: Xxh3,
    written: u64,
    /// Up to where it is on disk for good.
    synced: u64,
}

impl Filling {
    /// By the size that was announced: an empty file has no chunk.
    pub(super) fn is_missing_bytes(&self) -> bool {
        self.written < self.file.bytes
    }

    pub(super) async fn write(&mut self, chunk: Chunk) -> Result<(), Status> {
        let Chunk { data, checksum } = chunk;
        // Before it is written, so that nothing damaged lies in a file.
        if xxh3_64(&data) != checksum {
            let name = &self.file.name;
            return Err(Status::data_loss(format!("a chunk of {name} was damaged on the way")));
        }
        self.hasher.update(&data);
        self.out.write_all(&data).await.map_err(|error| failed(&self.path, &error))?;
        self.written += data.len() as u64;
        if self.written - self.synced >= SYNC_BYTES {
            self.out.sync_data().await.map_err(|error| failed(&self.path, &error))?;
            self.synced = self.written;
        }
        let SnapshotFile { name, bytes, checksum, .. } = &self.file;
        let partial = (name.clone(), (*bytes, *checksum), self.written);
        self.stages.with(&self.dir, |staged| staged.partial = Some(partial));
        Ok(())
    }

    /// Ends a file that is what it was announced as.
    pub(super) async fn finish(mut self) -> Result<(), Status> {
        let SnapshotFile { name, bytes, checksum, .. } = self.file;
        // The file as a whole: sound chunks may come in the wrong order.
        if self.written != bytes || self.hasher.digest() != checksum {
            self.stages.with(&self.dir, |staged| staged.partial = None);
            return Err(Status::data_loss(format!("{name} was damaged on the way")));
        }
        self.out.flush().await.map_err(|error| failed(&self.path, &error))?;
        // Before it is published: Raft takes what it names for durable.
        self.out.sync_all().await.map_err(|error| failed(&self.path, &error))?;
        self.stages.with(&self.dir, |staged| {
            staged.partial = None;
            staged.whole.insert(name, (bytes, checksum));
        });
        Ok(())
    }
}

/// Links a file of this node in, if it is the one that is meant.
fn adopt(dir: &Path, file: &SnapshotFile, own: &Path) -> Option<()> {
    if fs::metadata(own).ok()?.len() != file.bytes {
        return None;
    }
    let path = dir.join(&file.name);
    fs::create_dir_all(path.parent()?).ok()?;
    // First: the replica may let go of its own at any time.
    fs::hard_link(own, &path).ok()?;
    let is_same = checksum(&path).is_ok_and(|found| found == (file.bytes, file.checksum));
    // Synced, as those that came: it may be younger than the last sync.
    let is_kept = is_same && File::open(&path).and_then(|it| it.sync_all()).is_ok();
    if !is_kept {
        // Or else it would be written to, and with it what it is a link of.
        drop(fs::remove_file(&path));
    }
    is_kept.then_some(())
}

/// A file that is cut behind `offset`, to be gone on with, and the hash of what it has.
fn open_at(path: &Path, offset: u64) -> io::Result<(File, Xxh3)> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut options = File::options();
    let mut file = options.read(true).write(true).create(true).truncate(offset == 0).open(path)?;
    let (mut hasher, mut left) = (Xxh3::new(), offset);
    let mut buffer = vec![0; CHUNK_BYTES];
    while left > 0 {
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = file.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        hasher.update(&buffer[..read]);
        left -= read as u64;
    }
    file.set_len(offset)?;
    file.seek(io::SeekFrom::Start(offset))?;
    Ok((file, hasher))
}

/// Removes all files below a directory but those of some names.
fn remove_others(dir: &Path, kept: &[String]) -> io::Result<()> {
    let kept: Vec<PathBuf> = kept.iter().map(|name| dir.join(name)).collect();
    let mut dirs = vec![dir.to_owned()];
    while let Some(inner) = dirs.pop() {
        for entry in fs::read_dir(&inner)? {
            let path = entry?.path();
            if path.is_dir() {
                dirs.push(path);
            } else if !kept.contains(&path) {
                fs::remove_file(&path)?;
            }
        }
    }
    Ok(())
}

fn remove(dir: &Path) {
    // Once published it lies under its other name.
    if let Err(error) = fs::remove_dir_all(dir)
        && error.kind() != io::ErrorKind::NotFound
    {
        let dir = dir.display();
        tracing::warn!(%error, %dir, "failed to remove a snapshot that was not taken");
    }
}

/// Makes the names in a directory durable.
fn sync(dir: &Path) -> Result<(), Status> {
    File::open(dir).and_then(|opened| opened.sync_all()).map_err(|error| failed(dir, &error))
}

/// Bytes of a file's name with those of its directories: the shortest that file systems take.
const NAME_BYTES_MAX: usize = 255;

/// Whether all files lie below the directory that they are put into, each once.
pub(super) fn check_names(files: &[SnapshotFile]) -> Result<(), Status> {
    let is_plain = |file: &SnapshotFile| {
        let mut components = Path::new(&file.name).components();
        let is_inside = components.all(|component| matches!(component, Component::Normal(_)));
        let is_name = !file.name.is_empty() && file.name.len() <= NAME_BYTES_MAX;
        is_name && !file.name.contains('\0') && is_inside
    };
    // Before paths are made of them: `..` would lead out of the directory.
    if files.len() > FILES_MAX || !files.iter().all(is_plain) {
        return Err(Status::invalid_argument("the snapshot's files have names that are not taken"));
    }
    Ok(())
}
