//! Receiving a snapshot: its files are staged, verified and synced before Raft hears of it.

use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};

use tokio::io::AsyncWriteExt;
use tonic::{Status, Streaming};
use uuid::Uuid;
use vane_proto::peer::snapshot_part::Part;
use vane_proto::peer::{SnapshotChunk, SnapshotFile, SnapshotHeader, SnapshotPart};
use vane_raft::{Envelope, Node};
use vane_storage::Space;
use vane_types::GroupId;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::send_snapshot::FILES_MAX;

/// Takes one snapshot in and hands its announcement to Raft.
pub(super) async fn take(
    me: u64,
    node: &Node,
    space: &Space,
    root: &Path,
    mut parts: Streaming<SnapshotPart>,
) -> Result<(), Status> {
    let Some(SnapshotPart { part: Some(Part::Header(header)) }) = parts.message().await? else {
        return Err(Status::invalid_argument("a snapshot begins with a header"));
    };
    let SnapshotHeader { to_node, envelope, files, .. } = header;
    if to_node != me {
        return Err(Status::failed_precondition(format!("this is node {me}, not node {to_node}")));
    }
    let envelope = envelope.unwrap_or_default();
    let announcement = Envelope::decode(GroupId(envelope.group), &envelope.message)
        .map_err(Status::invalid_argument)?;
    let target = || {
        node.incoming_dir(&announcement)
            .ok_or_else(|| Status::invalid_argument("it announces no snapshot"))
    };
    target()?;
    let bytes: u64 = files.iter().map(|it| it.bytes).sum();
    let room = space.check(usize::try_from(bytes).unwrap_or(usize::MAX));
    room.map_err(|e| {
        Status::resource_exhausted(format!("the snapshot of {bytes} bytes was not taken: {e}"))
    })?;
    let stage = Stage::new(root.join(format!("staging-{}", Uuid::new_v4())), files)?;
    let staged = stage.fill(&mut parts).await?;
    // Asked for again: what was there before the files came may have gone meanwhile, and
    // from here on it stays until Raft has heard of it.
    staged.publish(&target()?)?;
    node.step(vec![announcement]);
    Ok(())
}

/// A directory that goes away unless it is published.
struct Stage {
    dir: PathBuf,
    files: Vec<SnapshotFile>,
}

impl Stage {
    fn new(dir: PathBuf, files: Vec<SnapshotFile>) -> Result<Self, Status> {
        let plain = |name: &str| {
            let path = Path::new(name);
            !name.is_empty() && path.components().all(|it| matches!(it, Component::Normal(_)))
        };
        if files.len() > FILES_MAX || !files.iter().all(|it| plain(&it.name)) {
            return Err(Status::invalid_argument(
                "the snapshot's files have names that are not taken",
            ));
        }
        fs::create_dir_all(&dir).map_err(|e| failed(&dir, &e))?;
        Ok(Self { dir, files })
    }

    async fn fill(self, parts: &mut Streaming<SnapshotPart>) -> Result<Self, Status> {
        for file in &self.files {
            let path = self.dir.join(&file.name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(|e| failed(parent, &e))?;
            }
            let mut out = tokio::fs::File::create(&path).await.map_err(|e| failed(&path, &e))?;
            let (mut hasher, mut written) = (Xxh3::new(), 0);
            while written < file.bytes {
                let SnapshotChunk { data, checksum } = chunk(parts).await?;
                if xxh3_64(&data) != checksum {
                    return Err(Status::data_loss(format!(
                        "a chunk of {} was damaged on the way",
                        file.name
                    )));
                }
                hasher.update(&data);
                written += data.len() as u64;
                out.write_all(&data).await.map_err(|e| failed(&path, &e))?;
            }
            if written != file.bytes || hasher.digest() != file.checksum {
                return Err(Status::data_loss(format!("{} was damaged on the way", file.name)));
            }
            out.sync_all().await.map_err(|e| failed(&path, &e))?;
        }
        Ok(self)
    }

    /// Moves the verified files to where Raft's log will name them.
    fn publish(self, target: &Path) -> Result<(), Status> {
        // One of the same term and index is the same snapshot, and may be in use already.
        if target.exists() {
            return Ok(());
        }
        let sync =
            |dir: &Path| File::open(dir).and_then(|it| it.sync_all()).map_err(|e| failed(dir, &e));
        for file in &self.files {
            if let Some(parent) = self.dir.join(&file.name).parent() {
                sync(parent)?;
            }
        }
        sync(&self.dir)?;
        fs::rename(&self.dir, target).map_err(|e| failed(target, &e))?;
        target.parent().map_or(Ok(()), sync)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Not there any more once it was published.
        if let Err(error) = fs::remove_dir_all(&self.dir)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, dir = %self.dir.display(), "failed to remove a snapshot that was not taken");
        }
    }
}

async fn chunk(parts: &mut Streaming<SnapshotPart>) -> Result<SnapshotChunk, Status> {
    match parts.message().await? {
        Some(SnapshotPart { part: Some(Part::Chunk(chunk)) }) => Ok(chunk),
        Some(_) => Err(Status::invalid_argument("a snapshot has one header")),
        None => Err(Status::data_loss("the snapshot ended before its files did")),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Status {
    Status::internal(format!("{}: {error}", path.display()))
}
