//! How a follower asks its leader how far the group is, and how it is answered: raft-rs's kinds
//! of message in a form of our own. What names a question is no entry, which a full disk would
//! refuse, and a question says whose word it asks for.

use std::time::Duration;

use raft::eraftpb::{Entry, Message, MessageType};
use vane_types::{LogIndex, PeerId, Term};

use crate::leases::Grant;
use crate::reads::Assurance;

/// Bytes of what names a question.
const NAME_BYTES: usize = 8;

/// A follower's question.
pub(crate) struct Question {
    pub(crate) context: u64,
    pub(crate) assurance: Assurance,
}

/// What names a question, as bytes.
pub(crate) fn name(context: u64) -> Vec<u8> {
    context.to_be_bytes().to_vec()
}

/// Reads [`name`] back.
pub(crate) fn named(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().map(u64::from_be_bytes).ok()
}

impl Question {
    /// Reads [`Question::message`] back.
    pub(crate) fn of(message: &Message) -> Option<Self> {
        let (context, assurance) = message.context.split_at_checked(NAME_BYTES)?;
        let assurance = match assurance {
            [0] => Assurance::Leader,
            [1] => Assurance::Majority,
            _ => return None,
        };
        Some(Self { context: named(context)?, assurance })
    }

    /// The question to the leader of a term.
    pub(crate) fn message(&self, from: PeerId, leader: PeerId, term: Term) -> Message {
        let mut context = name(self.context);
        context.push(match self.assurance {
            Assurance::Leader => 0,
            Assurance::Majority => 1,
        });
        let (to, from, term) = (leader.0, from.0, term.0);
        let mut question = Message { to, from, term, context, ..Message::default() };
        question.set_msg_type(MessageType::MsgReadIndex);
        question
    }

    /// As raft-rs takes it: of no term.
    pub(crate) fn in_form_of_raft(&self, from: u64) -> Message {
        let entries = vec![Entry { data: name(self.context), ..Entry::default() }];
        let mut question = Message { from, entries, ..Message::default() };
        question.set_msg_type(MessageType::MsgReadIndex);
        question
    }
}

/// The leader's own answer, maybe with a lease.
pub(crate) fn answer(question: &Message, index: LogIndex, grant: Option<Grant>) -> Message {
    let name = question.context.get(..NAME_BYTES).unwrap_or_default().to_vec();
    let mut answer = Message {
        to: question.from,
        from: question.to,
        term: question.term,
        index: grant.map_or(index, |grant| grant.index.max(index)).0,
        // An answer is about no commit: here it says how long the lease is, in microseconds.
        commit: grant.map_or(0, |grant| grant.held.as_micros() as u64),
        context: name,
        ..Message::default()
    };
    answer.set_msg_type(MessageType::MsgReadIndexResp);
    answer
}

/// The lease in a leader's own answer.
pub(crate) fn granted(answer: &Message) -> Option<Grant> {
    let held = Duration::from_micros(answer.commit);
    (!held.is_zero()).then_some(Grant { index: LogIndex(answer.index), held })
}

/// Gives an answer of raft-rs the form of our own.
pub(crate) fn in_our_form(message: &mut Message) {
    if message.msg_type == MessageType::MsgReadIndexResp as i32
        && let Some(entry) = std::mem::take(&mut message.entries).into_iter().next()
    {
        message.context = entry.data;
    }
}

/// Whether a message is of the kinds that are about reads.
pub(crate) fn is_about_reads(message: &Message) -> bool {
    // By number: whatever another node sends, its kind may be none.
    let kinds = [MessageType::MsgReadIndex, MessageType::MsgReadIndexResp];
    kinds.iter().any(|kind| message.msg_type == *kind as i32)
}

/// Whether a message is a question or an answer of this form.
pub(crate) fn is_sound(message: &Message) -> bool {
    message.entries.is_empty()
        && match message.get_msg_type() {
            MessageType::MsgReadIndex => Question::of(message).is_some(),
            _ => named(&message.context).is_some(),
        }
}
