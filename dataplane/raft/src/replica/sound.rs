//! What no replica of a group says: raft-rs trusts what it is sent, and ends the process where
//! that cannot be.

use std::collections::BTreeSet;

use prost_for_raft::Message as _;
use raft::eraftpb::{ConfChangeV2, ConfState, Entry, EntryType, Message, MessageType};

use crate::questions;

/// Terms that another replica may be ahead: more elections than a cluster ever holds. A term at
/// the end of its range would be the last one of the group.
const TERMS_AHEAD_MAX: u64 = 1 << 32;
/// Far above any index: those behind it are reckoned without overflow.
const INDEX_MAX: u64 = 1 << 62;

/// What the receiver has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Receiver {
    pub(super) term: u64,
    /// Last index of its log.
    pub(super) last: u64,
}

/// Whether a replica of the group can have said this to `receiver`.
pub(super) fn is_sound(message: &Message, receiver: Receiver) -> bool {
    let Receiver { term, last } = receiver;
    // raft-rs takes one of no term for its own.
    let is_of_a_term = (1..=term.saturating_add(TERMS_AHEAD_MAX)).contains(&message.term);
    if !is_of_a_term || message.index > INDEX_MAX {
        return false;
    }
    // An unknown kind: what is newer than this version is not sent to it.
    let Some(kind) = MessageType::from_i32(message.msg_type) else { return false };
    match kind {
        // A leader names no more than it knows the receiver to have.
        MessageType::MsgHeartbeat => message.commit <= last,
        MessageType::MsgAppend => is_append(message),
        MessageType::MsgSnapshot => is_snapshot(message),
        // Of another term it says no more than that there is one.
        MessageType::MsgAppendResponse => {
            message.request_snapshot == 0 && (message.term != term || message.index <= last)
        }
        MessageType::MsgHeartbeatResponse
        | MessageType::MsgRequestVote
        | MessageType::MsgRequestVoteResponse
        | MessageType::MsgRequestPreVote
        | MessageType::MsgRequestPreVoteResponse
        | MessageType::MsgTimeoutNow => true,
        MessageType::MsgReadIndex | MessageType::MsgReadIndexResp => questions::is_sound(message),
        // Steps of one replica within itself: proposals travel as calls of their own.
        _ => false,
    }
}

fn is_append(message: &Message) -> bool {
    let indexes = message.index + 1..;
    let follows = message.entries.iter().zip(indexes).all(|(entry, index)| entry.index == index);
    let mut terms = message.entries.iter().map(|entry| entry.term);
    let are_of_its_time = terms.all(|term| (1..=message.term).contains(&term));
    // Nothing is before the first entry, whose term is none.
    let has_place = (message.log_term == 0) == (message.index == 0);
    follows && are_of_its_time && has_place && message.entries.iter().all(is_entry)
}

/// Whether it can be applied once it is committed.
fn is_entry(entry: &Entry) -> bool {
    match EntryType::from_i32(entry.entry_type) {
        Some(EntryType::EntryNormal) => true,
        Some(EntryType::EntryConfChangeV2) => ConfChangeV2::decode(&*entry.data).is_ok(),
        _ => false,
    }
}

/// The last entry that an append names and that is behind `committed`, with its term: where that
/// one is the same all before it are.
pub(super) fn last_shared(message: &Message, committed: u64) -> Option<(u64, u64)> {
    let Message { index, log_term, entries, .. } = message;
    if message.get_msg_type() != MessageType::MsgAppend || *index == 0 || *index > committed {
        return None;
    }
    let behind = usize::try_from(committed - index).unwrap_or(usize::MAX);
    let last = entries.iter().take(behind).next_back();
    Some(last.map_or((*index, *log_term), |entry| (entry.index, entry.term)))
}

fn is_snapshot(message: &Message) -> bool {
    let metadata = message.snapshot.as_ref().and_then(|snapshot| snapshot.metadata.as_ref());
    metadata.is_some_and(|metadata| {
        let is_of_its_time = (1..=message.term).contains(&metadata.term);
        let is_membership = metadata.conf_state.as_ref().is_some_and(is_membership);
        (1..=INDEX_MAX).contains(&metadata.index) && is_of_its_time && is_membership
    })
}

