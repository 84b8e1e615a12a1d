//! What is asked of a group's leader beside commands: to hand over, and to change members.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use vane_proto::peer::direct_request::What;
use vane_proto::peer::{DirectReply, DirectRequest, MemberChange as WireChange};
use vane_raft::{MemberChange, ProposeError, node_of};
use vane_types::GroupId;

use crate::error::Error;
use crate::inner::Inner;

/// Pause between looks at whether a new leader is there.
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Something to ask of a group's leader.
#[derive(Debug, Clone)]
pub(crate) enum Direction {
    /// Hand the leadership to a peer; done once it leads.
    Transfer(u64),
    /// Take one step to another membership; done once it is applied.
    Change(MemberChange),
}

/// Answers another node.
pub(crate) async fn direct_here(inner: &Arc<Inner>, request: DirectRequest) -> DirectReply {
    let deadline = Instant::now() + Duration::from_millis(request.timeout_ms);
    let direction = match request.what {
        Some(What::TransferTo(peer)) => Direction::Transfer(peer),
        Some(What::Change(WireChange { add_learners, promote, remove, demote })) => {
            Direction::Change(MemberChange {
                learners: [add_learners, demote].concat(),
                voters: promote,
                removed: remove,
            })
        }
        None => {
            return DirectReply {
                detail: "nothing that this version knows was asked".into(),
                ..Default::default()
            };
        }
    };
    match here(inner, GroupId(request.group), direction, deadline).await {
        Ok(()) => DirectReply { done: true, ..DirectReply::default() },
        Err(NotDone { leader, why }) => {
            DirectReply { done: false, leader_node: leader.unwrap_or(0), detail: why }
        }
    }
}

/// Why it was not done.
struct NotDone {
    leader: Option<u64>,
    why: String,
}

impl From<ProposeError> for NotDone {
    fn from(error: ProposeError) -> Self {
        let leader = match &error {
            ProposeError::NotLeader { leader, .. } => leader.map(node_of),
            _ => None,
        };
        Self { leader, why: error.to_string() }
    }
}

async fn here(
    inner: &Arc<Inner>,
    group: GroupId,
    direction: Direction,
    deadline: Instant,
) -> Result<(), NotDone> {
    let late = |what: &str| NotDone { leader: None, why: format!("{what} within the time limit") };
    match direction {
        Direction::Transfer(to) => {
            let node = Arc::clone(&inner.node);
            let begun = tokio::task::spawn_blocking(move || node.transfer(group, to)).await;
            begun.map_err(|e| NotDone { leader: None, why: e.to_string() })??;
            let leads = || inner.node.watch(group).and_then(|it| it.leader()) == Some(to);
            while !leads() {
                if Instant::now() >= deadline {
                    return Err(late("the other replica did not take the leadership"));
                }
                tokio::time::sleep(LOOK_PAUSE).await;
            }
            Ok(())
        }
        Direction::Change(change) => {
            let (answer, answered) = oneshot::channel();
            inner.node.change_members(group, change, Box::new(move |it| drop(answer.send(it))));
            match tokio::time::timeout_at(deadline.into(), answered).await {
                Ok(Ok(Ok(_applied))) => Ok(()),
                Ok(Ok(Err(error))) => Err(error.into()),
                Ok(Err(_)) => {
                    Err(NotDone { leader: None, why: "the node is shutting down".into() })
                }
                Err(_) => Err(late("the change of members was not applied")),
            }
        }
    }
}

/// Asks the leader on a node.
pub(crate) async fn direct(
    inner: &Arc<Inner>,
    group: GroupId,
    leader: u64,
    direction: Direction,
    deadline: Instant,
) -> Result<(), Error> {
    let failed = |why: String| Error::Unavailable(format!("{}: {why}", inner.name_of(group)));
    if leader == inner.me {
        return here(inner, group, direction, deadline).await.map_err(|it| failed(it.why));
    }
    let what = match direction {
        Direction::Transfer(peer) => What::TransferTo(peer),
        Direction::Change(MemberChange { learners, voters, removed }) => What::Change(WireChange {
            add_learners: learners,
            promote: voters,
            remove: removed,
            demote: Vec::new(),
        }),
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let timeout_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    let mut client = inner.peers.client(leader).map_err(failed)?;
    let request = DirectRequest { group: group.0, timeout_ms, what: Some(what) };
    match tokio::time::timeout_at(deadline.into(), client.direct(request)).await {
        Ok(Ok(reply)) => match reply.into_inner() {
            DirectReply { done: true, .. } => Ok(()),
            DirectReply { detail, .. } => Err(failed(detail)),
        },
        Ok(Err(status)) => Err(failed(status.message().to_owned())),
        Err(_) => Err(failed(format!("node {leader} did not answer in time"))),
    }
}
