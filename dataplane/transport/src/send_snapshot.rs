//! Sending a snapshot: a header that names its files, then their bytes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use vane_proto::peer::snapshot_part::Part;
use vane_proto::peer::{
    Envelope as WireEnvelope, SnapshotChunk, SnapshotFile, SnapshotHeader, SnapshotPart,
};
use vane_raft::{Envelope, node_of};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::peers::Peers;

/// Bytes of one chunk.
const CHUNK_BYTES: usize = 256 << 10;
/// Chunks between the disk and the connection.
const CHUNKS_ON_THE_WAY: usize = 8;
/// Files of one snapshot.
pub(super) const FILES_MAX: usize = 100_000;
/// Longest time that one snapshot may take.
const TIMEOUT: Duration = Duration::from_secs(3600);

/// Sends a snapshot whose files lie below `dir`; its size in bytes, or why it failed.
pub(super) async fn send(
    me: u64,
    peers: &Peers,
    announcement: Envelope,
    dir: PathBuf,
) -> Result<u64, String> {
    let to_node = node_of(announcement.to());
    let mut client = peers.client(to_node)?;
    let listed = dir.clone();
    let files =
        tokio::task::spawn_blocking(move || list(&listed)).await.map_err(|e| e.to_string())??;
    let bytes = files.iter().map(|it| it.bytes).sum();
    let envelope = WireEnvelope { group: announcement.group.0, message: announcement.encode() };
    let names: Vec<String> = files.iter().map(|it| it.name.clone()).collect();
    let header = SnapshotHeader { from_node: me, to_node, envelope: Some(envelope), files };
    let (send, receive) = mpsc::channel(CHUNKS_ON_THE_WAY);
    let reading = tokio::spawn(async move {
        let part = |part| SnapshotPart { part: Some(part) };
        // A receiver that hangs up ends the call, whose error says why.
        if send.send(part(Part::Header(header))).await.is_err() {
            return Ok(());
        }
        for name in names {
            let mut file =
                tokio::fs::File::open(dir.join(&name)).await.map_err(|e| format!("{name}: {e}"))?;
            loop {
                let mut data = Vec::with_capacity(CHUNK_BYTES);
                let read = (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut data).await;
                if read.map_err(|e| format!("{name}: {e}"))? == 0 {
                    break;
                }
                let checksum = xxh3_64(&data);
                if send.send(part(Part::Chunk(SnapshotChunk { data, checksum }))).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok::<(), String>(())
    });
    let sent = tokio::time::timeout(TIMEOUT, client.snapshot(ReceiverStream::new(receive))).await;
    reading.await.map_err(|e| e.to_string())??;
    match sent {
        Ok(Ok(_done)) => Ok(bytes),
        Ok(Err(status)) => Err(status.message().to_owned()),
        Err(_) => Err(format!("it took more than {} s", TIMEOUT.as_secs())),
    }
}

/// All files below a directory, by name.
fn list(dir: &Path) -> Result<Vec<SnapshotFile>, String> {
    let failed = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    let (mut files, mut dirs) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(inner) = dirs.pop() {
        for entry in std::fs::read_dir(&inner).map_err(|e| failed(&inner, e))? {
            let path = entry.map_err(|e| failed(&inner, e))?.path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let name = path.strip_prefix(dir).map_err(|e| e.to_string())?;
            let name = name
                .to_str()
                .ok_or_else(|| format!("{} is no UTF-8 name", path.display()))?
                .to_owned();
            let (bytes, checksum) = checksum(&path).map_err(|e| failed(&path, e))?;
            files.push(SnapshotFile { name, bytes, checksum });
            if files.len() > FILES_MAX {
                return Err(format!("it has more than {FILES_MAX} files"));
            }
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn checksum(path: &Path) -> std::io::Result<(u64, u64)> {
    use std::io::Read;
    let mut file = std::fs::File::open(path)?;
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
