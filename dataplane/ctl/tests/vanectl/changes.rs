//! What changes the cluster: what is sent, and what is said about it.

use crate::canned::CLUSTER;
use crate::node::Node;

#[test]
fn a_cluster_is_founded_on_one_node() {
    let node = Node::start();
    let ran = node.run(&["bootstrap", "--cluster-id", CLUSTER]);
    assert_eq!(ran.stdout, format!("cluster/{CLUSTER} founded: this is its node 1\n"));
    assert_eq!(node.calls(), [format!("bootstrap {CLUSTER}")]);
    let endpoints = format!("{},127.0.0.1:1", node.endpoint());
    let two = crate::vanectl::run(&["--endpoint", &endpoints, "bootstrap"]);
    assert_eq!(two.code, 2);
    assert_eq!(node.calls().len(), 1);
}

#[test]
fn nodes_are_named_by_number_or_name() {
    let node = Node::start();
    assert_eq!(node.run(&["nodes", "zone", "vane-2", "b"]).stdout, "node/3 zone set to b\n");
    assert_eq!(node.run(&["nodes", "zone", "3", ""]).stdout, "node/3 has no zone now\n");
    assert_eq!(node.run(&["nodes", "zone", "3", "b", "--quiet"]).stdout, "");
    assert_eq!(node.calls(), ["zone 3 b", "zone 3 ", "zone 3 b"]);
    let unknown = node.run(&["nodes", "zone", "vane-9", "b"]);
    assert_eq!(unknown.code, 3);
    assert!(unknown.stderr.contains("vane-0, vane-1, vane-2"), "{}", unknown.stderr);
}

#[test]
fn a_node_leaves_and_is_removed_with_its_disk() {
    let node = Node::start();
    let left = node.run(&["nodes", "leave", "vane-1"]);
    assert!(left.stdout.starts_with("node/2 is to go"), "{}", left.stdout);
    assert_eq!(node.run(&["nodes", "leave", "2", "--undo"]).stdout, "node/2 stays\n");
    let asked = node.run(&["nodes", "remove", "vane-2"]);
    assert_eq!(asked.code, 2, "nobody is at a terminal");
    assert!(asked.stderr.contains("its address is another node's"), "{}", asked.stderr);
    assert_eq!(node.run(&["nodes", "remove", "vane-2", "--yes"]).stdout, "node/3 removed\n");
    let disk = "00000000-0000-0000-0000-000000000003";
    let removed = node.run(&["nodes", "remove", "3", "--yes", "-o", "json"]).json();
    assert_eq!((&removed["node_id"], &removed["disk_id"]), (&3.into(), &disk.into()));
    let remove = format!("remove 3 {disk}");
    assert_eq!(node.calls(), ["leaving 2 true", "leaving 2 false", &remove, &remove]);
}

#[test]
fn a_node_follows_for_a_while() {
    let node = Node::start();
    let said = node.run(&["nodes", "follow", "vane-1"]);
    assert!(said.stdout.starts_with("node/2 only follows"), "{}", said.stdout);
    assert_eq!(node.run(&["nodes", "follow", "2", "--undo"]).stdout, "node/2 may lead\n");
    node.run(&["nodes", "follow", "2", "--seconds", "30"]);
    assert_eq!(node.calls(), ["follows 2 600", "follows 2 0", "follows 2 30"]);
}

#[test]
fn the_feature_level_is_shown_held_and_raised() {
    let node = Node::start();
    let shown = node.run(&["level", "-o", "json"]).json();
    assert_eq!(shown, serde_json::json!({"level": 10, "spoken": 11, "held": true}));
    assert!(node.run(&["level"]).stdout.contains("when somebody says so"));
    assert_eq!(node.run(&["level", "raise"]).stdout, "the cluster is at feature level 11\n");
    node.run(&["level", "hold"]);
    assert!(node.run(&["level", "release"]).stdout.contains("by itself"));
    assert_eq!(node.calls(), ["raise", "hold true", "hold false"]);
}

#[test]
fn settings_are_shown_given_and_taken_back() {
    let node = Node::start();
    let shown = node.run(&["settings", "-o", "json"]).json();
    assert_eq!(shown, serde_json::json!([{"name": "LOG__LEVEL", "value": "warn"}]));
    node.run(&["settings", "set", "REQUEST_TIMEOUT_S=5", "LOG__LEVEL=a=b"]);
    node.run(&["settings", "unset", "LOG__LEVEL"]);
    assert_eq!(node.run(&["settings", "set", "LOG__LEVEL"]).code, 2);
    assert_eq!(
        node.calls(),
        [r#"settings {"LOG__LEVEL": "a=b", "REQUEST_TIMEOUT_S": "5"}"#, "settings {}"]
    );
}

#[test]
fn a_replacement_that_cannot_be_is_refused_before_anything_is_asked_for() {
    let node = Node::start();
    let itself = node.run(&["nodes", "replace", "3", "--with", "3", "--yes"]);
    assert_eq!(itself.code, 2);
    let dead = node.run(&["nodes", "replace", "1", "--with", "3", "--yes"]);
    assert!(dead.stderr.contains("not alive"), "{}", dead.stderr);
    assert!(node.calls().is_empty(), "{:?}", node.calls());
    let full = node.run(&["nodes", "replace", "3", "--with", "2", "--yes"]);
    assert_eq!(full.code, 3, "{}", full.stderr);
    assert!(full.stderr.contains("has a replica already"), "{}", full.stderr);
    assert!(node.calls().is_empty(), "{:?}", node.calls());
}

#[test]
fn a_collection_is_made_from_text_or_a_file() {
    let node = Node::start();
    let ran = node.run(&["collections", "create", "docs", "--body", "{\"a\":1}", "--key", "k"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "collection/docs created\n"));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "{\"b\":2}").unwrap();
    let body = format!("@{}", file.path().display());
    let made = node.run(&["collections", "update", "docs", "--body", &body, "-o", "json"]).json();
    assert_eq!(made["name"], "docs");
    assert_eq!(node.calls(), ["create docs {\"a\":1} k", "update docs {\"b\":2}"]);
    assert_eq!(node.run(&["collections", "create", "docs", "--body", "a"]).code, 2);
    assert_eq!(node.calls().len(), 2);
}

