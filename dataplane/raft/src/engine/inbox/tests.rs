//! What one round takes, and what does not fit.

use std::sync::Arc;

use raft::eraftpb::{Message, MessageType};

use super::*;
use crate::log::LogEntry;

const GROUP: GroupId = GroupId(7);

fn heartbeat(commit: u64) -> Envelope {
    let mut message = Message { to: 1, from: 2, commit, ..Message::default() };
    message.set_msg_type(MessageType::MsgHeartbeat);
    Envelope { group: GROUP, message }
}

fn append(bytes: usize) -> Envelope {
    let entry = LogEntry { index: 1, data: vec![0; bytes], ..LogEntry::default() };
    let mut message = Message { to: 1, from: 2, entries: vec![entry], ..Message::default() };
    message.set_msg_type(MessageType::MsgAppend);
    Envelope { group: GROUP, message }
}

fn proposal(bytes: usize) -> Input {
    let ticket = Ticket::new(bytes, Arc::default(), Box::new(|_| ()));
    Input::Propose { group: GROUP, data: vec![0; bytes], ticket }
}

fn take(inbox: &Inbox, entries: bool) -> Taken {
    inbox.take(Instant::now(), entries).expect("it is open")
}

#[test]
fn a_round_takes_a_bounded_part_of_the_entries_and_every_heartbeat() {
    let inbox = Inbox::default();
    for round in 0..3 {
        inbox.put_messages(vec![append(ROUND_BYTES_MAX), append(ROUND_BYTES_MAX)]);
        inbox.put_messages(vec![heartbeat(round)]);
        inbox.put(proposal(ROUND_BYTES_MAX));
        inbox.put(proposal(1));
    }
    let first = take(&inbox, true);
    let kinds: Vec<_> = first.messages.iter().map(Envelope::has_entries).collect();
    assert_eq!(kinds, [false, false, false, true], "heartbeats are not behind entries");
    assert_eq!(first.inputs.len(), 1);
    let rounds = std::iter::repeat_with(|| take(&inbox, true));
    let rest: Vec<_> = rounds.take_while(|taken| !taken.messages.is_empty()).collect();
    assert_eq!(rest.len(), 5, "one message with entries a round");
    assert_eq!(rest.iter().map(|taken| taken.inputs.len()).sum::<usize>(), 5);
}

#[test]
fn while_something_is_written_only_what_needs_no_write_is_taken() {
    let inbox = Inbox::default();
    inbox.put_messages(vec![append(1), heartbeat(1)]);
    inbox.put(proposal(1));
    inbox.put(Input::Unreachable(NodeId(2)));
    let taken = take(&inbox, false);
    assert_eq!((taken.messages.len(), taken.inputs.len()), (1, 1));
    assert!(!taken.messages[0].has_entries());
    let taken = take(&inbox, true);
    assert_eq!((taken.messages.len(), taken.inputs.len()), (1, 1));
}

#[test]
fn a_message_that_is_larger_than_all_that_may_wait_comes_through_alone() {
    let inbox = Inbox::default();
    inbox.put_messages(vec![append(1), append(APPEND_BYTES_MAX), heartbeat(1)]);
    let sizes = |taken: Taken| -> Vec<usize> {
        taken.messages.iter().map(|message| message.message.entries.len()).collect()
    };
    assert_eq!(sizes(take(&inbox, true)), [0, 1], "the large one found no room beside the other");
    inbox.put_messages(vec![append(APPEND_BYTES_MAX)]);
    assert_eq!(sizes(take(&inbox, true)), [1]);
}
