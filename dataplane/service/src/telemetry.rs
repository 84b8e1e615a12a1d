//! What a node and its collections say of themselves: views, which change nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use vane_api::rest::telemetry::{
    ClusterTelemetry, CollectionTelemetry, NodeTelemetry, ReplicaTelemetry,
};
use vane_api::{Error, Kind};
use vane_types::{GroupId, JsonPath, PeerId};

use crate::administration::{MetaState, meta_state_of};
use crate::call::Call;
use crate::engine::{
    Collection, CollectionHere, GroupStatus, Member, Outlook, RequestOptions, Unindexed, Usage,
};
use crate::operation::Operation;
use crate::service::{Answering, Service};

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// What there is.
    Names,
    /// What replicas here hold.
    Figures,
    /// Their background jobs, too.
    Jobs,
    /// And their segments.
    Segments,
}

/// Jobs that have ended which telemetry tells of, for each shard.
const ENDED_TOLD: usize = 16;

/// All members and collections.
#[derive(Debug)]
pub struct WholeCluster {
    /// The members.
    pub nodes: Vec<NodeTelemetry>,
    /// The meta group as this node sees it.
    pub meta: Option<GroupStatus>,
    /// Each collection with what its replicas say.
    pub collections: Vec<(CollectionHere, ReplicaTelemetry)>,
}

impl Service {
    /// The cluster and the collections as this node knows them by itself. Nothing of either while
    /// the node belongs to no cluster.
    ///
    /// # Errors
    ///
    /// [`Kind::Internal`] where counting panicked.
    pub fn telemetry<'a>(
        &'a self,
        call: &'a Call,
        depth: Depth,
    ) -> Answering<'a, (Option<ClusterTelemetry>, Vec<CollectionTelemetry>)> {
        let looking = async move {
            let Ok(member) = self.member() else { return Ok((None, Vec::new())) };
            let MetaState { node, members, thread } = meta_state_of(&member).await;
            let cluster = ClusterTelemetry { node, members, thread };
            let collections = counted(move || collections(&member, depth)).await?;
            Ok::<_, Error>((Some(cluster), collections))
        };
        Box::pin(self.run(call, Operation::GetTelemetry, "", looking))
    }

    /// All members and all replicas, each of them asked where `with_figures` says so.
    ///
    /// # Errors
    ///
    /// [`Kind::Unavailable`] while this node belongs to no cluster, [`Kind::Internal`] where
    /// counting panicked.
    pub fn whole_cluster<'a>(
        &'a self,
        call: &'a Call,
        with_figures: bool,
    ) -> Answering<'a, WholeCluster> {
        let looking = async move {
            let member = self.member()?;
            let meta = member.meta_status().await;
            let leader = meta.as_ref().and_then(|status| status.leader).map(PeerId::node);
            let nodes = member.node_overviews().await.into_iter();
            let nodes = nodes.map(|overview| NodeTelemetry {
                node: overview.node.id,
                address: overview.node.entry.address,
                alive: overview.alive,
                votes: overview.meta_voter,
                leads: leader == Some(overview.node.id),
                applied: overview.meta_applied.0,
            });
            let nodes = nodes.collect();
            let counting = Arc::clone(&member);
            let here = counted(move || counting.collections_here(false)).await?;
            let mut collections = Vec::with_capacity(here.len());
            // One deadline for all; who did not answer by then is without figures.
            let options = call.options();
            for here in here {
                let mut said = ReplicaTelemetry::new();
                let coordinator = member.coordinator();
                // One after the other, each with a bound on what is asked at a time.
                if with_figures
                    && let Ok(it) = coordinator.collection(&here.name, options.deadline).await
                {
                    said = replicas_say(&it, options.clone()).await;
                }
                collections.push((here, said));
            }
            Ok::<_, Error>(WholeCluster { nodes, meta, collections })
        };
        Box::pin(self.run(call, Operation::GetTelemetry, "", looking))
    }

    /// What the background jobs of a collection's shards are at, at their leaders, with `ended` of
    /// the last that ended.
    ///
    /// # Errors
    ///
    /// What keeps the collection from a leader of one of its shards.
    pub fn jobs<'a>(
        &'a self,
        call: &'a Call,
        collection: &'a Collection,
        ended: usize,
    ) -> Answering<'a, Vec<(GroupId, Outlook)>> {
        let asking = collection.jobs(ended, call.options());
        Box::pin(self.run(call, Operation::GetCollection, collection.name(), asking))
    }

    /// What the replicas of a collection on this node have memory and files for.
    ///
    /// # Errors
    ///
    /// [`Kind::Unavailable`] while this node belongs to no cluster, [`Kind::Internal`] where
    /// counting panicked.
    pub fn usage<'a>(&'a self, call: &'a Call, collection: &'a Collection) -> Answering<'a, Usage> {
        let groups: Vec<GroupId> = collection.groups().to_vec();
        let looking = async move {
            let member = self.member()?;
            counted(move || member.usage_here(&groups)).await
        };
        Box::pin(self.run(call, Operation::ListMemory, collection.name(), looking))
    }

    /// Fields without an index that requests looked for in the payloads of many points, by
    /// collection, on replicas here.
    ///
    /// # Errors
    ///
    /// [`Kind::Unavailable`] while this node belongs to no cluster.
    pub fn issues<'a>(
        &'a self,
        call: &'a Call,
    ) -> Answering<'a, BTreeMap<String, BTreeMap<JsonPath, Unindexed>>> {
        let looking = async move { Ok::<_, Error>(self.member()?.unindexed()) };
        Box::pin(self.run(call, Operation::ListIssues, "", looking))
    }

    /// Forgets those fields.
    ///
    /// # Errors
    ///
    /// [`Kind::Unavailable`] while this node belongs to no cluster.
    pub fn clear_issues<'a>(&'a self, call: &'a Call) -> Answering<'a, ()> {
        let clearing = async move {
            self.member()?.forget_unindexed();
            Ok::<_, Error>(())
        };
        Box::pin(self.run(call, Operation::ClearIssues, "", clearing))
    }
}

/// Counts in stores, which is not for a thread that answers requests.
async fn counted<T: Send + 'static>(
    count: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let counted = tokio::task::spawn_blocking(count).await;
    counted.map_err(|error| {
        Error::new(Kind::Internal, "", format!("the shards could not be looked at: {error}"))
    })
}

fn collections(member: &Member, depth: Depth) -> Vec<CollectionTelemetry> {
    let of_one = |here: CollectionHere| {
        let shards =
            |least| here.shards.iter().filter(move |shard| depth >= least && shard.info.is_some());
        let jobs = shards(Depth::Jobs)
            .filter_map(|shard| Some((shard.ordinal, member.jobs_here(shard.group, ENDED_TOLD)?)));
        let segments = shards(Depth::Segments)
            .filter_map(|shard| Some((shard.ordinal, member.segments_here(shard.group)?)));
        let (jobs, segments) = (jobs.collect(), segments.collect());
        CollectionTelemetry { jobs, segments, here }
    };
    member.collections_here(depth > Depth::Names).into_iter().map(of_one).collect()
}

async fn replicas_say(collection: &Collection, options: RequestOptions) -> ReplicaTelemetry {
    let ordinal = |group: GroupId| collection.groups().iter().position(|known| *known == group);
    let said = collection.replica_infos(options).await.into_iter();
    said.filter_map(|(group, node, info)| Some(((ordinal(group)?, node), info))).collect()
}
