//! A file becomes a cluster that outlives the command; needs the node in `VANE_BIN`.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use vane_runner::up;

const FILE: &str = "
apiVersion: vanedb.io/v1alpha1
kind: VectorCluster
metadata: {name: demo}
spec: {nodes: 3, version: 0.1.0, storage: {size: 1Gi}, settings: {STORAGE__MIN_FREE_MB: '64'}}
---
apiVersion: vanedb.io/v1alpha1
kind: Collection
metadata: {name: docs}
spec: {clusterRef: {name: demo}, shards: 2, replicationFactor: 3, vectors: [{size: 4, distance: Cosine}],
       payloadIndexes: [{field: lang, type: Keyword}], aliases: [latest]}
";

/// Ends the nodes however the test ends.
struct Down(PathBuf);

impl Drop for Down {
    fn drop(&mut self) {
        let base = self.0.clone();
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(up::down(&base, None)).map(drop)
        });
        drop(ended.join());
    }
}

fn body(collection: &str) -> Option<String> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect("127.0.0.12:6333").ok()?;
    write!(stream, "GET /collections/{collection} HTTP/1.0\r\nHost: demo\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.contains(" 200 ").then_some(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_a_cluster_until_down_and_its_data_stays() {
    let Some(binary) = std::env::var_os("VANE_BIN").map(PathBuf::from) else {
        eprintln!("VANE_BIN names no node binary: nothing is tested");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (base, file) = (dir.path().join("clusters"), dir.path().join("demo.yaml"));
    std::fs::write(&file, FILE).unwrap();
    let down = Down(base.clone());
    let run = async |what: &str, file: &Path| {
        let begin = Instant::now();
        let done = up::up(file, &base, &binary, |line| eprintln!("{line}")).await;
        eprintln!("{what}: {:?}", begin.elapsed());
        done
    };

    run("new", &file).await.unwrap();
    assert!(body("docs").unwrap().contains("\"size\":4"));
    assert!(body("latest").unwrap().contains("\"lang\""), "it has its index, under its alias");
    let before = up::status(&base, None).await.unwrap();
    assert!(before.len() == 3 && before.iter().all(|it| it.ready && it.pid.is_some()), "{before:?}");

    // Again, it changes nothing.
    run("repeated", &file).await.unwrap();
    assert_eq!(up::status(&base, None).await.unwrap(), before);

    // What a running cluster cannot have is refused.
    let other = dir.path().join("other.yaml");
    std::fs::write(&other, FILE.replace("'64'", "'65'")).unwrap();
    let refused = run("changed settings", &other).await.unwrap_err().to_string();
    assert!(refused.contains("set the spec back"), "{refused}");

    // Down, and up with what it had; more nodes join.
    up::down(&base, Some("demo")).await.unwrap();
    assert!(body("docs").is_none());
    assert!(up::status(&base, None).await.unwrap().iter().all(|it| it.pid.is_none() && !it.ready));
    std::fs::write(&file, FILE.replace("nodes: 3", "nodes: 4")).unwrap();
    run("back, with one more", &file).await.unwrap();
    assert!(body("docs").is_some());
    assert_eq!(up::status(&base, None).await.unwrap().len(), 4);

    // All disks lost: never a second database.
    up::down(&base, None).await.unwrap();
    for ordinal in 0..4 {
        std::fs::remove_dir_all(base.join(format!("demo/data-demo-{ordinal}"))).unwrap();
    }
    let refused = run("all disks lost", &file).await.unwrap_err().to_string();
    assert!(refused.contains("its data is gone"), "{refused}");

    let mut log = Vec::new();
    up::logs(&base, None, Some("demo-3"), &mut log).unwrap();
    assert!(!log.is_empty());
    drop(down);
}
