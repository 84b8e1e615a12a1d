//! Errors, refusals and redirections, whose kinds survive the way between nodes.

use vane_proto::peer;
use vane_proto::peer::not_read::Why as NotReadWhy;
use vane_proto::peer::refusal::Why as RefusalWhy;
use vane_proto::peer::{changed, subject};
use vane_types::{
    Changed, Error, ErrorKind, FailedShards, GroupId, NodeId, PointId, Refusal, Retry, Subject,
};

use super::{Unreadable, choice, need, point_id, size};
use crate::NotRead;

pub(crate) fn not_leader_to_wire(leader: Option<NodeId>) -> peer::NotLeader {
    peer::NotLeader { leader_node: leader.map(|node| node.0) }
}

pub(crate) fn leader_from_wire(not_leader: peer::NotLeader) -> Option<NodeId> {
    not_leader.leader_node.map(NodeId)
}

pub(crate) fn not_read_to_wire(not_read: NotRead) -> peer::NotRead {
    let why = match not_read {
        NotRead::NotLeader(leader) => NotReadWhy::NotLeader(not_leader_to_wire(leader)),
        NotRead::NoReplica(why) => NotReadWhy::NoReplica(why),
        NotRead::Failed(error) => NotReadWhy::Failed(error_to_wire(error)),
    };
    peer::NotRead { why: Some(why) }
}

pub(crate) fn not_read_from_wire(not_read: peer::NotRead) -> Result<NotRead, Unreadable> {
    Ok(match need(not_read.why, "the reason why nothing was read")? {
        NotReadWhy::NotLeader(not_leader) => NotRead::NotLeader(leader_from_wire(not_leader)),
        NotReadWhy::NoReplica(why) => NotRead::NoReplica(why),
        NotReadWhy::Failed(error) => NotRead::Failed(error_from_wire(error)?),
    })
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
    };
    peer::Refusal { why: Some(why) }
}

pub(crate) fn refusal_from_wire(refusal: peer::Refusal) -> Result<Refusal, Unreadable> {
    Ok(match need(refusal.why, "the reason of a refusal")? {
        RefusalWhy::PointNotFound(key) => Refusal::PointNotFound(point_id(&key)?),
        RefusalWhy::AlreadyExists(what) => Refusal::AlreadyExists(what),
        RefusalWhy::NotFound(what) => Refusal::NotFound(what),
        RefusalWhy::Invalid(why) => Refusal::Invalid(why),
        RefusalWhy::Conflict(why) => Refusal::Conflict(why),
        RefusalWhy::StaleRoute(peer::Unit {}) => Refusal::StaleRoute,
        RefusalWhy::Expired(peer::Unit {}) => Refusal::Expired,
    })
}

pub(crate) fn error_to_wire(error: Error) -> peer::Error {
    let Error { kind, subject, changed, shards, retry, detail } = error;
    peer::Error {
        kind: kind_to_wire(kind).into(),
        subject: subject_to_wire(subject),
        changed: changed_to_wire(changed),
        shards: shards.map(failed_shards_to_wire),
        retry: retry_to_wire(retry).into(),
        detail,
    }
}

pub(crate) fn error_from_wire(error: peer::Error) -> Result<Error, Unreadable> {
    let peer::Error { kind, subject, changed, shards, retry, detail } = error;
    Ok(Error {
        kind: kind_from_wire(kind)?,
        subject: subject_from_wire(subject)?,
        changed: changed_from_wire(changed)?,
        shards: shards.map(failed_shards_from_wire).transpose()?,
        retry: retry_from_wire(retry)?,
        detail,
    })
}

fn kind_to_wire(kind: ErrorKind) -> peer::ErrorKind {
    match kind {
        ErrorKind::NotFound => peer::ErrorKind::NotFound,
        ErrorKind::AlreadyExists => peer::ErrorKind::AlreadyExists,
        ErrorKind::BadInput => peer::ErrorKind::BadInput,
        ErrorKind::Unsupported => peer::ErrorKind::Unsupported,
        ErrorKind::Conflict => peer::ErrorKind::Conflict,
        ErrorKind::Overloaded => peer::ErrorKind::Overloaded,
        ErrorKind::Timeout => peer::ErrorKind::Timeout,
        ErrorKind::OutOfSpace => peer::ErrorKind::OutOfSpace,
        ErrorKind::Unavailable => peer::ErrorKind::Unavailable,
        ErrorKind::Internal => peer::ErrorKind::Internal,
    }
}

