//! What the searches of a collection found lately, on all of its replicas: each measures its own.

use futures_util::{StreamExt, stream};
use vane_shard::Info;
use vane_transport::Freshness;
use vane_transport::reads::InfoOf;
use vane_types::{GroupId, LogIndex, NodeId, Recall};

use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

/// Replicas that are asked at a time.
const AT_ONCE: usize = 32;

impl<S: Shards> Collection<S> {
    /// What was measured on all replicas that answer. Those that do not are left out: nobody
    /// depends on all of it.
    pub async fn recall(&self, options: RequestOptions) -> Recall {
        let mut recall = Recall::default();
        for (_, _, info) in self.replica_infos(options).await {
            recall.merge(info.recall);
        }
        recall
    }

    /// What all replicas that answer hold and do.
    pub async fn replica_infos(&self, options: RequestOptions) -> Vec<(GroupId, NodeId, Info)> {
        let (shards, deadline) = (&self.coordinator.shards, options.deadline);
        let mut replicas = Vec::new();
        for group in self.groups().iter().copied() {
            let nodes = self.coordinator.catalog.read(|state| state.nodes_of(group));
            let there = nodes.into_iter().filter(|node| shards.is_alive(*node));
            replicas.extend(there.map(|node| (node, group)));
        }
        let any = Freshness::Applied(LogIndex::ZERO);
        let mut asked = Vec::with_capacity(replicas.len());
        for (node, group) in replicas {
            let asking = shards.read(node, group, InfoOf, any, deadline);
            asked.push(async move { (group, node, asking.await) });
        }
        let (mut infos, mut answers) = (Vec::new(), stream::iter(asked).buffer_unordered(AT_ONCE));
        while let Some((group, node, answered)) = answers.next().await {
            infos.extend(answered.ok().map(|(info, _)| (group, node, info)));
        }
        infos
    }
}