#[test]
fn a_collection_made_without_a_key_gets_one() {
    let node = Node::start();
    node.run(&["collections", "create", "docs", "--body", "{}"]);
    let key = node.calls()[0].strip_prefix("create docs {} ").unwrap().to_owned();
    assert_eq!(key.len(), 36, "{key}");
}

#[test]
fn nothing_is_deleted_without_a_yes() {
    let node = Node::start();
    let ran = node.run(&["collections", "delete", "docs"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    assert!(node.calls().is_empty());
    assert_eq!(
        node.run(&["collections", "delete", "docs", "--yes", "--key", "k"]).stdout,
        "collection/docs deleted\n"
    );
    assert_eq!(
        node.run(&["collections", "delete", "gone", "--yes"]).stdout,
        "collection/gone does not exist\n"
    );
    assert_eq!(node.calls(), ["delete docs k", "delete gone "]);
    assert_eq!(
        node.run(&["collections", "delete", "gone", "--yes", "-o", "json"]).json()["deleted"],
        false
    );
}

#[test]
fn a_move_says_where_all_replicas_should_be() {
    let node = Node::start();
    let ran = node.run(&["shards", "move", "7", "--from", "2", "--to", "4"]);
    assert!(ran.stdout.starts_with("group/7 replicas asked for: 1,4,3:learner"), "{}", ran.stdout);
    assert_eq!(node.calls(), ["reconfigure 7 1:VOTER 4:VOTER 3:LEARNER at 5"]);
}

#[test]
fn a_repeated_move_asks_for_nothing() {
    let node = Node::start();
    let ran = node.run(&["shards", "move", "8", "--from", "2", "--to", "vane-2", "-o", "json"]);
    assert_eq!((ran.code, &ran.json()["requested"]), (0, &false.into()));
    assert!(node.calls().is_empty());
}

#[test]
fn impossible_moves_are_not_sent() {
    let node = Node::start();
    for arguments in [
        ["shards", "move", "7", "--from", "1", "--to", "2"],
        ["shards", "move", "7", "--from", "8", "--to", "9"],
        ["shards", "move", "99", "--from", "1", "--to", "4"],
    ] {
        let ran = node.run(&arguments);
        assert_eq!(ran.code, 3);
        assert!(ran.stderr.contains("nothing was changed"), "{}", ran.stderr);
    }
    assert_eq!(node.run(&["shards", "docs", "move", "7", "--from", "1", "--to", "4"]).code, 2);
    assert!(node.calls().is_empty());
}

#[test]
fn replicas_are_written_as_they_are_shown() {
    let node = Node::start();
    let ran = node
        .run(&["shards", "reconfigure", "7", "--replicas", "1,vane-1,4:learner", "-o", "json"])
        .json();
    assert_eq!(ran["replicas"][2]["role"], "learner");
    assert_eq!(node.calls(), ["reconfigure 7 1:VOTER 2:VOTER 4:LEARNER at 5"]);
    for replicas in ["1,1", "1:learner"] {
        assert_eq!(
            node.run(&["shards", "reconfigure", "7", "--replicas", replicas]).code,
            2,
            "{replicas}"
        );
    }
    assert_eq!(node.calls().len(), 1);
}

#[test]
fn a_shard_that_somebody_else_changed_is_left_alone() {
    let node = Node::start();
    let reconfigure = ["shards", "reconfigure", "7", "--replicas", "1,2", "--if-revision"];
    let ran = node.run(&[&reconfigure[..], &["4"]].concat());
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("at revision 5, not 4"), "{}", ran.stderr);
    assert!(ran.stderr.contains("  changed: nothing"), "{}", ran.stderr);
    assert_eq!(node.run(&[&reconfigure[..], &["5"]].concat()).code, 0);
    let unknown = node.run(&["shards", "reconfigure", "99", "--replicas", "1,2"]);
    assert!(unknown.stderr.contains("no shard with group 99"), "{}", unknown.stderr);
    assert_eq!(node.calls().len(), 2);
}

#[test]
fn leadership_is_handed_over() {
    let node = Node::start();
    let ran = node.run(&["leader", "transfer", "meta", "vane-1"]);
    assert_eq!(ran.stdout, "group/0 is led by node 2 in term 9\n");
    assert_eq!(node.calls(), ["transfer 0 2"]);
}
