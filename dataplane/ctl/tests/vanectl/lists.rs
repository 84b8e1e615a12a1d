//! What is only read.

use crate::canned::CLUSTER;
use crate::node::Node;
use crate::vanectl::run;

#[test]
fn a_healthy_cluster_exits_with_zero() {
    let node = Node::start();
    let ran = node.run(&["status"]);
    assert_eq!(
        ran.stdout,
        format!(
            "Cluster       {CLUSTER}\n\
             Version       0.1.0\n\
             Health        healthy\n\
             Nodes         3 of 3 alive\n\
             Meta leader   node 1, term 4\n\
             Collections   1\n\
             Shards        2\n\
             Answered by   node 2 at {}\n",
            node.endpoint()
        )
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

#[test]
fn an_unhealthy_cluster_exits_with_one() {
    let node = Node::start_unhealthy(3);
    let ran = node.run(&["status"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("Health        not healthy\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("2 shards (1 without a leader)\n"), "{}", ran.stdout);
    assert!(
        ran.stdout.ends_with("Problems      node 3 has been silent for 12 s\n"),
        "{}",
        ran.stdout
    );
    let json = node.run(&["status", "-o", "json"]);
    assert_eq!((json.code, &json.json()["healthy"]), (1, &false.into()));
    let quiet = node.run(&["status", "-q"]);
    assert_eq!((quiet.code, quiet.stdout.as_str()), (1, ""));
}

#[test]
fn nodes_stand_in_columns() {
    let node = Node::start();
    assert_eq!(
        node.run(&["nodes"]).stdout,
        "ID   NAME     STATUS   ZONE   META      REPLICAS   LEADERS   DISK-FREE\n\
         1    vane-0   Alive    a      voter     2          1         20Gi\n\
         2    vane-1   Alive    a      voter     2          0         20Gi\n\
         3    vane-2   Gone     -      learner   2          0         20Gi\n"
    );
    let wide = node.run(&["nodes", "-o", "wide", "--no-headers"]).stdout;
    assert!(
        wide.ends_with("40Gi   10.0.0.3:6335   10.0.0.3:6333   12s ago   never    0.1.0\n"),
        "{wide}"
    );
    assert!(!wide.contains("NAME"), "{wide}");
}

#[test]
fn json_has_numbers_and_stable_names() {
    let node = Node::start();
    let nodes = node.run(&["-o", "json", "nodes"]).json();
    assert_eq!(nodes[2]["disk_free_bytes"], 20_u64 << 30);
    assert_eq!(nodes[2]["silent_ms"], 12_000);
    let collections = node.run(&["collections", "-o", "json"]).json();
    assert_eq!(collections[0]["points"], 5_000_000_000_u64);
    assert_eq!(collections[0]["config"]["vectors"]["size"], 4);
    let whole = node.run(&["collections", "show", "docs", "-o", "json"]).json();
    assert_eq!(
        (&whole["name"], &whole["payload_indexes"]["tag"]),
        (&"docs".into(), &"keyword".into())
    );
    let gone = node.run(&["collections", "show", "gone"]);
    assert!(
        gone.code == 3 && gone.stderr.contains("collection gone does not exist"),
        "{}",
        gone.stderr
    );
    let shards = node.run(&["shards", "docs", "-o", "json"]).json();
    assert_eq!(shards.as_array().unwrap().len(), 2);
    assert_eq!(shards[0]["group"]["replicas"][1]["peer_id"], 2_u64 << 32 | 1);
    assert_eq!(shards[1]["group"]["leader_node"], serde_json::Value::Null);
    assert_eq!(shards[1]["target"][1]["node_id"], 3);
    let meta = node.run(&["meta", "-o", "json"]).json();
    assert_eq!((&meta[2]["name"], &meta[2]["lag"]), (&"vane-2".into(), &40.into()));
}

/// The names of an object's fields, in the order of the alphabet.
fn names(object: &serde_json::Value) -> String {
    object.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
}

#[test]
fn scripts_find_the_same_fields_in_every_object() {
    let node = Node::start();
    let json = |what: &str| node.run(&[what, "-o", "json"]).json();
    assert_eq!(
        names(&json("status")),
        "cluster_id collections endpoint feature_level feature_level_held feature_level_spoken \
         healthy meta node_id nodes nodes_alive problems settings shards shards_degraded \
         shards_without_leader version"
    );
    assert_eq!(
        names(&json("nodes")[0]),
        "address alive disk_free_bytes disk_id disk_total_bytes displaced follows_only id leaders \
         leaving meta_voter name replicas rest_address scrub_permille scrubbed_ms_ago silent_ms \
         version zone"
    );
    assert_eq!(
        names(&json("collections")[0]),
        "aliases config idempotency_key indexed_vectors min_recall name points replication_factor \
         shard_keys shards tenant_field unreached_nodes vectors_revision \
         write_consistency_factor"
    );
    let recall = node.run(&["recall", "docs", "-o", "json"]).json();
    assert_eq!(names(&recall[0]), "ef_percent filter high low min_recall recall searches");
    let shard = &json("shards")[0];
    assert_eq!(
        names(shard),
        "collection group moves ordinal pinned points rebalancing revision state step target \
         vector_bytes"
    );
    assert_eq!(names(&shard["group"]), "committed id joint leader_node replicas term");
    assert_eq!(
        names(&shard["group"]["replicas"][0]),
        "active applied lag node_id peer_id role snapshot"
    );
}

#[test]
fn shards_show_where_they_are_and_where_they_should_be() {
    let node = Node::start();
    assert_eq!(
        node.run(&["shards", "docs"]).stdout,
        "COLLECTION   SHARD   GROUP   STATE      LEADER   REPLICAS        POINTS   SIZE\n\
         docs         0       7       Ok         1        1,2,3:learner   10       3Mi\n\
         docs         1       8       NoLeader   none     1,2,3:learner   10       3Mi\n"
    );
    let wide = node.run(&["shards", "-o", "wide"]).stdout;
    assert!(wide.contains("1,3      node 3 receives a snapshot\n"), "{wide}");
}

#[test]
fn memory_is_shown_by_what_it_is_for() {
    let node = Node::start();
    assert_eq!(
        node.run(&["memory", "--no-headers"]).stdout,
        "1   vane-0   900Mi   200Mi   24Mi   20Mi   30Mi   125Mi   0\n\
         3   vane-2   ?       ?       ?      ?      ?      ?       ?\n"
    );
    let of_docs = "NODE   COLLECTION   TOTAL   IDS    PLACES   ROWS   INDEXES   GRAPHS\n\
                   1      docs         24Mi    12Mi   10Mi     0      2Mi       1Ki\n";
    assert_eq!(node.run(&["memory", "docs"]).stdout, of_docs);
    assert_eq!(node.run(&["memory", "--collections"]).stdout, of_docs);
    let json = node.run(&["memory", "-o", "json"]).json();
    assert_eq!(json[0]["collections"][0]["payload_indexes"], 2 << 20);
    assert_eq!(json[1]["answered"], false);
}

#[test]
fn an_empty_list_is_said_on_stderr() {
    let node = Node::start();
    let ran = node.run(&["shards", "nothing"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", "no shards\n"));
    assert_eq!(node.run(&["shards", "nothing", "-o", "json"]).stdout, "[]\n");
    assert_eq!(node.run(&["shards", "nothing", "--quiet"]).stderr, "");
}

#[test]
fn members_of_the_meta_group_show_their_lag() {
    assert_eq!(
        Node::start().run(&["meta"]).stdout,
        "NODE   NAME     ROLE      STATE    LAG\n\
         1      vane-0   leader    Active   0\n\
         2      vane-1   voter     Active   2\n\
         3      vane-2   learner   Active   40\n"
    );
}

#[test]
fn a_disk_tells_its_state() {
    let ran = Node::start().run(&["disk", "--no-headers"]);
    assert!(ran.stdout.starts_with("empty   "), "{}", ran.stdout);
}

#[test]
fn the_version_of_the_program_needs_no_node() {
    let ran = run(&["version", "--client", "-o", "json"]);
    assert_eq!((ran.code, &ran.json()["client"]), (0, &env!("CARGO_PKG_VERSION").into()));
    let both = Node::start().run(&["version"]);
    assert_eq!(both.stdout, format!("Client   {}\nNode     0.1.0\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_script_learns_by_the_exit_code_whether_nodes_may_go() {
    let node = Node::start();
    let all = node.run(&["safe"]);
    assert_eq!(all.code, 1);
    assert!(all.stdout.starts_with("WITHOUT   SAFE   PAUSES   WHY-NOT\n"), "{}", all.stdout);
    assert!(all.stdout.contains("vane-0    no     1        shard 0"), "{}", all.stdout);
    let one = node.run(&["safe", "vane-2"]);
    assert_eq!((one.code, one.stderr.as_str()), (0, ""));
    assert!(one.stdout.contains("vane-2    yes    1        -\n"), "{}", one.stdout);
    let two = node.run(&["safe", "1", "2", "-o", "json"]);
    assert_eq!(two.code, 1);
    assert_eq!(two.json()[0]["without"], serde_json::json!([1, 2]));
    assert_eq!(two.json()[0]["names"], serde_json::json!(["vane-0", "vane-1"]));
}
