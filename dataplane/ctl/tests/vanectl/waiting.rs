//! `vanectl wait`.

use std::net::TcpListener;

use crate::node::{Node, TOKEN};
use crate::vanectl::run;

#[test]
fn waiting_ends_when_the_cluster_is_healthy() {
    let ran = Node::start_unhealthy(1).run(&["wait", "--for=healthy", "--timeout=30s"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert_eq!(
        ran.stderr,
        "waiting for healthy: 2 of 3 nodes alive, 2 shards (1 without a leader), 1 problem\n\
         healthy: 3 of 3 nodes alive\n"
    );
}

#[test]
fn enough_nodes_are_enough() {
    let node = Node::start_unhealthy(1000);
    assert_eq!(node.run(&["wait", "--for=nodes=2"]).code, 0);
    let late = node.run(&["wait", "--for=nodes=3", "--timeout=1s", "-q"]);
    assert_eq!(late.code, 1);
    assert!(
        late.stderr.starts_with("vanectl: nodes=3 did not come about within 1s: 2 of 3"),
        "{}",
        late.stderr
    );
}

#[test]
fn waiting_in_vain_for_a_node_exits_with_three() {
    let ran = run(&["wait", "--for=healthy", "--timeout=1s", "--endpoint=127.0.0.1:1"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("waiting for healthy: failed to read"), "{}", ran.stderr);
}

#[test]
fn a_wrong_token_is_not_waited_out() {
    let node = Node::start();
    let ran = run(&["wait", "--for=healthy", "--endpoint", &node.endpoint(), "--token", "other"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("the token is not this cluster's"), "{}", ran.stderr);
}

#[test]
fn a_node_that_hangs_does_not_hold_up_the_wait() {
    // Connections wait in its queue, and nobody takes them.
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let node = Node::start();
    let endpoints = format!("{},{}", hanging.local_addr().unwrap(), node.endpoint());
    let ran = run(&[
        "wait",
        "--for=healthy",
        "--timeout=60s",
        "--endpoint",
        &endpoints,
        "--token",
        TOKEN,
    ]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}
