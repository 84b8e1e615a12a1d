//! The way to a group's leader, from any node: who it is, what to do when it is another,
//! and when to give up.

use std::time::{Duration, Instant};

use vane_shard::Command;
use vane_types::command::RequestId;
use vane_types::{GroupId, LogIndex};

use crate::error::Error;
use crate::inner::Inner;
use crate::local::{Freshness, NotRead, ShardAnswer, ShardRead, read_here};
use crate::propose::{Outcome, Proposal, propose_here};
use crate::wire;

/// Time without a leader after which a request is refused: two elections, of up to 1.3 s
/// each. An attempt that is on its way then may take another 1.7 s to be given up
/// (`net/peers.rs`), which makes five in all.
const LEADER_WAIT_MAX: Duration = Duration::from_millis(3200);
/// Pauses between attempts.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(200);
/// Time between looks at whether another node leads meanwhile.
const LEADER_LOOK: Duration = Duration::from_millis(50);

/// One request on its way to a leader.
struct Search<'a> {
    inner: &'a Inner,
    group: GroupId,
    deadline: Instant,
    began: Instant,
    attempts: usize,
    pause: Duration,
    /// Why the last attempt did not end it.
    why: String,
}

impl<'a> Search<'a> {
    fn new(inner: &'a Inner, group: GroupId, deadline: Instant) -> Self {
        let (began, why) = (Instant::now(), String::from("no leader is known"));
        Self { inner, group, deadline, began, attempts: 0, pause: PAUSE_MIN, why }
    }

    /// Node to ask next.
    fn target(&mut self) -> Result<u64, Error> {
        self.attempts += 1;
        if let Some(node) = known_leader(self.inner, self.group) {
            return Ok(node);
        }
        let nodes = self.inner.nodes_of(self.group);
        match nodes.len() {
            0 => Err(Error::NotFound("the collection was deleted meanwhile".into())),
            count => Ok(nodes[(self.attempts - 1) % count]),
        }
    }

    /// Another node was named, or none: says whether to ask at once.
    fn redirect(&mut self, asked: u64, leader: Option<u64>) -> bool {
        self.inner.routes.set_leader(self.group, leader.filter(|it| *it != asked));
        self.why = format!("node {asked} does not lead it");
        leader.is_some_and(|it| it != asked) && !self.attempts.is_multiple_of(4)
    }

