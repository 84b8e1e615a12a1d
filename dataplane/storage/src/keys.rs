//! Keys of both databases. All integers are big-endian, so keys order as numbers do.
//!
//! ```text
//! raft.db   [group 8][0x01][index 8]            entry
//!           [group 8][0x02]                     state of the group's log
//!           [0xFF × 8][group 8][peer 8]         tombstone: the peer was removed for good
//! data.db   meta     [group 8][name]            applied index, schema, segment manifests …
//!           point    [group 8][tag 1][id 8|16]  slot; before that a tenant's tag and number
//!           payload  [group 8][slot 4]          record of the point
//!           index    [group 8][field 2][value key][slot 4]
//!           vec      [group 8][vector 1|3][segment 4][row 4] growing rows
//! ```

use vane_types::{GroupId, LogIndex, PeerId, PointId, Slot, VectorId};

const ENTRY: u8 = 0x01;
const STATE: u8 = 0x02;

/// What tombstones begin with. No group has that number: they order behind all logs.
pub(crate) const TOMBSTONES: [u8; PREFIX] = [u8::MAX; PREFIX];

/// Bytes of the group that every key begins with.
pub(crate) const PREFIX: usize = 8;

pub(crate) fn entry(group: GroupId, index: LogIndex) -> Vec<u8> {
    [&group.0.to_be_bytes()[..], &[ENTRY], &index.0.to_be_bytes()].concat()
}

pub(crate) fn log_state(group: GroupId) -> Vec<u8> {
    [&group.0.to_be_bytes()[..], &[STATE]].concat()
}

pub(crate) fn tombstone(group: GroupId, peer: PeerId) -> Vec<u8> {
    [TOMBSTONES, group.0.to_be_bytes(), peer.0.to_be_bytes()].concat()
}

pub(crate) fn attribute(group: GroupId, name: &[u8]) -> Vec<u8> {
    [&group.0.to_be_bytes()[..], name].concat()
}

pub(crate) fn point(group: GroupId, id: PointId) -> Vec<u8> {
    [&group.0.to_be_bytes()[..], &id.to_key()].concat()
}

pub(crate) fn payload(group: GroupId, slot: Slot) -> Vec<u8> {
    [&group.0.to_be_bytes()[..], &slot.to_be_bytes()].concat()
}

pub(crate) fn index(group: GroupId, field: u16, value: &[u8], slot: Slot) -> Vec<u8> {
    [&group.0.to_be_bytes()[..], &field.to_be_bytes(), value, &slot.to_be_bytes()].concat()
}

pub(crate) fn index_field(group: GroupId, field: u16) -> Vec<u8> {
    [&group.0.to_be_bytes()[..], &field.to_be_bytes()].concat()
}

pub(crate) fn row(group: GroupId, vector: VectorId, segment: u32, row: u32) -> Vec<u8> {
    [rows(group, vector), segment.to_be_bytes().into(), row.to_be_bytes().into()].concat()
}

/// What the keys of a vector's rows begin with.
pub(crate) fn rows(group: GroupId, vector: VectorId) -> Vec<u8> {
    [&group.0.to_be_bytes()[..], &vector.to_key()].concat()
}

/// First key behind all that begin with `prefix`.
pub(crate) fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    // 0xFF has no successor in its own place: the byte before it is raised instead.
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    // A prefix of 0xFF bytes alone: no group has that number.
    vec![u8::MAX; prefix.len() + 1]
}

/// The last four bytes of a key as a number, and what is between `skip` and them.
pub(crate) fn split_slot(key: &[u8], skip: usize) -> Option<(&[u8], u32)> {
    let (body, tail) = key.get(skip..)?.split_last_chunk::<4>()?;
    Some((body, u32::from_be_bytes(*tail)))
}
