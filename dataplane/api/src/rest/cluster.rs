//! What a node says about itself, its cluster, and where collections lie in it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use vane_types::{NodeId, PeerId};

use crate::engine::{GroupReport, GroupStatus, Role, ShardOverview, TargetReplica};

/// The API version that is spoken. Clients of a minor version further away warn.
const QDRANT_VERSION: &str = "1.20.0";
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
    /// Seconds since it was last heard of, where it does not answer.
    pub silent_s: Option<u64>,
}

/// `GET /cluster`: members, and the meta group as `node` sees it; `None` where the thread of its
/// log does not say. `now` is this moment, as the API writes times.
pub fn cluster_status(
    node: NodeId,
    members: &[MemberState],
    status: Option<&GroupStatus>,
    now: &str,
) -> Value {
    let uri = |member: &MemberState| format!("http://{}", member.address);
    let peers: Map<String, Value> = members
        .iter()
        .map(|member| (member.node.to_string(), json!({ "uri": uri(member) })))
        .collect();
    let failures: Map<String, Value> = members
        .iter()
        .filter_map(|member| {
            let silent = member.silent_s?;
            let latest = format!("node {} has not answered for {silent} s", member.node);
            // Each node asks each other once a second.
            let failure = json!({
                "count": silent, "latest_error": latest, "latest_error_timestamp": now,
            });
            Some((uri(member), failure))
        })
        .collect();
    let thread = match status {
        // The thread has just answered. One that fails ends the process.
        Some(_) => json!({ "consensus_thread_status": "working", "last_update": now }),
        None => json!({ "consensus_thread_status": "stopped" }),
    };
    json!({
        "status": "enabled",
        "peer_id": node,
        "peers": peers,
        "raft_info": raft_info(status.unwrap_or(&GroupStatus::default())),
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
            match points.get(&id) {
                Some(points) if peer.node() == node => {
                    local.push(json!({ "shard_id": id, "points_count": points, "state": state }));
                }
                _ => {
                    let holder = peer.node();
                    remote.push(json!({ "shard_id": id, "peer_id": holder, "state": state }));
                }
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
        None => shard.peers.clone(),
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
    let (Some(target), Some(GroupReport { status, .. })) = (&shard.target, &shard.report) else {
        return Vec::new();
    };
    let voters = &status.conf.voters;
    let stays = |voter: &PeerId| target.iter().any(|replica| replica.peer == *voter);
    let is_move = !voters.iter().all(stays);
    let incoming =
        target.iter().filter(|replica| !replica.learner && !voters.contains(&replica.peer));
    let transfer = |replica: &TargetReplica| {
        let by_files = status.peer(replica.peer).is_some_and(|member| member.snapshot);
        json!({
            "shard_id": shard.ordinal,
            "from": status.leader.map_or(NodeId(0), PeerId::node),
            "to": replica.peer.node(),
            // The others keep theirs.
            "sync": !is_move,
            "method": if by_files { "snapshot" } else { "wal_delta" },
            "comment": shard.step,
        })
    };
    incoming.map(transfer).collect()
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
            peers: vec![peer(1), peer(2), peer(3), peer(4)],
            target: Some(vec![wanted(1), wanted(3), wanted(4)]),
            step: "waiting".into(),
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
        let transfer = json!({"shard_id": 0, "from": 1, "to": 4, "sync": false,
            "method": "wal_delta", "comment": "waiting"});
        assert_eq!(answer["shard_transfers"], json!([transfer]));
    }

    #[test]
    fn without_a_leader_no_replica_is_active() {
        let shard = ShardOverview { report: None, ..moving() };
        let points = BTreeMap::new();
        let answer = collection_cluster(NodeId(9), &[shard], &points, |node| node.0 == 3);
        let expected = [(1, "Initializing"), (2, "Initializing"), (3, "Dead"), (4, "Initializing")];
        assert_eq!(states(&answer), expected);
        assert_eq!(answer["shard_transfers"], json!([]));
    }

    #[test]
    fn a_learner_is_a_follower_without_a_vote() {
        let conf = Conf { learners: vec![peer(2)], ..Conf::default() };
        let status = GroupStatus { peer: peer(2), conf, ..GroupStatus::default() };
        let answer = cluster_status(NodeId(2), &[], Some(&status), "now");
        assert_eq!(answer["raft_info"]["role"], "Follower");
        assert_eq!(answer["raft_info"]["is_voter"], false);
    }

    #[test]
    fn a_silent_member_is_a_failure_and_a_silent_log_no_working_thread() {
        let member = |node, silent_s| MemberState {
            node: NodeId(node),
            address: format!("n{node}:1"),
            silent_s,
        };
        let members = [member(1, None), member(2, Some(12))];
        let status = GroupStatus::default();
        let well = cluster_status(NodeId(1), &members, Some(&status), "now");
        assert_eq!(well["consensus_thread_status"]["consensus_thread_status"], "working");
        let failures = well["message_send_failures"].as_object().unwrap();
        assert_eq!(failures.keys().collect::<Vec<_>>(), ["http://n2:1"]);
        assert_eq!(failures["http://n2:1"]["count"], 12);
        let mute = cluster_status(NodeId(1), &members, None, "now");
        assert_eq!(mute["consensus_thread_status"]["consensus_thread_status"], "stopped");
    }
}
