//! Snapshots on their way: whole or not at all, on from where they broke off, and refused
//! before anything travels.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tonic::{Code, Status};
use vane_proto::peer;
use vane_proto::peer::snapshot_part::Part;
use vane_raft::{SnapshotFiles, Transfer};
use vane_types::NodeId;
use xxhash_rust::xxh3::xxh3_64;

use super::fake::{CLUSTER, FAKE, Fake, SECRET, peers_of};
use super::listener::{envelope, wire_envelope};
use crate::Peers;
use crate::send_snapshot::{CHUNK_BYTES, SendError, Sending, Transfers};

const LARGE: usize = CHUNK_BYTES * 4 + 7;

#[derive(Debug)]
struct Dir(PathBuf);

impl SnapshotFiles for Dir {
    fn path(&self) -> &Path {
        &self.0
    }
}

/// A receiver, a sender that knows it, and a snapshot of three files.
struct Setup {
    fake: Fake,
    peers: Arc<Peers>,
    sending: Sending,
    transfers: Arc<Transfers>,
    dir: tempfile::TempDir,
}

impl Setup {
    async fn new() -> Self {
        let fake = Fake::new(true);
        let peers = Arc::new(peers_of(SECRET, Some(CLUSTER), fake.listen().await));
        let transfers = Arc::<Transfers>::default();
        let sending = Sending::new(NodeId(1), Arc::clone(&peers), Arc::clone(&transfers));
        let dir = tempfile::TempDir::new().unwrap();
        fs::create_dir(dir.path().join("inner")).unwrap();
        fs::write(dir.path().join("a"), [1; 1000]).unwrap();
        fs::write(dir.path().join("empty"), b"").unwrap();
        fs::write(dir.path().join("inner/large"), large()).unwrap();
        Self { fake, peers, sending, transfers, dir }
    }

    async fn send(&self) -> Result<u64, SendError> {
        let files = Arc::new(Dir(self.dir.path().to_owned()));
        self.sending.send(Transfer { announcement: envelope(), files }).await
    }

    fn header(&self, files: Vec<peer::SnapshotFile>) -> peer::SnapshotHeader {
        let envelope = Some(wire_envelope());
        peer::SnapshotHeader { from_node: 1, to_node: FAKE.0, envelope, files }
    }

    async fn stream(&self, parts: Vec<Part>) -> Status {
        let parts = parts.into_iter().map(|part| peer::SnapshotPart { part: Some(part) });
        let parts: Vec<_> = parts.collect();
        let mut client = self.peers.snapshot_client(FAKE).unwrap();
        client.snapshot(tokio_stream::iter(parts)).await.unwrap_err()
    }

