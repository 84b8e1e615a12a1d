//! Raft's messages as bytes. They are of an older protobuf runtime than the rest of the
//! project, which nothing outside this module has to know.

use prost_for_raft::Message as _;
use raft::eraftpb::{Message, MessageType};
use thiserror::Error;
use vane_types::{GroupId, LogIndex, PeerId, Term};

/// Bytes that another node sent are not a message of Raft.
#[derive(Debug, Error)]
#[error("not a Raft message: {0}")]
pub struct NotAMessage(#[from] prost_for_raft::DecodeError);

/// A message for another replica.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// Group whose replicas talk.
    pub group: GroupId,
    /// What raft-rs of one replica says to that of another.
    pub message: Message,
}

impl Envelope {
    /// What a group has to send, without messages that would be lies.
    ///
    /// With `batch_append` raft-rs puts entries into an append for the same follower that is
    /// empty and waits to be sent, without a look at whether they follow its index: they do
    /// not when a rejection moved the follower back meanwhile. The receiver would take them
    /// for others, and acknowledge an entry that it does not have. Such a message is dropped
    /// as by a network; it is sent again in its right form.
    pub(crate) fn all(group: GroupId, messages: Vec<Message>) -> impl Iterator<Item = Self> {
        messages.into_iter().filter(is_contiguous).map(move |message| Self { group, message })
    }

    /// Peer that the message is for.
    pub fn to(&self) -> PeerId {
        PeerId(self.message.to)
    }

    /// Peer that sent the message.
    pub fn from(&self) -> PeerId {
        PeerId(self.message.from)
    }

    /// Term and index of the snapshot that the message announces, if it does.
    pub fn snapshot_name(&self) -> Option<(Term, LogIndex)> {
        let metadata = self.message.snapshot.as_ref()?.metadata.as_ref()?;
        Some((Term(metadata.term), self.snapshot_index()?))
    }

    /// Index of the snapshot that the message announces, if it does.
    pub fn snapshot_index(&self) -> Option<LogIndex> {
        let metadata = self.message.snapshot.as_ref()?.metadata.as_ref()?;
        // raft-rs gives every message an empty snapshot.
        (metadata.index > 0).then_some(LogIndex(metadata.index))
    }

    /// Whether the message brings entries or a snapshot, which take room on the receiver's
    /// disk.
    pub fn has_entries(&self) -> bool {
        !self.message.entries.is_empty() || self.snapshot_index().is_some()
    }

    /// The message in protobuf; the group is not in it.
    pub fn encode(&self) -> Vec<u8> {
        self.message.encode_to_vec()
    }

    /// Reads [`Envelope::encode`] back.
    ///
    /// # Errors
    /// When the bytes are not of a Raft message.
    pub fn decode(group: GroupId, bytes: &[u8]) -> Result<Self, NotAMessage> {
        Ok(Self { group, message: Message::decode(bytes)? })
    }

    /// Length of the encoded message, in bytes.
    pub fn len(&self) -> usize {
        self.message.encoded_len()
    }

    /// Always false: a message has at least a type and addresses.
    pub fn is_empty(&self) -> bool {
        false
    }
}

/// Whether the entries of an append are those right behind its index.
fn is_contiguous(message: &Message) -> bool {
    let expected = message.index + 1..;
    message.get_msg_type() != MessageType::MsgAppend
        || message.entries.iter().zip(expected).all(|(entry, index)| entry.index == index)
}
