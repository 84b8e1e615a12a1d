//! Changes that administrators make: zones, members of shards, leaders.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use uuid::Uuid;
use vane_catalog::{MetaCommand, WantedReplica, meta_peer};
use vane_placement::ReplicaPlan;
use vane_transport::{LeaderRequest, ReportRequest};
use vane_types::{Error, FeatureLevel, GroupId, NodeId, Policy, Retry, Term};

use crate::member::Member;

/// Time for another replica to take the leadership.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(5);

impl Member {
    /// Says where a node stands; `None` takes it back.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`; `Timeout` where it may have been taken.
    pub async fn set_zone(
        &self,
        node: NodeId,
        zone: Option<String>,
        timeout: Duration,
    ) -> Result<(), Error> {
        let command = MetaCommand::SetZone { node, zone };
        self.serving.coordinator.change(command, Instant::now() + timeout).await
    }

    /// Says whether a node is to go: it gets no new replicas and gives its meta vote up.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`; `Timeout` where it may have been taken.
    pub async fn set_leaving(
        &self,
        node: NodeId,
        leaving: bool,
        timeout: Duration,
    ) -> Result<(), Error> {
        let command = MetaCommand::SetLeaving { node, leaving };
        self.serving.coordinator.change(command, Instant::now() + timeout).await
    }

    /// Says for how many seconds at most a node is to lead nothing, until it is started again;
    /// `None` takes it back.
    ///
    /// # Errors
    /// `NotFound`, `BadInput` where it is too long, `Unsupported` below
    /// [`FeatureLevel::CHANGING`], `Unavailable`; `Timeout`
    /// where it may have been taken.
    pub async fn set_follows_only(
        &self,
        node: NodeId,
        seconds: Option<u32>,
        timeout: Duration,
    ) -> Result<(), Error> {
        let command = MetaCommand::SetFollowsOnly { node, seconds };
        self.serving.coordinator.change(command, Instant::now() + timeout).await
    }

    /// Says whether the feature level waits for somebody to raise it.
    ///
    /// # Errors
    /// `Unsupported` below [`FeatureLevel::CHANGING`],
    /// `Unavailable`; `Timeout` where it may have been taken.
    pub async fn hold_level(&self, held: bool, timeout: Duration) -> Result<(), Error> {
        let command = MetaCommand::HoldFeatureLevel(held);
        self.serving.coordinator.change(command, Instant::now() + timeout).await
    }

    /// Says which settings all nodes have while they run.
    ///
    /// # Errors
    /// `BadInput` where they are too many, `Unsupported` below [`FeatureLevel::CHANGING`],
    /// `Unavailable`; `Timeout` where they may have been taken.
    pub async fn set_settings(
        &self,
        settings: BTreeMap<String, String>,
        timeout: Duration,
    ) -> Result<(), Error> {
        let command = MetaCommand::SetSettings(settings);
        self.serving.coordinator.change(command, Instant::now() + timeout).await
    }

    /// Raises the feature level as far as all members speak, also one that is held; the level that
    /// holds then.
    ///
    /// # Errors
    /// `Conflict` where members came or were started again meanwhile, `Unavailable`; `Timeout`
    /// where it may have been raised.
    pub async fn raise_level(&self, timeout: Duration) -> Result<FeatureLevel, Error> {
        let coordinator = &self.serving.coordinator;
        let possible = coordinator.catalog().read(|state| state.raise_possible());
        if let Some(command) = possible {
            coordinator.change(command, Instant::now() + timeout).await?;
        }
        Ok(coordinator.catalog().level())
    }

    /// Takes a member away for good; its disk does not come back. Repeated, it is done already.
    ///
    /// # Errors
    /// `Conflict` while a shard names it, it has another disk, or it is alive and votes in the
    /// meta group; `NotFound`, `Unavailable`; `Timeout` where it may have been taken away.
    pub async fn remove_node(
        &self,
        node: NodeId,
        disk_id: Uuid,
        timeout: Duration,
    ) -> Result<(), Error> {
        // A voter that is gone is taken out of the group afterwards; one that is there gives its
        // vote up first, so that the group is not smaller for a moment.
        if self.votes(node).await {
            let text = format!(
                "node {node} is alive and votes in the meta group: say first that it is to go \
                 (`vanectl nodes leave {node}`), and stop it or wait until another has its vote"
            );
            return Err(Error::conflict(text).nothing_changed().retry(Retry::Later));
        }
        let command = MetaCommand::RemoveNode { node, disk_id };
        self.serving.coordinator.change(command, Instant::now() + timeout).await
    }

