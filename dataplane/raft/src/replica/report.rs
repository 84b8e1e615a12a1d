//! What a replica tells of itself and, as the leader, of the other members.

use raft::StateRole;
use vane_types::{LogIndex, PeerId};

use super::Replica;
use crate::status::{GroupStatus, PeerStatus, Role};

impl Replica {
    pub(crate) fn status(&self) -> GroupStatus {
        let raft = &self.raw.raft;
        let log = &self.raw.store().log;
        GroupStatus {
            peer: self.peer,
            role: match raft.state {
                StateRole::Leader => Role::Leader,
                StateRole::Follower => Role::Follower,
                StateRole::Candidate | StateRole::PreCandidate => Role::Candidate,
            },
            term: self.term(),
            leader: self.leader(),
            committed: LogIndex(raft.raft_log.committed),
            applied: self.applied,
            last_index: log.last_index,
            truncated_index: log.truncated_index,
            conf: self.conf.clone(),
            conf_pending: raft.has_pending_conf(),
            installing: self.installing.is_some(),
            peers: self.other_members(),
        }
    }

    /// What a leader knows of the other members; only a leader knows anything of them.
    fn other_members(&self) -> Vec<PeerStatus> {
        if !self.is_leader() {
            return Vec::new();
        }
        let members = self.raw.raft.prs().iter();
        let others = members.filter(|(id, _)| **id != self.peer.0);
        let mut others: Vec<PeerStatus> = others
            .map(|(id, progress)| PeerStatus {
                peer: PeerId(*id),
                matched: LogIndex(progress.matched),
                active: self.is_active(PeerId(*id)),
                snapshot: progress.state == raft::ProgressState::Snapshot,
                applied: self.log_end.heard(PeerId(*id)).map_or(LogIndex::ZERO, |it| it.applied),
                installing: self
                    .log_end
                    .heard(PeerId(*id))
                    .is_some_and(|it| it.installing.is_some()),
            })
            .collect();
        // raft-rs keeps them in a hash map.
        others.sort_by_key(|status| status.peer);
        others
    }
}
