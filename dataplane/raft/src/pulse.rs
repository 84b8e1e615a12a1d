//! What two nodes say to each other in place of the heartbeats of groups that are quiet: that
//! they live, and which groups the sender leads in quiet, as sums.

use raft::eraftpb::{Message, MessageType};
use vane_types::{GroupId, NodeId, PeerId, Term};

use crate::codec::Envelope;
use crate::random::Random;

/// No group has this number: what goes to it is for the node.
const NO_GROUP: GroupId = GroupId(u64::MAX);
/// Parts that the groups of a node are summed in: where two nodes differ, a part of the groups is
/// woken and not all.
pub(crate) const PARTS: usize = 16;
const BYTES: usize = 1 + 2 + 8 * PARTS;

/// Which groups, by the terms of their leaders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums([u64; PARTS]);

impl Sums {
    /// Puts a group in that is not, or takes it out.
    pub(crate) fn toggle(&mut self, group: GroupId, term: Term) {
        self.0[part_of(group)] ^= Random::mix(Random::mix(group.0) ^ term.0);
    }

    /// The parts in which two differ.
    pub(crate) fn differing(&self, other: &Self) -> Parts {
        let differs = |part: &usize| self.0[*part] != other.0[*part];
        Parts((0..PARTS).filter(differs).fold(0, |parts, part| parts | 1 << part))
    }
}

/// The part that a group is summed in.
pub(crate) fn part_of(group: GroupId) -> usize {
    (Random::mix(group.0) % PARTS as u64) as usize
}

/// Some parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Parts(u16);

impl Parts {
    pub(crate) fn has(self, part: usize) -> bool {
        self.0 & (1 << part) != 0
    }

    pub(crate) fn has_group(self, group: GroupId) -> bool {
        self.has(part_of(group))
    }

    pub(crate) fn insert(&mut self, part: usize) {
        self.0 |= 1 << part;
    }
}

/// What a node says to another, once in each interval of heartbeats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pulse {
    /// The groups with a member there that the sender leads in quiet.
    pub(crate) led: Sums,
    /// Parts about which the two have differed for long: their leaders are to speak again.
    pub(crate) speak: Parts,
    /// It is to be answered, whatever the other has to say: is anybody there again?
    pub(crate) asks: bool,
}

impl Pulse {
    /// As a message that travels like those of a group.
    pub(crate) fn envelope(&self, from: NodeId, to: NodeId) -> Envelope {
        let mut context = Vec::with_capacity(BYTES);
        context.push(u8::from(self.asks));
        context.extend(self.speak.0.to_be_bytes());
        self.led.0.iter().for_each(|sum| context.extend(sum.to_be_bytes()));
        let [from, to] = [from, to].map(|node| PeerId::new(node, 1).0);
        let mut message = Message { from, to, context, ..Message::default() };
        message.set_msg_type(MessageType::MsgHeartbeat);
        Envelope { group: NO_GROUP, message }
    }

    /// Whether a message is for the node rather than for a group.
    pub(crate) fn is(envelope: &Envelope) -> bool {
        envelope.group == NO_GROUP
    }

    /// Reads [`Pulse::envelope`] back; `None` for what is none.
    pub(crate) fn of(envelope: &Envelope) -> Option<Self> {
        let (asks, rest) = envelope.message.context.split_first()?;
        let (speak, sums) = rest.split_first_chunk::<2>()?;
        let (sums, []) = sums.as_chunks::<8>() else { return None };
        let mut led = Sums::default();
        let known: &[[u8; 8]; PARTS] = sums.try_into().ok()?;
        led.0 = known.map(u64::from_be_bytes);
        Some(Self { led, speak: Parts(u16::from_be_bytes(*speak)), asks: *asks != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_arrives_as_it_was_sent() {
        let mut pulse = Pulse::default();
        pulse.led.toggle(GroupId(7), Term(3));
        pulse.speak.insert(15);
        pulse.asks = true;
        let envelope = pulse.envelope(NodeId(4), NodeId(9));
        assert!(Pulse::is(&envelope));
        assert_eq!((envelope.from().node(), envelope.to().node()), (NodeId(4), NodeId(9)));
        assert_eq!(Pulse::of(&envelope), Some(pulse));
    }

    #[test]
    fn bytes_of_another_length_are_no_pulse() {
        let mut envelope = Pulse::default().envelope(NodeId(1), NodeId(2));
        for length in [0, 1, 2, BYTES - 1, BYTES + 1, BYTES + 8] {
            envelope.message.context = vec![0; length];
            assert_eq!(Pulse::of(&envelope), None, "{length}");
        }
    }

    #[test]
    fn sums_differ_in_the_part_of_a_group_and_of_no_other() {
        let (mut one, mut other) = (Sums::default(), Sums::default());
        for group in 1..100 {
            one.toggle(GroupId(group), Term(5));
            other.toggle(GroupId(group), Term(if group == 42 { 6 } else { 5 }));
        }
        let differing = one.differing(&other);
        assert!(differing.has_group(GroupId(42)));
        assert_eq!((0..PARTS).filter(|part| differing.has(*part)).count(), 1);
        other.toggle(GroupId(42), Term(6));
        other.toggle(GroupId(42), Term(5));
        assert_eq!(one.differing(&other), Parts::default());
    }
}