    /// Waits before the next attempt; false when it is time to give up.
    async fn pause(&mut self) -> bool {
        let now = Instant::now();
        if now + self.pause >= self.deadline || now.duration_since(self.began) > LEADER_WAIT_MAX {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        true
    }

    fn left_ms(&self) -> u64 {
        let left = self.deadline.saturating_duration_since(Instant::now());
        u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
    }

    fn without_leader(&self) -> Error {
        let name = self.inner.name_of(self.group);
        Error::Unavailable(format!(
            "{name} has no leader that answers ({}); nothing was changed, try again when a majority of its replicas \
             is up",
            self.why
        ))
    }

    /// Ends when another node than `asked` is known to lead.
    async fn leader_moved(&self, asked: u64) {
        loop {
            tokio::time::sleep(LEADER_LOOK).await;
            if watched_leader(self.inner, self.group).is_some_and(|it| it != asked) {
                return;
            }
        }
    }
}

/// Who leads, as this node's own replica or its last answer says.
fn known_leader(inner: &Inner, group: GroupId) -> Option<u64> {
    watched_leader(inner, group).or_else(|| inner.routes.leader(group))
}

/// Who leads as this node's own replica knows.
fn watched_leader(inner: &Inner, group: GroupId) -> Option<u64> {
    inner.node.watch(group)?.leader().map(vane_raft::node_of)
}

/// Reads from a group's leader.
pub(crate) async fn read(
    inner: &Inner,
    group: GroupId,
    read: ShardRead,
    freshness: Freshness,
    deadline: Instant,
) -> Result<ShardAnswer, Error> {
    read_from(inner, group, read, freshness, deadline).await.map(|(answer, _)| answer)
}

/// Reads from a group's leader; also says which node answered.
pub(crate) async fn read_from(
    inner: &Inner,
    group: GroupId,
    read: ShardRead,
    freshness: Freshness,
    deadline: Instant,
) -> Result<(ShardAnswer, u64), Error> {
    let mut search = Search::new(inner, group, deadline);
    loop {
        let node = search.target()?;
        let answered = if node == inner.me {
            read_here(inner, group, read.clone(), freshness, deadline).await
        } else {
            read_there(&search, node, read.clone(), freshness).await
        };
        let at_once = match answered {
            Ok((answer, index)) => {
                inner.routes.set_leader(group, Some(node));
                inner.routes.set_basis(group, index);
                return Ok((answer, node));
            }
            Err(NotRead::NotLeader(leader)) => search.redirect(node, leader),
            Err(NotRead::NoReplica(why)) => {
                inner.routes.set_leader(group, None);
                search.why = why;
                false
            }
            Err(NotRead::Failed(error)) => return Err(error),
        };
        if !at_once && !search.pause().await {
            return Err(search.without_leader());
        }
    }
}

/// Reads what an earlier read of that node left there.
pub(crate) async fn fetch(
    inner: &Inner,
    group: GroupId,
    node: u64,
    read: ShardRead,
    deadline: Instant,
) -> Result<ShardAnswer, Error> {
    let search = Search::new(inner, group, deadline);
    let answered = if node == inner.me {
        read_here(inner, group, read, Freshness::Leader, deadline).await
    } else {
        read_there(&search, node, read, Freshness::Leader).await
    };
    match answered {
        Ok((answer, _)) => Ok(answer),
        Err(NotRead::Failed(error)) => Err(error),
        Err(NotRead::NotLeader(_) | NotRead::NoReplica(_)) => Err(Error::Unavailable(format!(
            "{} changed its leader between search and fetch; try again",
            inner.name_of(group)
        ))),
    }
}

async fn read_there(
    search: &Search<'_>,
    node: u64,
    read: ShardRead,
    freshness: Freshness,
) -> Result<(ShardAnswer, LogIndex), NotRead> {
    let Search { inner, group, deadline, .. } = *search;
    let mut client = inner.peers.client(node).map_err(NotRead::NoReplica)?;
    let request = wire::read_to_wire(group, read, freshness, search.left_ms());
    let call = tokio::time::timeout_at(deadline.into(), client.read(request));
    tokio::select! {
        answered = call => match answered {
            Ok(Ok(reply)) => wire::answer_from_wire(reply.into_inner()),
            Ok(Err(status)) => Err(NotRead::NoReplica(format!("node {node} does not answer: {}", status.message()))),
            Err(_) => Err(Error::Timeout(format!("node {node} did not answer within the time limit")).into()),
        },
        () = search.leader_moved(node) => Err(NotRead::NotLeader(watched_leader(inner, group))),
    }
}

/// Has a command applied once, however often it has to be sent.
pub(crate) async fn propose_once(
    inner: &Inner,
    group: GroupId,
    mut command: Command,
    replicas: u32,
    grows: bool,
    deadline: Instant,
) -> Result<LogIndex, Error> {
    let (session, sequence) = (inner.routes.session(), inner.routes.next_sequence());
    let mut basis = basis(inner, group, deadline).await?;
    command.request = Some(RequestId { session, sequence, basis });
    let mut proposal = Proposal { group, command: command.encode_stored(), replicas, basis, grows };
    let mut search = Search::new(inner, group, deadline);
    // Set once an attempt may have reached a log.
    let mut perhaps: Option<String> = None;
    loop {
        let node = search.target()?;
        let at_once = match propose_at(&search, node, proposal.clone()).await {
            Outcome::Applied(index) => {
                inner.routes.set_leader(group, Some(node));
                inner.routes.set_basis(group, index);
                return Ok(index);
            }
            Outcome::Refused(refusal) => return Err(refusal.into()),
            Outcome::NotLeader(leader) => search.redirect(node, leader),
            Outcome::Full(why) if perhaps.is_none() => return Err(Error::Overloaded(why)),
            Outcome::NoSpace(why) if perhaps.is_none() => return Err(Error::OutOfSpace(why)),
            Outcome::StaleBasis(newer) if perhaps.is_none() => {
                // Certainly in no log yet, so that it may name a newer index.
                basis = newer;
                command.request = Some(RequestId { session, sequence, basis });
                proposal = Proposal { command: command.encode_stored(), basis, ..proposal };
                true
            }
            Outcome::Full(why) | Outcome::NoSpace(why) => {
                search.why = why;
                false
            }
            Outcome::StaleBasis(_) => {
                return Err(unknown("too much was written meanwhile to tell"));
            }
            Outcome::NoReplica(why) => {
                inner.routes.set_leader(group, None);
                search.why = why;
                false
            }
            Outcome::Unknown(why) => {
                inner.routes.set_leader(group, None);
                search.why.clone_from(&why);
                perhaps = Some(why);
                false
            }
        };
        if !at_once && !search.pause().await {
            return Err(match perhaps {
                Some(why) => unknown(&why),
                None => search.without_leader(),
            });
        }
    }
}

/// An index that the group's leader has applied already.
async fn basis(inner: &Inner, group: GroupId, deadline: Instant) -> Result<LogIndex, Error> {
    let here = inner.node.watch(group).map_or(0, |it| it.applied());
    let known = here.max(inner.routes.basis(group));
    if known > 0 {
        return Ok(known);
    }
    match read(inner, group, ShardRead::Basis, Freshness::Leader, deadline).await? {
        ShardAnswer::Basis(index) => Ok(index),
        _ => Ok(inner.routes.basis(group)),
    }
}

fn unknown(why: &str) -> Error {
    Error::Timeout(format!("the outcome of the write is unknown, it may still be applied: {why}"))
}

/// Has a command of the meta group applied. It may be sent, and applied, more than once:
/// the meta group's commands say what should be, so that a second time changes nothing or
/// is refused.
pub(crate) async fn propose_meta(
    inner: &Inner,
    command: Vec<u8>,
    deadline: Instant,
) -> Result<LogIndex, Error> {
    let group = GroupId::META;
    let proposal = Proposal { group, command, replicas: 0, basis: 0, grows: false };
    let mut search = Search::new(inner, group, deadline);
    let mut perhaps: Option<String> = None;
    loop {
        let node = search.target()?;
        let at_once = match propose_at(&search, node, proposal.clone()).await {
            Outcome::Applied(index) => return Ok(index),
            Outcome::Refused(refusal) => {
                return Err(match perhaps {
                    // The first attempt may be what the second ran into.
                    Some(_) => unknown(&format!(
                        "it was sent twice, and the second time it was refused: {refusal}"
                    )),
                    None => refusal.into(),
                });
            }
            Outcome::NotLeader(leader) => search.redirect(node, leader),
            Outcome::Unknown(why) => {
                perhaps = Some(why);
                false
            }
            Outcome::Full(why) | Outcome::NoSpace(why) | Outcome::NoReplica(why) => {
                inner.routes.set_leader(group, None);
                search.why = why;
                false
            }
            Outcome::StaleBasis(_) => false,
        };
        if !at_once && !search.pause().await {
            return Err(perhaps.map_or_else(|| search.without_leader(), |why| unknown(&why)));
        }
    }
}

async fn propose_at(search: &Search<'_>, node: u64, proposal: Proposal) -> Outcome {
    let Search { inner, group, deadline, .. } = *search;
    if node == inner.me {
        return propose_here(inner, proposal, deadline).await;
    }
    let mut client = match inner.peers.client(node) {
        Ok(client) => client,
        Err(why) => return Outcome::NoReplica(why),
    };
    let request = wire::proposal_to_wire(proposal, search.left_ms());
    let call = tokio::time::timeout_at(deadline.into(), client.propose(request));
    tokio::select! {
        answered = call => match answered {
            Ok(Ok(reply)) => wire::outcome_from_wire(reply.into_inner()),
            Ok(Err(status)) if never_arrived(&status) => {
                Outcome::NoReplica(format!("node {node} does not answer: {}", status.message()))
            }
            Ok(Err(status)) => Outcome::Unknown(format!("node {node} did not answer: {}", status.message())),
            Err(_) => Outcome::Unknown(format!("node {node} did not answer within the time limit")),
        },
        () = search.leader_moved(node) => Outcome::Unknown(format!("{} changed its leader", inner.name_of(group))),
    }
}

/// Whether a call failed before the other node could have seen it.
fn never_arrived(status: &tonic::Status) -> bool {
    use std::error::Error as _;
    let refused_by_service = matches!(
        status.code(),
        tonic::Code::FailedPrecondition | tonic::Code::Unauthenticated | tonic::Code::OutOfRange
    );
    let mut source = status.source();
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && io.kind() == std::io::ErrorKind::ConnectionRefused
        {
            return true;
        }
        source = error.source();
    }
    refused_by_service
}
