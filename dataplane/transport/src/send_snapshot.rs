//! Sending a snapshot: what its files are is offered, the receiver says what of them it has,
//! and the rest is sent. Whatever breaks off goes on there at the next attempt.

mod listing;
mod throttle;
mod transfers;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use vane_proto::peer::snapshot_part::Part;
use vane_proto::peer::{SnapshotChunk, SnapshotFile, SnapshotHeader, SnapshotPart};
use vane_raft::Transfer;
use vane_types::NodeId;
use xxhash_rust::xxh3::xxh3_64;

use crate::peers::{Client, ConnectError, Peers};
use crate::wire::Wire;
use listing::Listings;
pub(crate) use listing::checksum;
use transfers::Running;
pub use transfers::{TransferPhase, TransferReport, Transfers};

/// Bytes of one chunk.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;
/// Chunks between the disk and the connection.
const CHUNKS_ON_THE_WAY: usize = 8;
/// Files of one snapshot.
pub(crate) const FILES_MAX: usize = 100_000;
/// Time in which the receiver says what it has; it may have to read files for that.
const OFFER_TIMEOUT: Duration = Duration::from_secs(120);
/// Time without any progress after which a transfer is given up. How long one takes in all
/// depends on the shard, and has no bound.
const STALLED_AFTER: Duration = Duration::from_secs(120);
/// Snapshots that this node sends at a time.
const SNAPSHOTS_AT_ONCE: usize = 2;

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
    #[error("the receiver says that it has parts of other files")]
    NotTheSame,
    #[error("nothing went on for {} s", STALLED_AFTER.as_secs())]
    Stalled,
    #[error("the node is shutting down")]
    Stopping,
}

impl SendError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), source }
    }

    fn refused(status: &Status) -> Self {
        Self::Refused(status.message().to_owned())
    }
}

/// What all snapshots that a node sends have in common.
pub(crate) struct Sending {
    me: NodeId,
    peers: Arc<Peers>,
    at_once: Semaphore,
    listings: Listings,
    transfers: Arc<Transfers>,
}

impl Sending {
    pub(crate) fn new(me: NodeId, peers: Arc<Peers>, transfers: Arc<Transfers>) -> Self {
        Self {
            me,
            peers,
            at_once: Semaphore::new(SNAPSHOTS_AT_ONCE),
            listings: Listings::default(),
            transfers,
        }
    }

    /// Sends a snapshot; the bytes that travelled, or why it failed.
    pub(crate) async fn send(&self, transfer: Transfer) -> Result<u64, SendError> {
        let (group, to) = (transfer.announcement.group, transfer.announcement.to());
        // From here on it is seen, also while it waits for others.
        let running = self.transfers.begin(group, to);
        let _permit = self.at_once.acquire().await.map_err(|_| SendError::Stopping)?;
        // Before the files are read: without an address there is nobody to send them to.
        let mut client = self.peers.snapshot_client(to.node())?;
        let Transfer { announcement, files } = transfer;
        let listed = self.listings.of(&files).await?;
        let mut header = SnapshotHeader {
            from_node: self.me.0,
            to_node: to.node().0,
            envelope: Some(announcement.into_message()),
            files: listed.to_vec(),
        };
        offer(&mut client, &mut header).await?;
        running.copying(
            header.files.iter().map(|file| file.bytes).sum(),
            header.files.iter().map(|file| file.offset).sum(),
        );
        let (send, receive) = mpsc::channel(CHUNKS_ON_THE_WAY);
        let transfers = Arc::clone(&self.transfers);
        let dir = files.path().to_owned();
        // Beside the call: the channel bounds what is in memory.
        let reading = tokio::spawn(send_parts(header, dir, send, transfers, Arc::clone(&running)));
        let sent = tokio::select! {
            sent = client.snapshot(ReceiverStream::new(receive)) => sent,
            () = running.stalled(STALLED_AFTER) => return Err(SendError::Stalled),
        };
        // Before the answer: a file that could not be read is why the call failed.
        reading.await.map_err(|_| SendError::Stopping)??;
        sent.map_err(|status| SendError::refused(&status))?;
        // Until here: the receiver reads what is sent last from these.
        drop(files);
        Ok(running.travelled())
    }
}

/// Asks what the receiver has of each file. One that does not want the snapshot says so before
/// a byte of it has travelled.
async fn offer(client: &mut Client, header: &mut SnapshotHeader) -> Result<(), SendError> {
    let offered = tokio::time::timeout(OFFER_TIMEOUT, client.offer_snapshot(header.clone())).await;
    let offered = offered.map_err(|_| SendError::Stalled)?;
    let have = offered.map_err(|status| SendError::refused(&status))?.into_inner().have;
    let fits = have.len() == header.files.len()
        && have.iter().zip(&header.files).all(|(have, file)| *have <= file.bytes);
    if !fits {
        return Err(SendError::NotTheSame);
    }
    header.files.iter_mut().zip(have).for_each(|(file, have)| file.offset = have);
    Ok(())
}

/// The header, then what is missing of the files, in its order. Ends early when the receiver
/// hangs up: the call says why.
async fn send_parts(
    header: SnapshotHeader,
    dir: PathBuf,
    parts: mpsc::Sender<SnapshotPart>,
    transfers: Arc<Transfers>,
    running: Arc<Running>,
) -> Result<(), SendError> {
    let files = header.files.clone();
    if parts.send(SnapshotPart { part: Some(Part::Header(header)) }).await.is_err() {
        return Ok(());
    }
    for SnapshotFile { name, bytes, offset, .. } in files {
        if offset == bytes {
            continue;
        }
        let path = dir.join(&name);
        let mut file = tokio::fs::File::open(&path).await.map_err(SendError::file(&path))?;
        file.seek(io::SeekFrom::Start(offset)).await.map_err(SendError::file(&path))?;
        loop {
            let mut data = Vec::with_capacity(CHUNK_BYTES);
            // Whole chunks: a single read may bring less.
            let read = (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut data).await;
            let read = read.map_err(SendError::file(&path))?;
            if read == 0 {
                break;
            }
            transfers.throttle.take(read as u64).await;
            // Beside that of the file: damage is told before all of it has travelled.
            let checksum = xxh3_64(&data);
            let chunk = Part::Chunk(SnapshotChunk { data, checksum });
            if parts.send(SnapshotPart { part: Some(chunk) }).await.is_err() {
                return Ok(());
            }
            running.sent(read as u64);
        }
    }
    running.verifying();
    Ok(())
}
