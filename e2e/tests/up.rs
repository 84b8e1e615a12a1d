//! A file becomes a cluster that outlives the command.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Mutex;
use vane_testbed::{Rest, program, wait_until};

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

/// Both tests bring up what takes the first addresses.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Ends the nodes however the test ends.
struct Down(PathBuf);

impl Drop for Down {
    fn drop(&mut self) {
        let base = self.0.clone();
        let ended = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(vane_up::down(&base, None)).map(drop)
        });
        drop(ended.join());
    }
}

/// What the second node says of a collection; `None` where it is not there.
fn body(collection: &str) -> Option<String> {
    let rest = Rest::new("http://127.0.0.12:6333");
    let body = rest.send("GET", &format!("/collections/{collection}"), &Value::Null).ok()?;
    Some(body.to_string())
}

fn vane_up(base: &Path, arguments: &[&str]) -> Output {
    // It lies beside the node binary, where `vane up` looks for it too.
    let mut command = Command::new(program::vane().unwrap().with_file_name("vane-up"));
    command.arg("--dir").arg(base).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat())
        .into_owned()
}

fn nodes(base: &Path) -> Vec<Value> {
    let output = vane_up(base, &["status", "-o", "json"]);
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A script's view: what is killed by the id that it reads is down, and up again afterwards.
#[test]
fn a_script_knows_processes_and_addresses() {
    let _alone = ALONE.blocking_lock();
    let binary = program::vane().unwrap().into_os_string().into_string().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (base, file) = (dir.path().join("clusters"), dir.path().join("demo.yaml"));
    std::fs::write(&file, FILE).unwrap();
    assert!(nodes(&base).is_empty(), "no cluster is an empty list");
    assert!(said(&vane_up(&base, &["status"])).contains("vane up -f FILE"));
    assert!(said(&vane_up(&base, &["down"])).contains("there is no cluster in"));

    let down = Down(base.clone());
    let up = |base: &Path| vane_up(base, &["up", "-f", file.to_str().unwrap(), "--vane", &binary]);
    let started = up(&base);
    assert!(started.status.success(), "{}", said(&started));
    let before = nodes(&base);
    for (ordinal, node) in before.iter().enumerate() {
        assert_eq!(
            (&node["cluster"], &node["name"]),
            (&"demo".into(), &format!("demo-{ordinal}").into())
        );
        assert_eq!((&node["ordinal"], &node["ready"]), (&ordinal.into(), &true.into()));
        assert_eq!(node["url"], format!("http://127.0.0.{}:6333", ordinal + 11));
        assert_eq!(node["admin"], format!("127.0.0.{}:6335", ordinal + 11));
        for file in ["token_file", "log"] {
            assert!(Path::new(node[file].as_str().unwrap()).exists(), "{node}");
        }
    }
    assert_eq!(before.len(), 3);
    let table = said(&vane_up(&base, &["status"]));
    assert!(
        table.contains(&format!(
            "demo-1  http://127.0.0.12:6333  ready (process {})",
            before[1]["pid"]
        )),
        "{table}"
    );

    // Another folder's cluster is told whose addresses it wants.
    let elsewhere = dir.path().join("elsewhere");
    std::fs::create_dir_all(elsewhere.join("demo")).unwrap();
    let state = std::fs::read_to_string(base.join("demo/cluster.json")).unwrap();
    let mut state: Value = serde_json::from_str(&state).unwrap();
    state["processes"] = serde_json::json!({});
    std::fs::write(elsewhere.join("demo/cluster.json"), state.to_string()).unwrap();
    let refused = up(&elsewhere);
    let words = format!("`vane down --dir {} --name demo`", base.display());
    assert!(!refused.status.success() && said(&refused).contains(&words), "{}", said(&refused));

    kill(&before[1]["pid"]);
    let hurt = nodes(&base);
    assert_eq!((&hurt[1]["pid"], &hurt[1]["ready"]), (&Value::Null, &false.into()));
    assert!(up(&base).status.success());
    let after = nodes(&base);
    assert_eq!((&after[0], &after[2]), (&before[0], &before[2]), "what ran goes on");
    assert!(after[1]["ready"] == true && after[1]["pid"] != before[1]["pid"]);

    assert!(said(&vane_up(&base, &["logs", "demo-2"])).contains("\"message\":\"ready\""));
    assert!(said(&vane_up(&base, &["logs", "demo-9"])).contains("only demo-0, demo-1, demo-2"));
    assert!(said(&vane_up(&base, &["down"])).contains("remove that folder"));
    assert!(nodes(&base).iter().all(|node| node["pid"].is_null()));
    drop(down);
}

/// kill -9, and the time that the system takes for it.
fn kill(id: &Value) {
    let killed = Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap();
    assert!(killed.success());
    let stat = format!("/proc/{id}/stat");
    let gone = || {
        let runs = std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        (!runs).then_some(())
    };
    wait_until("a killed node to be gone", Duration::from_secs(10), gone).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_a_cluster_until_down_and_its_data_stays() {
    let _alone = ALONE.lock().await;
    let binary = program::vane().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (base, file) = (dir.path().join("clusters"), dir.path().join("demo.yaml"));
    std::fs::write(&file, FILE).unwrap();
    let down = Down(base.clone());
    let run = async |what: &str, file: &Path| {
        let begin = Instant::now();
        let done = vane_up::up(file, &base, &binary, |line| eprintln!("{line}")).await;
        eprintln!("{what}: {:?}", begin.elapsed());
        done
    };

    run("new", &file).await.unwrap();
    assert!(body("docs").unwrap().contains("\"size\":4"));
    assert!(body("latest").unwrap().contains("\"lang\""), "it has its index, under its alias");
    let before = vane_up::status(&base, None).await.unwrap();
    assert!(
        before.len() == 3 && before.iter().all(|node| node.ready && node.pid.is_some()),
        "{before:?}"
    );

    // Again, it changes nothing.
    run("repeated", &file).await.unwrap();
    assert_eq!(vane_up::status(&base, None).await.unwrap(), before);

    // What a running cluster cannot have is refused.
    let other = dir.path().join("other.yaml");
    std::fs::write(&other, FILE.replace("'64'", "'65'")).unwrap();
    let refused = run("changed settings", &other).await.unwrap_err().to_string();
    assert!(refused.contains("set the file back"), "{refused}");

    // Down, and up with what it had; more nodes join.
    vane_up::down(&base, Some("demo")).await.unwrap();
    assert!(body("docs").is_none());
    assert!(
        vane_up::status(&base, None)
            .await
            .unwrap()
            .iter()
            .all(|node| node.pid.is_none() && !node.ready)
    );
    std::fs::write(&file, FILE.replace("nodes: 3", "nodes: 4")).unwrap();
    run("back, with one more", &file).await.unwrap();
    assert!(body("docs").is_some());
    assert_eq!(vane_up::status(&base, None).await.unwrap().len(), 4);

    std::fs::write(&file, FILE).unwrap();
    let refused = run("one fewer", &file).await.unwrap_err().to_string();
    assert!(refused.contains("nodes of a local cluster cannot be taken away"), "{refused}");
    std::fs::write(&file, FILE.replace("nodes: 3", "nodes: 4")).unwrap();

    // All disks lost: never a second database.
    vane_up::down(&base, None).await.unwrap();
    for ordinal in 0..4 {
        std::fs::remove_dir_all(base.join(format!("demo/data-demo-{ordinal}"))).unwrap();
    }
    let refused = run("all disks lost", &file).await.unwrap_err().to_string();
    assert!(refused.contains("its data is gone"), "{refused}");

    let mut log = Vec::new();
    vane_up::logs(&base, None, Some("demo-3"), &mut log).unwrap();
    assert!(!log.is_empty());
    drop(down);
}