fn kind_from_wire(kind: i32) -> Result<ErrorKind, Unreadable> {
    // Found by its own wire form, so that the pairs stand in one place.
    let unknown = Unreadable::UnknownChoice { what: "the kind of an error", value: kind };
    ErrorKind::ALL.into_iter().find(|known| i32::from(kind_to_wire(*known)) == kind).ok_or(unknown)
}

fn subject_to_wire(subject: Subject) -> Option<peer::Subject> {
    let of = match subject {
        // Most errors name no object, and no message for it travels.
        Subject::Unnamed => return None,
        Subject::MetaGroup => subject::Of::MetaGroup(peer::Unit {}),
        Subject::Shard { collection, ordinal } => {
            subject::Of::Shard(peer::ShardSubject { collection, ordinal: ordinal as u64 })
        }
        Subject::Group(group) => subject::Of::Group(group.0),
    };
    Some(peer::Subject { of: Some(of) })
}

fn subject_from_wire(subject: Option<peer::Subject>) -> Result<Subject, Unreadable> {
    let Some(subject) = subject else { return Ok(Subject::Unnamed) };
    Ok(match need(subject.of, "the subject of an error")? {
        subject::Of::MetaGroup(peer::Unit {}) => Subject::MetaGroup,
        subject::Of::Shard(peer::ShardSubject { collection, ordinal }) => {
            Subject::Shard { collection, ordinal: size(ordinal)? }
        }
        subject::Of::Group(group) => Subject::Group(GroupId(group)),
    })
}

fn changed_to_wire(changed: Changed) -> Option<peer::Changed> {
    let what = match changed {
        Changed::NotInQuestion => return None,
        Changed::Nothing => changed::What::Nothing(peer::Unit {}),
        Changed::Unknown => changed::What::Unknown(peer::Unit {}),
        Changed::Done => changed::What::Done(peer::Unit {}),
    };
    Some(peer::Changed { what: Some(what) })
}

fn changed_from_wire(changed: Option<peer::Changed>) -> Result<Changed, Unreadable> {
    let Some(changed) = changed else { return Ok(Changed::NotInQuestion) };
    Ok(match need(changed.what, "whether something was changed")? {
        changed::What::Nothing(peer::Unit {}) => Changed::Nothing,
        changed::What::Unknown(peer::Unit {}) => Changed::Unknown,
        changed::What::Done(peer::Unit {}) => Changed::Done,
    })
}

fn failed_shards_to_wire(failed: FailedShards) -> peer::FailedShards {
    let FailedShards { collection, failed, shards } = failed;
    let failed = failed.into_iter().map(|ordinal| ordinal as u64).collect();
    peer::FailedShards { collection, failed, shards: shards as u64 }
}

fn failed_shards_from_wire(failed: peer::FailedShards) -> Result<FailedShards, Unreadable> {
    let peer::FailedShards { collection, failed, shards } = failed;
    let failed = failed.into_iter().map(size).collect::<Result<_, _>>()?;
    Ok(FailedShards { collection, failed, shards: size(shards)? })
}

fn retry_to_wire(retry: Retry) -> peer::Retry {
    match retry {
        Retry::No => peer::Retry::No,
        Retry::Soon => peer::Retry::Soon,
        Retry::WhenMajorityIsUp => peer::Retry::WhenMajorityIsUp,
        Retry::AfterLooking => peer::Retry::AfterLooking,
        Retry::Later => peer::Retry::Later,
        Retry::WhenThereIsRoom => peer::Retry::WhenThereIsRoom,
    }
}

fn retry_from_wire(retry: i32) -> Result<Retry, Unreadable> {
    Ok(match choice(retry, "whether to try again")? {
        peer::Retry::No => Retry::No,
        peer::Retry::Soon => Retry::Soon,
        peer::Retry::WhenMajorityIsUp => Retry::WhenMajorityIsUp,
        peer::Retry::AfterLooking => Retry::AfterLooking,
        peer::Retry::Later => Retry::Later,
        peer::Retry::WhenThereIsRoom => Retry::WhenThereIsRoom,
    })
}
