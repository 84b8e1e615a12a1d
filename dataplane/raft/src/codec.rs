//! Raft's messages as bytes. They are of an older protobuf runtime than the rest of the
//! project, which nothing outside this module has to know.

use prost_for_raft::Message as _;
use raft::eraftpb::{Message, MessageType};
use vane_types::{GroupId, LogIndex, PeerId};

/// A message for another replica.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// The group.
    pub group: GroupId,
    /// What raft-rs says.
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

    /// Peer that it is for.
    pub fn to(&self) -> PeerId {
        PeerId(self.message.to)
    }

    /// Peer that sent it.
    pub fn from(&self) -> PeerId {
        PeerId(self.message.from)
    }

    /// Index of the snapshot that it announces, if it does.
    pub fn snapshot_index(&self) -> Option<LogIndex> {
        let metadata = self.message.snapshot.as_ref()?.metadata.as_ref()?;
        // raft-rs gives every message an empty snapshot.
        (metadata.index > 0).then_some(LogIndex(metadata.index))
    }

    /// Whether it brings entries or a snapshot, which take room on the receiver's disk.
    pub fn has_entries(&self) -> bool {
        !self.message.entries.is_empty() || self.snapshot_index().is_some()
    }

    /// Bytes of the message.
    pub fn encode(&self) -> Vec<u8> {
        self.message.encode_to_vec()
    }

    /// Reads [`Envelope::encode`] back; an error says why the bytes are none.
    pub fn decode(group: GroupId, bytes: &[u8]) -> Result<Self, String> {
        let message = Message::decode(bytes).map_err(|e| format!("not a Raft message: {e}"))?;
        Ok(Self { group, message })
    }

    /// Bytes that it takes, about.
    pub fn len(&self) -> usize {
        self.message.encoded_len()
    }

    /// Never: a message has at least a type and addresses.
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
