//! What other nodes ask of this one, once it is a member.

use std::path::PathBuf;
use std::time::Instant;

use uuid::Uuid;
use vane_raft::Envelope;
use vane_storage::Space;
use vane_transport::{
    Answered, Freshness, JoinReply, JoinRequest, LeaderRequest, Life, NodeReport, NotDone, NotRead,
    NotTaken, Outcome, PeerMember, Proposal, Read, ReportRequest,
};
use vane_types::{Error, GroupId, NodeId};

use crate::admission;
use crate::gate::SILENT;
use crate::member::Member;

impl PeerMember for Member {
    fn node_id(&self) -> NodeId {
        self.ground.me
    }

    fn cluster_id(&self) -> Uuid {
        self.ground.cluster_id
    }

    fn check_caller(&self, caller: &Life) -> Result<(), NotTaken> {
        let gate = &self.ground.reception.gate;
        self.ground.catalog.read(|state| gate.check(caller, state))
    }

    async fn propose(&self, proposal: Proposal, deadline: Instant) -> Outcome {
        match self.ground.reception.gate.speaks() {
            true => self.serving.proposals.propose(proposal, deadline).await,
            false => Outcome::NoReplica(SILENT.into()),
        }
    }

    async fn read<R: Read>(
        &self,
        group: GroupId,
        read: R,
        freshness: Freshness,
        deadline: Instant,
    ) -> Answered<R::Answer> {
        match self.ground.reception.gate.speaks() {
            true => self.serving.reads.read(group, read, freshness, deadline).await,
            false => Err(NotRead::NoReplica(SILENT.into())),
        }
    }

    async fn report(&self, request: ReportRequest) -> NodeReport {
        self.serving.reporter.report(request).await
    }

    async fn ask_leader(
        &self,
        group: GroupId,
        request: LeaderRequest,
        deadline: Instant,
    ) -> Result<(), NotDone> {
        self.serving.leaders.ask_here(group, request, deadline).await
    }

    async fn admit(&self, request: JoinRequest) -> Result<JoinReply, Error> {
        admission::admit(&self.serving.coordinator, request).await
    }

    fn step(&self, messages: Vec<Envelope>) {
        // Dropped, like what this node would answer: Raft sends again.
        if self.ground.reception.gate.speaks() {
            self.ground.engine.step(messages);
        }
    }

    fn incoming_dir(&self, announcement: &Envelope) -> Option<PathBuf> {
        self.ground.engine.incoming_dir(announcement)
    }

    fn own_file(&self, group: GroupId, name: &str) -> Option<PathBuf> {
        vane_shard::own_file(&self.ground.disks.data_dir.group_dir(group), name)
    }

    fn snapshots_dir(&self) -> PathBuf {
        self.ground.disks.data_dir.snapshots_dir()
    }

    fn space(&self) -> &Space {
        &self.ground.space
    }
}
