//! Receiving a snapshot: its files are staged, verified and synced before Raft hears of it.

use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};

use tokio::io::AsyncWriteExt;
use tonic::{Status, Streaming};
use uuid::Uuid;
use vane_proto::peer::snapshot_part::Part;
use vane_proto::peer::{SnapshotChunk, SnapshotFile, SnapshotHeader, SnapshotPart};
use vane_raft::Envelope;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::send_snapshot::FILES_MAX;
use crate::service::{PeerMember, check_receiver};
use crate::wire::Wire;

/// Most bytes of one snapshot: far above any disk, and what the check of its room can still
/// multiply.
const SNAPSHOT_BYTES_MAX: u64 = 1 << 50;

/// Takes one snapshot in and hands its announcement to Raft.
pub(crate) async fn take<M: PeerMember>(
    member: &M,
    mut parts: Streaming<SnapshotPart>,
) -> Result<(), Status> {
    let Some(SnapshotPart { part: Some(Part::Header(header)) }) = parts.message().await? else {
        return Err(Status::invalid_argument("a snapshot begins with a header"));
    };
    let SnapshotHeader { to_node, envelope, files, .. } = header;
    check_receiver(member, to_node)?;
    // Left out it is an empty message, which announces no snapshot.
    let announcement = Envelope::from_message(envelope.unwrap_or_default())
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
    // Before any file comes: what Raft would not take need not travel.
    target(member, &announcement)?;
    // Before any file comes: part of a snapshot would fill the disk for nothing.
    check_room(member, &files)?;
    let root = member.snapshots_dir();
    // A name of its own: the same snapshot may be on its way twice.
    let stage = Stage::new(root.join(format!("staging-{}", Uuid::new_v4())), files)?;
    let staged = stage.fill(&mut parts).await?;
    // Asked for again: what was there before the files came may have gone meanwhile, and
    // from here on it stays until Raft has heard of it.
    staged.publish(&target(member, &announcement)?)?;
    // Last: Raft must never name files that are not there.
    member.step(vec![announcement]);
    Ok(())
}

/// Where the files of a snapshot go.
fn target<M: PeerMember>(member: &M, announcement: &Envelope) -> Result<PathBuf, Status> {
    member
        .incoming_dir(announcement)
        .ok_or_else(|| Status::invalid_argument("it announces no snapshot"))
}

fn check_room<M: PeerMember>(member: &M, files: &[SnapshotFile]) -> Result<(), Status> {
    // The sender says how large they are, and the sum may be anything.
    let bytes = files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.bytes));
    let checked = bytes.min(SNAPSHOT_BYTES_MAX);
    let room = member.space().check(usize::try_from(checked).unwrap_or(usize::MAX));
    room.map_err(|error| {
        Status::resource_exhausted(format!("the snapshot of {bytes} bytes was not taken: {error}"))
    })
}

/// A directory that goes away unless it is published.
struct Stage {
    dir: PathBuf,
    files: Vec<SnapshotFile>,
}

impl Stage {
    fn new(dir: PathBuf, files: Vec<SnapshotFile>) -> Result<Self, Status> {
        // Before paths are made of them: `..` would lead out of the directory.
        if files.len() > FILES_MAX || !files.iter().all(|file| is_plain(&file.name)) {
            return Err(Status::invalid_argument(
                "the snapshot's files have names that are not taken",
            ));
        }
        fs::create_dir_all(&dir).map_err(|error| failed(&dir, &error))?;
        Ok(Self { dir, files })
    }

    async fn fill(self, parts: &mut Streaming<SnapshotPart>) -> Result<Self, Status> {
        for file in &self.files {
            let path = self.dir.join(&file.name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(|error| failed(parent, &error))?;
            }
            let mut out =
                tokio::fs::File::create(&path).await.map_err(|error| failed(&path, &error))?;
            let (mut hasher, mut written) = (Xxh3::new(), 0);
            // By the size that was announced: an empty file has no chunk.
            while written < file.bytes {
                let SnapshotChunk { data, checksum } = chunk(parts).await?;
                // Before it is written, so that nothing damaged lies in a file.
                if xxh3_64(&data) != checksum {
                    return Err(Status::data_loss(format!(
                        "a chunk of {} was damaged on the way",
                        file.name
                    )));
                }
                hasher.update(&data);
                written += data.len() as u64;
                out.write_all(&data).await.map_err(|error| failed(&path, &error))?;
            }
            // The file as a whole: sound chunks may come in the wrong order.
            if written != file.bytes || hasher.digest() != file.checksum {
                return Err(Status::data_loss(format!("{} was damaged on the way", file.name)));
            }
            // Before it is published: Raft takes what it names for durable.
            out.sync_all().await.map_err(|error| failed(&path, &error))?;
        }
        Ok(self)
    }

    /// Moves the verified files to where Raft's log will name them.
    fn publish(self, target: &Path) -> Result<(), Status> {
        // One of the same term and index is the same snapshot, and may be in use already.
        if target.exists() {
            return Ok(());
        }
        // Names are synced apart from files, which may lose them with the power.
        for file in &self.files {
            if let Some(parent) = self.dir.join(&file.name).parent() {
                sync(parent)?;
            }
        }
        sync(&self.dir)?;
        // In one step: Raft finds all of it or nothing.
        fs::rename(&self.dir, target).map_err(|error| failed(target, &error))?;
        // A rename is durable with the directory that it happened in.
        target.parent().map_or(Ok(()), sync)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Once published it lies under its other name.
        if let Err(error) = fs::remove_dir_all(&self.dir)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            let dir = self.dir.display();
            tracing::warn!(%error, %dir, "failed to remove a snapshot that was not taken");
        }
    }
}

/// Whether a file of this name lies below the directory that it is put into.
fn is_plain(name: &str) -> bool {
    let mut components = Path::new(name).components();
    !name.is_empty() && components.all(|component| matches!(component, Component::Normal(_)))
}

/// Makes the names in a directory durable.
fn sync(dir: &Path) -> Result<(), Status> {
    File::open(dir).and_then(|opened| opened.sync_all()).map_err(|error| failed(dir, &error))
}

async fn chunk(parts: &mut Streaming<SnapshotPart>) -> Result<SnapshotChunk, Status> {
    match parts.message().await? {
        Some(SnapshotPart { part: Some(Part::Chunk(chunk)) }) => Ok(chunk),
        Some(_) => Err(Status::invalid_argument("a snapshot has one header")),
        // The sender hung up; Raft asks for the snapshot again.
        None => Err(Status::data_loss("the snapshot ended before its files did")),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Status {
    Status::internal(format!("{}: {error}", path.display()))
}
