//! Each door in short: the corpus, then the first cases of a seed.

use std::path::Path;

use vane_fuzz::Budget;
use vane_fuzz::doors::Door;

const SEED: u64 = 1;

#[track_caller]
fn holds(door: Door, cases: u64) {
    let program = Path::new(env!("CARGO_BIN_EXE_vane-fuzz"));
    let tally = door.attempt(program, Budget::Cases(cases), SEED);
    assert_eq!(tally.unwrap_or_else(|failure| panic!("{}", failure.0)).cases, cases);
}

#[test]
fn no_request_of_a_client_makes_a_node_fail() {
    holds(Door::Rest, 400);
}

#[test]
fn no_call_of_qdrants_grpc_makes_a_node_fail() {
    holds(Door::Grpc, 600);
}

#[test]
fn no_call_of_another_node_makes_a_node_fail() {
    holds(Door::Peer, 400);
}

#[test]
fn no_message_of_raft_ends_a_node() {
    holds(Door::Raft, 200);
}

#[test]
fn no_call_of_administration_makes_a_node_fail() {
    holds(Door::Admin, 150);
}

#[test]
fn no_damaged_file_is_taken_for_whole() {
    holds(Door::Files, 400);
}
