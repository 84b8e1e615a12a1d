//! Receiving a snapshot: its files are staged, verified and synced before Raft hears of it.
//! What was staged stays for a while when a transfer breaks off, and the next goes on there.

mod stage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tonic::{Status, Streaming};
use vane_proto::peer::snapshot_part::Part;
use vane_proto::peer::{SnapshotFile, SnapshotHeader, SnapshotOffered, SnapshotPart};
use vane_raft::Envelope;

use crate::service::{PeerMember, check_receiver};
use crate::wire::Wire;
pub(crate) use stage::Stages;

/// Most bytes of one snapshot: far above any disk.
const SNAPSHOT_BYTES_MAX: u64 = 1 << 50;
/// Bytes after which it is looked anew whether the disk has room.
const ROOM_CHECK_BYTES: u64 = 64 << 20;
/// Time without a chunk after which the sender is given up.
const SILENT_MAX: Duration = Duration::from_secs(60);

/// Says what this node has of an offered snapshot's files, or why it does not want it.
pub(crate) async fn offer<M: PeerMember>(
    member: &M,
    stages: &Stages,
    header: SnapshotHeader,
) -> Result<SnapshotOffered, Status> {
    let announcement = check(member, &header)?;
    let dir = stage_dir(member, &announcement);
    let mut files = header.files;
    let have = stages.have(&dir, &files)?;
    files.iter_mut().zip(have).for_each(|(file, have)| file.offset = have);
    let stage = stages.begin(&dir, files.clone())?;
    let own = |name: &str| member.own_file(announcement.group, name);
    let candidates = files.iter().filter_map(|file| Some((file.clone(), own(&file.name)?)));
    stage.adopt(candidates.collect()).await;
    drop(stage);
    let have = stages.have(&dir, &files)?;
    // Before any file comes: part of a snapshot would fill the disk for nothing.
    check_room(member, missing(&files, &have))?;
    Ok(SnapshotOffered { have })
}

/// Takes one snapshot in and hands its announcement to Raft.
pub(crate) async fn take<M: PeerMember>(
    member: &M,
    stages: &Stages,
    mut parts: Streaming<SnapshotPart>,
) -> Result<(), Status> {
    let Some(SnapshotPart { part: Some(Part::Header(header)) }) = parts.message().await? else {
        return Err(Status::invalid_argument("a snapshot begins with a header"));
    };
    let announcement = check(member, &header)?;
    let offsets: Vec<u64> = header.files.iter().map(|file| file.offset).collect();
    check_room(member, missing(&header.files, &offsets))?;
    let mut stage = stages.begin(&stage_dir(member, &announcement), header.files)?;
    let mut unchecked = 0;
    while let Some(mut file) = stage.next_file().await? {
        while file.is_missing_bytes() {
            let data = chunk(&mut parts).await?;
            unchecked += data.data.len() as u64;
            // Others write too: what was free at the beginning need not be so any more.
            if unchecked >= ROOM_CHECK_BYTES {
                (unchecked, _) = (0, check_room(member, 0)?);
            }
            file.write(data).await?;
        }
        file.finish().await?;
    }
    // Asked for again: what was there before the files came may have gone meanwhile, and
    // from here on it stays until Raft has heard of it.
    stage.publish(&target(member, &announcement)?)?;
    // Last: Raft must never name files that are not there.
    member.step(vec![announcement]);
    Ok(())
}

/// What can be known before any file comes: what Raft would not take need not travel.
fn check<M: PeerMember>(member: &M, header: &SnapshotHeader) -> Result<Envelope, Status> {
    check_receiver(member.node_id(), header.to_node)?;
    // Left out it is an empty message, which announces no snapshot.
    let announcement = Envelope::from_message(header.envelope.clone().unwrap_or_default())
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
    target(member, &announcement)?;
    stage::check_names(&header.files)?;
    Ok(announcement)
}

/// Where the files of a snapshot go.
fn target<M: PeerMember>(member: &M, announcement: &Envelope) -> Result<PathBuf, Status> {
    member
        .incoming_dir(announcement)
        .ok_or_else(|| Status::invalid_argument("it announces no snapshot"))
}

/// One for each replica: of two snapshots of it only the later is of use, and it may well have
/// files of the one before.
fn stage_dir<M: PeerMember>(member: &M, announcement: &Envelope) -> PathBuf {
    member.snapshots_dir().join(format!("staging-{}", announcement.group))
}

/// Bytes that have to come. The sender says how large files are, and the sum may be anything.
fn missing(files: &[SnapshotFile], have: &[u64]) -> u64 {
    let missing = files.iter().zip(have).map(|(file, have)| file.bytes.saturating_sub(*have));
    missing.fold(0_u64, u64::saturating_add)
}

/// The files themselves, once: when they are installed they are linked, not copied.
fn check_room<M: PeerMember>(member: &M, bytes: u64) -> Result<(), Status> {
    if bytes <= SNAPSHOT_BYTES_MAX && member.space().has_room_for_job(bytes) {
        return Ok(());
    }
    let free = member.space().free();
    Err(Status::resource_exhausted(format!(
        "{bytes} bytes of the snapshot were not taken: {free} bytes are free on the disk, and a \
         reserve is kept"
    )))
}

async fn chunk(parts: &mut Streaming<SnapshotPart>) -> Result<stage::Chunk, Status> {
    let part = tokio::time::timeout(SILENT_MAX, parts.message()).await.map_err(|_| {
        Status::deadline_exceeded(format!("nothing came for {} s", SILENT_MAX.as_secs()))
    })?;
    match part? {
        Some(SnapshotPart { part: Some(Part::Chunk(chunk)) }) => Ok(chunk),
        Some(_) => Err(Status::invalid_argument("a snapshot has one header")),
        // The sender hung up; Raft asks for the snapshot again.
        None => Err(Status::data_loss("the snapshot ended before its files did")),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Status {
    Status::internal(format!("{}: {error}", path.display()))
}
