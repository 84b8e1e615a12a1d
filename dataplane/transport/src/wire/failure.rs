//! Errors, refusals and redirections, whose kinds survive the way between nodes.

use vane_proto::peer;
use vane_proto::peer::not_read::Why as NotReadWhy;
use vane_proto::peer::refusal::Why as RefusalWhy;
use vane_proto::peer::{changed, subject};
use vane_types::{
    Changed, Error, ErrorKind, FailedShards, GroupId, NodeId, PointId, Refusal, Retry, Subject,
};

use super::{Unreadable, Wire, choices, message, need};
use crate::NotRead;

pub(crate) fn not_leader_to_wire(leader: Option<NodeId>) -> peer::NotLeader {
    peer::NotLeader { leader_node: leader.map(|node| node.0) }
}

pub(crate) fn leader_from_wire(not_leader: peer::NotLeader) -> Option<NodeId> {
    not_leader.leader_node.map(NodeId)
}

impl Wire for NotRead {
    type Message = peer::NotRead;

    fn into_message(self) -> peer::NotRead {
        let why = match self {
            Self::NotLeader(leader) => NotReadWhy::NotLeader(not_leader_to_wire(leader)),
            Self::NoReplica(why) => NotReadWhy::NoReplica(why),
            Self::Failed(error) => NotReadWhy::Failed(error.into_message()),
        };
        peer::NotRead { why: Some(why) }
    }

    fn from_message(not_read: peer::NotRead) -> Result<Self, Unreadable> {
        Ok(match need(not_read.why, "the reason why nothing was read")? {
            NotReadWhy::NotLeader(not_leader) => Self::NotLeader(leader_from_wire(not_leader)),
            NotReadWhy::NoReplica(why) => Self::NoReplica(why),
            NotReadWhy::Failed(error) => Self::Failed(Error::from_message(error)?),
        })
    }
}

pub(crate) fn refusal_to_wire(refusal: Refusal) -> peer::Refusal {
    let why = match refusal {
        Refusal::PointNotFound(id) => RefusalWhy::PointNotFound(PointId::to_key(id)),
        Refusal::AlreadyExists(what) => RefusalWhy::AlreadyExists(what),
        Refusal::NotFound(what) => RefusalWhy::NotFound(what),
        Refusal::Invalid(why) => RefusalWhy::Invalid(why),
        Refusal::Conflict(why) => RefusalWhy::Conflict(why),
        Refusal::StaleRoute => RefusalWhy::StaleRoute(peer::Unit {}),
        Refusal::Expired => RefusalWhy::Expired(peer::Unit {}),
        Refusal::TooMuch => RefusalWhy::TooMuch(peer::Unit {}),
        Refusal::OutOfSlots => RefusalWhy::OutOfSlots(peer::Unit {}),
    };
    peer::Refusal { why: Some(why) }
}

pub(crate) fn refusal_from_wire(refusal: peer::Refusal) -> Result<Refusal, Unreadable> {
    Ok(match need(refusal.why, "the reason of a refusal")? {
        RefusalWhy::PointNotFound(key) => Refusal::PointNotFound(PointId::from_message(key)?),
        RefusalWhy::AlreadyExists(what) => Refusal::AlreadyExists(what),
        RefusalWhy::NotFound(what) => Refusal::NotFound(what),
        RefusalWhy::Invalid(why) => Refusal::Invalid(why),
        RefusalWhy::Conflict(why) => Refusal::Conflict(why),
        RefusalWhy::StaleRoute(peer::Unit {}) => Refusal::StaleRoute,
        RefusalWhy::Expired(peer::Unit {}) => Refusal::Expired,
        RefusalWhy::TooMuch(peer::Unit {}) => Refusal::TooMuch,
        RefusalWhy::OutOfSlots(peer::Unit {}) => Refusal::OutOfSlots,
    })
}

message!(Error { kind, subject, changed, shards, retry, detail });
message!(FailedShards { collection, failed, shards });
choices!(
    ErrorKind, "the kind of an error":
    NotFound, AlreadyExists, BadInput, Unsupported, Conflict, Overloaded, Timeout, OutOfSpace,
    Unavailable, Internal,
);
choices!(
    Retry, "whether to try again":
    No, Soon, WhenMajorityIsUp, AfterLooking, Later, WhenThereIsRoom,
);

impl Wire for Subject {
    type Message = Option<peer::Subject>;

    fn into_message(self) -> Option<peer::Subject> {
        let of = match self {
            // Most errors name no object, and no message for it travels.
            Self::Unnamed => return None,
            Self::MetaGroup => subject::Of::MetaGroup(peer::Unit {}),
            Self::Shard { collection, ordinal } => {
                subject::Of::Shard(peer::ShardSubject { collection, ordinal: ordinal as u64 })
            }
            Self::Group(group) => subject::Of::Group(group.0),
        };
        Some(peer::Subject { of: Some(of) })
    }

    fn from_message(subject: Option<peer::Subject>) -> Result<Self, Unreadable> {
        let Some(subject) = subject else { return Ok(Self::Unnamed) };
        Ok(match need(subject.of, "the subject of an error")? {
            subject::Of::MetaGroup(peer::Unit {}) => Self::MetaGroup,
            subject::Of::Shard(peer::ShardSubject { collection, ordinal }) => {
                Self::Shard { collection, ordinal: usize::from_message(ordinal)? }
            }
            subject::Of::Group(group) => Self::Group(GroupId(group)),
        })
    }
}

impl Wire for Changed {
    type Message = Option<peer::Changed>;

    fn into_message(self) -> Option<peer::Changed> {
        let what = match self {
            Self::NotInQuestion => return None,
            Self::Nothing => changed::What::Nothing(peer::Unit {}),
            Self::Unknown => changed::What::Unknown(peer::Unit {}),
            Self::Done => changed::What::Done(peer::Unit {}),
        };
        Some(peer::Changed { what: Some(what) })
    }

    fn from_message(changed: Option<peer::Changed>) -> Result<Self, Unreadable> {
        let Some(changed) = changed else { return Ok(Self::NotInQuestion) };
        Ok(match need(changed.what, "whether something was changed")? {
            changed::What::Nothing(peer::Unit {}) => Self::Nothing,
            changed::What::Unknown(peer::Unit {}) => Self::Unknown,
            changed::What::Done(peer::Unit {}) => Self::Done,
        })
    }
}
