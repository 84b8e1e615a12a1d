//! Sending a snapshot: a header that names its files, then their bytes.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use thiserror::Error;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use vane_proto::peer::snapshot_part::Part;
use vane_proto::peer::{SnapshotChunk, SnapshotFile, SnapshotHeader, SnapshotPart};
use vane_raft::Envelope;
use vane_types::NodeId;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::peers::{ConnectError, Peers};
use crate::wire::Wire;

/// Bytes of one chunk.
const CHUNK_BYTES: usize = 256 << 10;
/// Chunks between the disk and the connection.
const CHUNKS_ON_THE_WAY: usize = 8;
/// Files of one snapshot.
pub(crate) const FILES_MAX: usize = 100_000;
/// Longest time that one snapshot may take.
const TIMEOUT: Duration = Duration::from_secs(3600);

/// Why a snapshot was not sent.
#[derive(Debug, Error)]
pub(crate) enum SendError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} is no UTF-8 name", .0.display())]
    Name(PathBuf),
    #[error("it has more than {FILES_MAX} files")]
    TooManyFiles,
    /// The receiver's words.
    #[error("{0}")]
    Refused(String),
    #[error("it took more than {} s", TIMEOUT.as_secs())]
    TooLong,
    #[error("the node is shutting down")]
    Stopping,
}

impl SendError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), source }
    }
}

/// Sends a snapshot whose files lie below `dir`; its size in bytes, or why it failed.
pub(crate) async fn send(
    me: NodeId,
    peers: &Peers,
    announcement: Envelope,
    dir: PathBuf,
) -> Result<u64, SendError> {
    let to = announcement.to().node();
    // Before the files are read: without an address there is nobody to send them to.
    let mut client = peers.client(to)?;
    let listed = dir.clone();
    // Every file is read for its checksum: not on a thread of the runtime.
    let files = tokio::task::spawn_blocking(move || list(&listed))
        .await
        .map_err(|_| SendError::Stopping)??;
    let bytes = files.iter().map(|file| file.bytes).sum();
    let envelope = Some(announcement.into_message());
    let header = SnapshotHeader { from_node: me.0, to_node: to.0, envelope, files };
    let (send, receive) = mpsc::channel(CHUNKS_ON_THE_WAY);
    // Beside the call: the channel bounds what is in memory.
    let reading = tokio::spawn(send_parts(header, dir, send));
    let sent = tokio::time::timeout(TIMEOUT, client.snapshot(ReceiverStream::new(receive))).await;
    // Before the answer: a file that could not be read is why the call failed.
    reading.await.map_err(|_| SendError::Stopping)??;
    match sent {
        Ok(Ok(_done)) => Ok(bytes),
        Ok(Err(status)) => Err(SendError::Refused(status.message().to_owned())),
        Err(_) => Err(SendError::TooLong),
    }
}

/// The header, then the files in its order. Ends early when the receiver hangs up: the call
/// says why.
async fn send_parts(
    header: SnapshotHeader,
    dir: PathBuf,
    parts: mpsc::Sender<SnapshotPart>,
) -> Result<(), SendError> {
    let paths: Vec<PathBuf> = header.files.iter().map(|file| dir.join(&file.name)).collect();
    if parts.send(SnapshotPart { part: Some(Part::Header(header)) }).await.is_err() {
        return Ok(());
    }
    for path in paths {
        let mut file = tokio::fs::File::open(&path).await.map_err(SendError::file(&path))?;
        loop {
            let mut data = Vec::with_capacity(CHUNK_BYTES);
            // Whole chunks: a single read may bring less.
            let read = (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut data).await;
            if read.map_err(SendError::file(&path))? == 0 {
                break;
            }
            // Beside that of the file: damage is told before all of it has travelled.
            let checksum = xxh3_64(&data);
            let chunk = Part::Chunk(SnapshotChunk { data, checksum });
            if parts.send(SnapshotPart { part: Some(chunk) }).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// All files below a directory, by name.
fn list(dir: &Path) -> Result<Vec<SnapshotFile>, SendError> {
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
            files.push(SnapshotFile { name, bytes, checksum });
            if files.len() > FILES_MAX {
                return Err(SendError::TooManyFiles);
            }
        }
    }
    // In one order: the receiver takes chunks in that of the header.
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Bytes and checksum of a file.
fn checksum(path: &Path) -> io::Result<(u64, u64)> {
    use std::io::Read;
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
