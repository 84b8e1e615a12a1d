//! Moves, pins and the policy of moves.

use crate::node::Node;

#[test]
fn moves_are_listed_with_how_far_they_are() {
    let node = Node::start();
    let moves = node.run(&["moves", "-o", "json"]).json();
    let shown = &moves[0];
    assert_eq!(moves.as_array().map(Vec::len), Some(1), "{moves}");
    assert_eq!((&shown["phase"], &shown["percent"]), (&"copying".into(), &25.into()), "{moves}");
    assert_eq!((&shown["from_node"], &shown["to_node"]), (&2.into(), &3.into()), "{moves}");
    assert_eq!(shown["seconds_left"], 3, "{moves}");
    let table = node.run(&["moves"]).stdout;
    assert!(table.contains("[##........] 25%"), "{table}");
    let none = node.run(&["moves", "images"]);
    assert_eq!(none.code, 0, "{}", none.stdout);
    assert!(!none.stdout.contains("copying"), "{}", none.stdout);
}

#[test]
fn a_shard_is_pinned_and_let_go() {
    let node = Node::start();
    for action in ["pin", "unpin"] {
        let ran = node.run(&["shards", action, "7"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    assert_eq!(node.calls(), ["pin 7 true", "pin 7 false"]);
}

#[test]
fn of_the_policy_what_is_named_is_changed() {
    let node = Node::start();
    let shown = node.run(&["policy", "-o", "json"]).json();
    assert_eq!((&shown["rebalance"], &shown["standing"]), (&"off".into(), &"off_by_policy".into()));
    assert_eq!(shown["worst_percent"], 50);
    let set = node.run(&["policy", "set", "--bytes-per-second", "10Mi", "--leaders", "off"]);
    assert_eq!(set.code, 0, "{}", set.stderr);
    assert_eq!(node.calls(), [format!("policy {:?} {:?}", Some(10 << 20), Some(false))]);
    assert_eq!(node.run(&["policy", "set"]).code, 2, "nothing is named");
}