    /// Records where a shard's replicas should be; the meta leader carries it out. With
    /// `if_revision`, only while the shard is at that one
    /// ([`crate::ShardOverview::revision`]).
    ///
    /// # Errors
    /// `BadInput` or `NotFound` for what cannot be, `Conflict` at another revision,
    /// `Unavailable`; `Timeout` where it may have been recorded.
    pub async fn reconfigure(
        &self,
        group: GroupId,
        replicas: Vec<WantedReplica>,
        if_revision: Option<u64>,
        timeout: Duration,
    ) -> Result<(), Error> {
        if group == GroupId::META {
            // Nothing would carry such a target out: the reconciler derives these members from the
            // nodes.
            let why = "the meta group's members follow from the nodes";
            return Err(Error::bad_input(why).nothing_changed());
        }
        let command = MetaCommand::Reconfigure { group, replicas, if_revision };
        self.serving.coordinator.change(command, Instant::now() + timeout).await
    }

    /// Says how replicas and leaders are moved by the cluster itself.
    ///
    /// # Errors
    /// `BadInput` for what cannot be, `Unsupported` while some member would not know of it,
    /// `Unavailable`; `Timeout` where it may have been taken.
    pub async fn set_policy(&self, policy: Policy, timeout: Duration) -> Result<(), Error> {
        let command = MetaCommand::SetPolicy(policy);
        self.serving.coordinator.change(command, Instant::now() + timeout).await
    }

    /// Says whether a shard's replicas stay where people want them, whatever the balance.
    ///
    /// # Errors
    /// `NotFound`, and as those of [`Member::set_policy`].
    pub async fn set_pinned(
        &self,
        group: GroupId,
        pinned: bool,
        timeout: Duration,
    ) -> Result<(), Error> {
        let command = MetaCommand::SetPinned { group, pinned };
        self.serving.coordinator.change(command, Instant::now() + timeout).await
    }

    /// Records what a request for a shard's replicas comes to. Refused where the shard is not at
    /// the revision any more that the plan was made at.
    ///
    /// # Errors
    /// As those of [`Member::reconfigure`].
    pub async fn carry_out(&self, plan: ReplicaPlan, timeout: Duration) -> Result<(), Error> {
        let command = match plan {
            ReplicaPlan::Nothing => return Ok(()),
            ReplicaPlan::Replicas { group, replicas, revision } => {
                MetaCommand::Reconfigure { group, replicas, if_revision: Some(revision) }
            }
            ReplicaPlan::Refill { group, peer } => MetaCommand::Refill { group, peer },
        };
        self.serving.coordinator.change(command, Instant::now() + timeout).await
    }

    /// Whether a node is alive and votes in the meta group, as far as this one sees.
    pub async fn votes(&self, node: NodeId) -> bool {
        let meta = self.meta_status().await;
        let votes = meta.is_some_and(|meta| meta.conf.voters.contains(&meta_peer(node)));
        votes && self.serving.liveness.is_alive(node)
    }

    /// Hands a group's leadership to its replica on a node; the term that it leads in.
    ///
    /// # Errors
    /// `Unavailable` where the group has no leader or the handing over fails, `BadInput` where
    /// the node has no vote in the group.
    pub async fn transfer_leader(&self, group: GroupId, node: NodeId) -> Result<Term, Error> {
        let reporter = &self.serving.reporter;
        let wanted = || ReportRequest::Groups(vec![group]);
        let subject = || self.serving.coordinator.subject(group);
        // Its leader is asked for, not remembered: a hint may name one that does not lead any more.
        let report = reporter.gather(wanted()).await.remove(&group);
        let found = report.and_then(|report| Some((report.status.leader?, report.status)));
        let (leader, status) = found.ok_or_else(|| {
            Error::unavailable("has no leader that answers")
                .about(subject())
                .nothing_changed()
                .retry(Retry::WhenMajorityIsUp)
        })?;
        let voter = status.conf.voters.iter().copied().find(|voter| voter.node() == node);
        let voter = voter.ok_or_else(|| {
            let why = format!("has no voter on node {node}");
            Error::bad_input(why).about(subject()).nothing_changed()
        })?;
        // A repeated call finds it leading already, which is what was asked for.
        if leader != voter {
            let deadline = Instant::now() + TRANSFER_TIMEOUT;
            let request = LeaderRequest::Transfer(voter);
            let transferred =
                self.serving.leaders.ask(leader.node(), group, request, deadline).await;
            transferred.map_err(|why| Error::from(why).about(subject()))?;
            // So that the next write from here is not sent to the old leader first.
            self.serving.coordinator.router().set_leader(group, Some(node));
        }
        // Gathered anew: the term of the answer is the one that the new leader leads in.
        let now = reporter.gather(wanted()).await.remove(&group);
        Ok(now.map_or(status.term, |report| report.status.term))
    }
}