    /// Names in the receiver's directory.
    fn there(&self) -> Vec<String> {
        let entries = fs::read_dir(self.fake.root()).unwrap();
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn assert_arrived(&self) {
        let incoming = self.fake.incoming();
        assert_eq!(fs::read(incoming.join("inner/large")).unwrap(), large());
        assert_eq!(fs::read(incoming.join("a")).unwrap(), [1; 1000]);
        assert_eq!(fs::read(incoming.join("empty")).unwrap(), b"");
        assert_eq!(*self.fake.shared.stepped.lock(), [envelope()]);
        assert_eq!(self.there(), ["incoming"], "nothing stays staged");
        assert!(self.transfers.report().is_empty());
    }
}

fn large() -> Vec<u8> {
    (0..LARGE).map(|at| (at / 7) as u8).collect()
}

fn file(name: &str, data: &[u8]) -> peer::SnapshotFile {
    let (bytes, checksum) = (data.len() as u64, xxh3_64(data));
    peer::SnapshotFile { name: name.into(), bytes, checksum, offset: 0 }
}

fn chunk(data: &[u8]) -> Part {
    Part::Chunk(peer::SnapshotChunk { data: data.to_vec(), checksum: xxh3_64(data) })
}

/// The files of [`Setup`], in the order in which they travel.
fn all_files() -> Vec<peer::SnapshotFile> {
    vec![file("a", &[1; 1000]), file("empty", b""), file("inner/large", &large())]
}

#[tokio::test]
async fn a_snapshot_arrives_whole_before_raft_hears_of_it() {
    let setup = Setup::new().await;
    assert_eq!(setup.send().await.unwrap(), LARGE as u64 + 1000);
    setup.assert_arrived();
}

#[tokio::test]
async fn what_broke_off_goes_on_where_it_was() {
    let setup = Setup::new().await;
    let large = large();
    let mut parts = vec![Part::Header(setup.header(all_files())), chunk(&[1; 1000])];
    parts.extend(large.chunks(CHUNK_BYTES).take(3).map(chunk));
    assert_eq!(setup.stream(parts).await.code(), Code::DataLoss);
    assert!(setup.fake.shared.stepped.lock().is_empty());
    assert_eq!(setup.there().len(), 1, "it is kept for the next attempt");
    assert_eq!(setup.send().await.unwrap(), (LARGE - 3 * CHUNK_BYTES) as u64);
    setup.assert_arrived();
}

#[tokio::test]
async fn the_next_snapshot_goes_on_with_the_files_that_are_the_same() {
    let setup = Setup::new().await;
    let large = large();
    // Another one, of which only the large file is as in that which follows.
    let files = vec![file("a", &[2; 500]), file("b", &[3; 500]), file("inner/large", &large)];
    let mut parts = vec![Part::Header(setup.header(files)), chunk(&[2; 500]), chunk(&[3; 500])];
    parts.extend(large.chunks(CHUNK_BYTES).take(2).map(chunk));
    setup.stream(parts).await;
    assert_eq!(setup.send().await.unwrap(), (LARGE - 2 * CHUNK_BYTES + 1000) as u64);
    setup.assert_arrived();
    assert!(!setup.fake.incoming().join("b").exists(), "of the one before");
}

#[tokio::test]
async fn what_was_damaged_while_it_waited_is_found_and_sent_again() {
    let setup = Setup::new().await;
    let large = large();
    let mut parts = vec![Part::Header(setup.header(all_files())), chunk(&[1; 1000])];
    parts.extend(large.chunks(CHUNK_BYTES).take(2).map(chunk));
    setup.stream(parts).await;
    let staged = setup.fake.root().join(setup.there().pop().unwrap()).join("inner/large");
    fs::write(&staged, vec![9; 2 * CHUNK_BYTES]).unwrap();
    let error = setup.send().await.unwrap_err().to_string();
    assert!(error.contains("inner/large was damaged on the way"), "{error}");
    assert_eq!(setup.send().await.unwrap(), LARGE as u64);
    setup.assert_arrived();
}

#[tokio::test]
async fn a_snapshot_that_is_not_what_it_says_is_refused() {
    let setup = Setup::new().await;
    let huge = peer::SnapshotFile { bytes: u64::MAX, ..file("huge", b"") };
    let snapshots = [
        (file("../escape", b"x"), Code::InvalidArgument),
        (file("", b"x"), Code::InvalidArgument),
        (huge, Code::ResourceExhausted),
    ];
    for (file, expected) in snapshots {
        let header = setup.header(vec![file.clone(), file]);
        let mut client = setup.peers.snapshot_client(FAKE).unwrap();
        let status = client.offer_snapshot(header.clone()).await.unwrap_err();
        assert_eq!(status.code(), expected, "nothing has travelled: {status}");
        let status = setup.stream(vec![Part::Header(header), chunk(b"x")]).await;
        assert_eq!(status.code(), expected, "{status}");
    }
    let damaged = Part::Chunk(peer::SnapshotChunk { data: vec![1], checksum: 0 });
    let header = setup.header(vec![file("damaged", &[1])]);
    let status = setup.stream(vec![Part::Header(header), damaged]).await;
    assert_eq!(status.code(), Code::DataLoss, "{status}");
    // Bytes that are said to be there and are not.
    let gone = peer::SnapshotFile { offset: 4, ..file("gone", &[1; 8]) };
    let status = setup.stream(vec![Part::Header(setup.header(vec![gone]))]).await;
    assert_eq!(status.code(), Code::Aborted, "{status}");
    assert!(setup.fake.shared.stepped.lock().is_empty());
    assert!(setup.there().is_empty(), "nothing stays staged");
}

#[tokio::test]
async fn of_one_replica_one_snapshot_is_taken_at_a_time() {
    let setup = Setup::new().await;
    let (parts, receive) = tokio::sync::mpsc::channel(4);
    let header = Part::Header(setup.header(all_files()));
    parts.send(peer::SnapshotPart { part: Some(header) }).await.unwrap();
    let chunk = peer::SnapshotPart { part: Some(chunk(&[1; 1000])) };
    parts.send(chunk).await.unwrap();
    let mut client = setup.peers.snapshot_client(FAKE).unwrap();
    let receive = tokio_stream::wrappers::ReceiverStream::new(receive);
    let first = tokio::spawn(async move { client.snapshot(receive).await });
    while setup.there().is_empty() {
        tokio::task::yield_now().await;
    }
    let error = setup.send().await.unwrap_err().to_string();
    assert!(error.contains("on its way already"), "{error}");
    drop(parts);
    first.await.unwrap().unwrap_err();
    setup.send().await.unwrap();
    setup.assert_arrived();
}

#[tokio::test]
async fn what_the_receiver_has_itself_need_not_travel() {
    let setup = Setup::new().await;
    let own = setup.fake.shared.own.path();
    fs::create_dir(own.join("inner")).unwrap();
    // Of the same size, and another.
    fs::write(own.join("inner/large"), vec![9; LARGE]).unwrap();
    let all = LARGE as u64 + 1000;
    assert_eq!(setup.send().await.unwrap(), all);
    setup.assert_arrived();
    assert_eq!(fs::read(own.join("inner/large")).unwrap(), vec![9; LARGE], "it is not touched");
    fs::write(own.join("inner/large"), large()).unwrap();
    fs::remove_dir_all(setup.fake.incoming()).unwrap();
    setup.fake.shared.stepped.lock().clear();
    assert_eq!(setup.send().await.unwrap(), 1000);
    setup.assert_arrived();
}
