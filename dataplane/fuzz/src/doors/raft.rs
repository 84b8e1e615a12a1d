//! Raft's messages, as a node sends them that is another's twin, comes from the past, or is
//! broken: the replicas here refuse or drop them, and go on.

use std::path::Path;

use vane_proto::admin::Group;
use vane_proto::peer as wire;

use super::calls::{Call, Called, one, peer};
use crate::hostile::number;
use crate::hostile::protobuf::{Content, Field, encode, hostile};
use crate::{Budget, Failure, Random, Tally};

/// Kinds of message that raft-rs knows.
const KINDS: usize = 19;
/// `MsgSnapshot`.
const SNAPSHOT: u64 = 7;

pub(super) fn attempt(program: &Path, budget: Budget, seed: u64) -> Result<Tally, Failure> {
    Called::start(program)?.spend(program, budget, ("raft", seed), |groups, random| {
        let envelopes = (0..=random.below(4)).map(|_| {
            let group = random.pick(groups);
            let message = message(group, random);
            let message = match random.one_in(2) {
                true => message,
                false => hostile(&message, random),
            };
            wire::Envelope { group: group.id, message }
        });
        let envelopes = envelopes.collect();
        let call = one(peer("Raft"), &wire::RaftBatch { from_node: 2, to_node: 1, envelopes });
        broken_around(call, random)
    })
}

fn broken_around((path, messages): Call, random: &mut Random) -> Call {
    match random.one_in(10) {
        true => (path, messages.iter().map(|message| hostile(message, random)).collect()),
        false => (path, messages),
    }
}

/// A message for a replica of the group, with numbers near those that it has.
fn message(group: &Group, random: &mut Random) -> Vec<u8> {
    let own = group.replicas.first().map_or(0, |replica| replica.peer_id);
    let (term, log_term) = (near(group.term, random), near(group.term, random));
    let (index, commit) = (near(group.committed, random), near(group.committed, random));
    let (hint, from) = (near(group.committed, random), near(own, random));
    let varint = |tag: u32, number: u64| Field(tag, Content::Number(number));
    let mut fields = vec![
        varint(1, random.below(KINDS) as u64),
        varint(2, own),
        varint(3, from),
        varint(4, term),
        varint(5, log_term),
        varint(6, index),
        varint(8, commit),
        varint(10, random.below(2) as u64),
        varint(11, hint),
    ];
    for place in 0..random.below(3) as u64 {
        let kind = random.below(3) as u64;
        let entry = [
            varint(1, kind),
            varint(2, term),
            varint(3, index.saturating_add(1 + place)),
            Field(4, Content::Bytes(vec![random.below(256) as u8; random.below(40)])),
        ];
        fields.push(Field(7, Content::Bytes(encode(&entry))));
    }
    if random.one_in(3) {
        fields.push(Field(12, Content::Bytes(vec![0; random.below(20)])));
    }
    encode(&fields)
}

/// A number by another one, or far from it.
fn near(to: u64, random: &mut Random) -> u64 {
    match random.below(4) {
        0 => to.saturating_sub(random.below(3) as u64),
        1 => to.saturating_add(random.below(3) as u64),
        2 => to,
        _ => number(random),
    }
}

/// The message that announces a snapshot at an index.
pub(super) fn snapshot_of(term: u64, index: u64) -> Vec<u8> {
    let varint = |tag: u32, number: u64| Field(tag, Content::Number(number));
    let metadata = encode(&[varint(2, index), varint(3, term)]);
    let snapshot = encode(&[Field(2, Content::Bytes(metadata))]);
    encode(&[varint(1, SNAPSHOT), varint(4, term), Field(9, Content::Bytes(snapshot))])
}