/// Whether raft-rs can take the membership over.
fn is_membership(conf: &ConfState) -> bool {
    let ConfState { voters, learners, voters_outgoing, learners_next, .. } = conf;
    let each_once = |peers: &[u64]| {
        let distinct: BTreeSet<&u64> = peers.iter().collect();
        distinct.len() == peers.len() && !peers.contains(&0)
    };
    let has_no_voter = learners.iter().chain(learners_next).all(|peer| !voters.contains(peer));
    let had_no_vote = learners.iter().all(|peer| !voters_outgoing.contains(peer));
    let had_a_vote = learners_next.iter().all(|peer| voters_outgoing.contains(peer));
    !voters.is_empty()
        && [voters, learners, voters_outgoing, learners_next].into_iter().all(|it| each_once(it))
        && has_no_voter
        && had_no_vote
        && had_a_vote
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVER: Receiver = Receiver { term: 5, last: 20 };

    fn message(kind: MessageType) -> Message {
        Message { msg_type: kind as i32, term: 5, ..Message::default() }
    }

    fn entry(index: u64, term: u64) -> Entry {
        Entry { index, term, ..Entry::default() }
    }

    fn append(index: u64, log_term: u64, entries: &[Entry]) -> Message {
        let entries = entries.to_vec();
        Message { index, log_term, entries, ..message(MessageType::MsgAppend) }
    }

    fn snapshot(voters: &[u64], learners: &[u64]) -> Message {
        let mut announced = message(MessageType::MsgSnapshot);
        let metadata = announced.mut_snapshot().mut_metadata();
        (metadata.index, metadata.term) = (30, 4);
        metadata.set_conf_state(ConfState::from((voters.to_vec(), learners.to_vec())));
        announced
    }

    #[test]
    fn what_replicas_say_is_taken() {
        let heartbeat = Message { commit: 20, ..message(MessageType::MsgHeartbeat) };
        let vote = Message { term: 900, index: 90, ..message(MessageType::MsgRequestVote) };
        let of_a_later_term =
            Message { term: 6, index: 90, ..message(MessageType::MsgAppendResponse) };
        for sound in [
            heartbeat,
            vote,
            of_a_later_term,
            append(0, 0, &[entry(1, 1), entry(2, 5)]),
            append(19, 4, &[]),
            snapshot(&[1, 2], &[3]),
        ] {
            assert!(is_sound(&sound, RECEIVER), "{sound:?}");
        }
    }

    #[test]
    fn of_an_append_the_last_entry_that_is_committed_counts() {
        let shared = |message: &Message| last_shared(message, 20);
        assert_eq!(shared(&append(18, 4, &[])), Some((18, 4)));
        assert_eq!(shared(&append(18, 4, &[entry(19, 4), entry(20, 5)])), Some((20, 5)));
        assert_eq!(shared(&append(19, 4, &[entry(20, 4), entry(21, 5)])), Some((20, 4)));
        assert_eq!(shared(&append(20, 4, &[entry(21, 5)])), Some((20, 4)));
        assert_eq!(shared(&append(21, 4, &[entry(22, 5)])), None);
        assert_eq!(shared(&append(0, 0, &[entry(1, 1)])), None);
        assert_eq!(shared(&message(MessageType::MsgHeartbeat)), None);
    }

    #[test]
    fn what_no_replica_says_is_not() {
        let not_a_change =
            Entry { entry_type: EntryType::EntryConfChangeV2 as i32, data: vec![7], ..entry(1, 1) };
        for unsound in [
            Message { commit: 21, ..message(MessageType::MsgHeartbeat) },
            Message { term: 0, ..message(MessageType::MsgHeartbeat) },
            Message { term: u64::MAX, ..message(MessageType::MsgRequestVote) },
            Message { msg_type: 99, ..message(MessageType::MsgHeartbeat) },
            message(MessageType::MsgPropose),
            message(MessageType::MsgReadIndex),
            message(MessageType::MsgReadIndexResp),
            Message { index: 21, ..message(MessageType::MsgAppendResponse) },
            Message { request_snapshot: 1, ..message(MessageType::MsgAppendResponse) },
            append(5, 0, &[]),
            append(5, 4, &[entry(7, 5)]),
            append(5, 4, &[entry(6, 6)]),
            append(u64::MAX, 4, &[]),
            append(0, 0, &[not_a_change]),
            snapshot(&[], &[1]),
            snapshot(&[1, 1], &[]),
            snapshot(&[1, 0], &[]),
            snapshot(&[1, 2], &[2]),
            message(MessageType::MsgSnapshot),
        ] {
            assert!(!is_sound(&unsound, RECEIVER), "{unsound:?}");
        }
    }
}
