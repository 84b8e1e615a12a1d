//! What a node says about itself, its cluster, and where collections lie in it.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;
use serde_json::{Map, Value, json};

use vane_types::{NodeId, PeerId};

use crate::engine::{
    self, Failed, GroupReport, GroupStatus, Role, ShardOverview, TargetReplica, Transfer,
    WantedReplica,
};

/// The API version that is spoken. Clients of a minor version further away warn.
pub const QDRANT_VERSION: &str = "1.20.0";
/// Where the build does not say: clients want 40 digits.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// `GET /`.
#[derive(Debug, Serialize)]
pub struct Version {
    /// Whose API it is.
    pub title: &'static str,
    /// Version of that API.
    pub version: &'static str,
    /// Commit of the build.
    pub commit: &'static str,
    /// Version of Vane.
    pub vane: &'static str,
}

impl Version {
    /// What this build answers.
    pub fn of_this_build() -> Self {
        Self {
            title: "qdrant - vector search engine",
            version: QDRANT_VERSION,
            commit: option_env!("VANE_COMMIT").unwrap_or(NO_COMMIT),
            vane: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// A member of the cluster as the node that answers knows it.
#[derive(Debug, Clone)]
pub struct MemberState {
    /// Its number.
    pub node: NodeId,
    /// Its address for other nodes.
    pub address: String,
    /// Questions to it in vain since its last answer.
    pub failed: Option<Failed>,
}

/// How the thread of the meta group's log does.
#[derive(Debug, Clone)]
pub enum ConsensusThread {
    /// It has just answered: so the group stands.
    Working(Box<GroupStatus>),
    /// It takes no change any more, since it met one that it cannot read.
    StandingStill(Box<GroupStatus>, String),
    /// It does not say.
    Silent,
}

/// `GET /cluster`: members, and the meta group as `node` sees it. `at` writes a moment as the API
/// does.
pub fn cluster_status(
    node: NodeId,
    members: &[MemberState],
    thread: &ConsensusThread,
    at: impl Fn(Instant) -> String,
) -> Value {
    let uri = |member: &MemberState| format!("http://{}", member.address);
    let peers: Map<String, Value> = members
        .iter()
        .map(|member| (member.node.to_string(), json!({ "uri": uri(member) })))
        .collect();
    let failure = |member: &MemberState| {
        let Failed { count, why, at: last } = member.failed.as_ref()?;
        let failure = json!({
            "count": count, "latest_error": why, "latest_error_timestamp": at(*last),
        });
        Some((uri(member), failure))
    };
    let failures: Map<String, Value> = members.iter().filter_map(failure).collect();
    let (status, thread) = match thread {
        ConsensusThread::Working(status) => (
            Some(status),
            json!({ "consensus_thread_status": "working", "last_update": at(Instant::now()) }),
        ),
        ConsensusThread::StandingStill(status, why) => {
            (Some(status), json!({ "consensus_thread_status": "stopped_with_err", "err": why }))
        }
        ConsensusThread::Silent => (None, json!({ "consensus_thread_status": "stopped" })),
    };
    json!({
        "status": "enabled",
        "peer_id": node,
        "peers": peers,
        "raft_info": raft_info(status.map_or(&GroupStatus::default(), |status| status)),
        "consensus_thread_status": thread,
        "message_send_failures": failures,
    })
}

fn raft_info(status: &GroupStatus) -> Value {
    let role = match status.role {
        Role::Leader => "Leader",
        Role::Candidate => "Candidate",
        // A learner as well: clients know no other word, and `is_voter` tells it apart.
        Role::Follower => "Follower",
    };
    json!({
        "term": status.term,
        "commit": status.committed,
        "pending_operations": status.committed.saturating_since(status.applied),
        "leader": status.leader.map(PeerId::node),
        "role": role,
        "is_voter": status.conf.voters.contains(&status.peer),
    })
}

/// `GET /collections/{collection}/cluster`: replicas by what the leaders of their shards report,
/// and the points of those on `node`, by the ordinal of their shard. `is_silent` says which nodes
/// do not answer.
pub fn collection_cluster(
    node: NodeId,
    shards: &[ShardOverview],
    points: &BTreeMap<usize, u64>,
    is_silent: impl Fn(NodeId) -> bool,
) -> Value {
    let (mut local, mut remote, mut transfers) = (Vec::new(), Vec::new(), Vec::new());
    for shard in shards {
        for peer in members(shard) {
            let (id, state) = (shard.ordinal, state(shard, peer, &is_silent));
            if peer.node() == node {
                // One that is not open here has none to count.
                let points = points.get(&id).copied().unwrap_or_default();
                local.push(json!({ "shard_id": id, "points_count": points, "state": state }));
            } else {
                let holder = peer.node();
                remote.push(json!({ "shard_id": id, "peer_id": holder, "state": state }));
            }
        }
        transfers.extend(self::transfers(shard));
    }
    json!({
        "peer_id": node,
        "shard_count": shards.len(),
        "local_shards": local,
        "remote_shards": remote,
        "shard_transfers": transfers,
    })
}

/// Replicas of a shard as its leader knows them; without one as the catalog does.
fn members(shard: &ShardOverview) -> Vec<PeerId> {
    match &shard.report {
        Some(report) => report.status.conf.members(),
        None => shard.conf.members(),
    }
}

/// What a replica is, in Qdrant's words.
fn state(shard: &ShardOverview, peer: PeerId, is_silent: impl Fn(NodeId) -> bool) -> &'static str {
    let Some(GroupReport { status, .. }) = &shard.report else {
        // Nobody serves it: it has to elect a leader first.
        return if is_silent(peer.node()) { "Dead" } else { "Initializing" };
    };
    // A leader does not hear from itself.
    let answers =
        status.leader == Some(peer) || status.peer(peer).is_some_and(|member| member.active);
    let is_wanted = |replica: &TargetReplica| replica.peer == peer && !replica.learner;
    match answers {
        false => "Dead",
        true if status.conf.voters.contains(&peer) => "Active",
        true if status.conf.voters_outgoing.contains(&peer) => "Active",
        // On its way to a vote.
        true if shard.target.iter().flatten().any(is_wanted) => "Partial",
        true => "Listener",
    }
}

/// Replicas that are on their way to where they should be.
fn transfers(shard: &ShardOverview) -> Vec<Value> {
    let Some(target) = &shard.target else { return Vec::new() };
    let status = shard.report.as_ref().map(|report| &report.status);
    // By what is recorded, as requests about a transfer have it: until its end is, there is one.
    let conf = &shard.conf;
    let sender = status.and_then(|status| status.leader).or_else(|| conf.voters.first().copied());
    let sender = sender.map(PeerId::node);
    let wanted: Vec<WantedReplica> = target
        .iter()
        .map(|it| WantedReplica { node: it.peer.node(), learner: it.learner })
        .collect();
    let transfer = |Transfer { in_place_of, to, .. }: Transfer| {
        let peer = target.iter().map(|replica| replica.peer).find(|peer| peer.node() == to);
        let known = peer.and_then(|peer| status?.peer(peer));
        let by_files = known.is_some_and(|member| member.snapshot || member.installing);
        json!({
            "shard_id": shard.ordinal,
            // Where none goes, whoever leads sends.
            "from": in_place_of.or(sender),
            "to": to,
            // The others keep theirs.
            "sync": in_place_of.is_none(),
            "method": if by_files { "snapshot" } else { "wal_delta" },
            "comment": shard.step,
        })
    };
    engine::transfers(conf, &wanted).into_iter().map(transfer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Conf, PeerStatus};

    fn peer(node: u64) -> PeerId {
        PeerId::new(NodeId(node), 1)
    }

    /// Voters on nodes 1 to 3, led by 1; 3 does not answer; a learner on 4 takes the place of 2.
    fn moving() -> ShardOverview {
        let member = |node, active| PeerStatus { peer: peer(node), active, ..Default::default() };
        let status = GroupStatus {
            leader: Some(peer(1)),
            conf: Conf {
                voters: vec![peer(1), peer(2), peer(3)],
                learners: vec![peer(4)],
                ..Conf::default()
            },
            peers: vec![member(2, true), member(3, false), member(4, true)],
            ..GroupStatus::default()
        };
        let wanted = |node| TargetReplica { peer: peer(node), learner: false };
        ShardOverview {
            collection: "c".into(),
            ordinal: 0,
            group: vane_types::GroupId(1),
            report: Some(GroupReport { status, ..GroupReport::default() }),
            conf: Conf { voters: vec![peer(1), peer(2), peer(3)], ..Conf::default() },
            target: Some(vec![wanted(1), wanted(3), wanted(4)]),
            step: "waiting".into(),
            moves: Vec::new(),
            is_rebalancing: false,
            pinned: false,
            revision: 1,
        }
    }

    fn states(answer: &Value) -> Vec<(u64, &str)> {
        let remote = answer["remote_shards"].as_array().unwrap().iter();
        let state = |shard: &'_ Value| shard["peer_id"].as_u64().unwrap();
        remote.map(|shard| (state(shard), shard["state"].as_str().unwrap())).collect()
    }

    #[test]
    fn replicas_are_what_their_leader_says_and_a_move_shows() {
        let points = BTreeMap::from([(0, 7)]);
        let answer = collection_cluster(NodeId(2), &[moving()], &points, |_| false);
        let local = json!([{"shard_id": 0, "points_count": 7, "state": "Active"}]);
        assert_eq!(answer["local_shards"], local);
        assert_eq!(states(&answer), [(1, "Active"), (3, "Dead"), (4, "Partial")]);
        let transfer = json!({"shard_id": 0, "from": 2, "to": 4, "sync": false,
            "method": "wal_delta", "comment": "waiting"});
        assert_eq!(answer["shard_transfers"], json!([transfer]));
    }

    #[test]
    fn a_replica_that_is_added_comes_from_the_leader() {
        let wanted = |node| TargetReplica { peer: peer(node), learner: false };
        let target = Some([1, 2, 3, 4].map(wanted).to_vec());
        let mut shard = ShardOverview { target, ..moving() };
        let status = &mut shard.report.as_mut().unwrap().status;
        status.peers[2].snapshot = true;
        let answer = collection_cluster(NodeId(9), &[shard], &BTreeMap::new(), |_| false);
        let transfer = json!({"shard_id": 0, "from": 1, "to": 4, "sync": true,
            "method": "snapshot", "comment": "waiting"});
        assert_eq!(answer["shard_transfers"], json!([transfer]));
    }

    #[test]
    fn a_replica_that_is_not_open_here_is_local_all_the_same() {
        let answer = collection_cluster(NodeId(3), &[moving()], &BTreeMap::new(), |_| false);
        let local = json!([{"shard_id": 0, "points_count": 0, "state": "Dead"}]);
        assert_eq!(answer["local_shards"], local);
        assert_eq!(states(&answer), [(1, "Active"), (2, "Active"), (4, "Partial")]);
    }

    #[test]
    fn without_a_leader_no_replica_is_active() {
        let shard = ShardOverview { report: None, ..moving() };
        let points = BTreeMap::new();
        let answer = collection_cluster(NodeId(9), &[shard], &points, |node| node.0 == 3);
        let expected = [(1, "Initializing"), (2, "Initializing"), (3, "Dead")];
        assert_eq!(states(&answer), expected);
        let transfers = answer["shard_transfers"].as_array().unwrap();
        assert_eq!(transfers.len(), 1, "it is wanted, and says what it waits for");
    }

    #[test]
    fn a_learner_is_a_follower_without_a_vote() {
        let conf = Conf { learners: vec![peer(2)], ..Conf::default() };
        let status = GroupStatus { peer: peer(2), conf, ..GroupStatus::default() };
        let thread = ConsensusThread::Working(Box::new(status));
        let answer = cluster_status(NodeId(2), &[], &thread, |_| "now".into());
        assert_eq!(answer["raft_info"]["role"], "Follower");
        assert_eq!(answer["raft_info"]["is_voter"], false);
    }

    #[test]
    fn a_member_that_is_asked_in_vain_is_a_failure_and_a_silent_log_no_working_thread() {
        let member = |node, failed: Option<u64>| MemberState {
            node: NodeId(node),
            address: format!("n{node}:1"),
            failed: failed.map(|count| Failed { count, why: "shut".into(), at: Instant::now() }),
        };
        let members = [member(1, None), member(2, Some(12))];
        let said = |thread: &ConsensusThread| {
            cluster_status(NodeId(1), &members, thread, |_| "then".into())
        };
        let status = || Box::new(GroupStatus::default());
        let well = said(&ConsensusThread::Working(status()));
        let thread = json!({"consensus_thread_status": "working", "last_update": "then"});
        assert_eq!(well["consensus_thread_status"], thread);
        let failure = json!({
            "count": 12, "latest_error": "shut", "latest_error_timestamp": "then",
        });
        assert_eq!(well["message_send_failures"], json!({ "http://n2:1": failure }));
        let mute = said(&ConsensusThread::Silent);
        assert_eq!(mute["consensus_thread_status"]["consensus_thread_status"], "stopped");
        let still = said(&ConsensusThread::StandingStill(status(), "entry 7".into()));
        let thread = json!({"consensus_thread_status": "stopped_with_err", "err": "entry 7"});
        assert_eq!(still["consensus_thread_status"], thread);
    }
}
