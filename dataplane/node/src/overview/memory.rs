//! What the nodes have memory for.

use std::sync::Arc;

use tokio::task::JoinSet;
use vane_transport::{NodeMemory, ReportRequest};
use vane_types::NodeId;

use crate::member::Member;

/// A member, and what it has memory for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryOverview {
    /// The member.
    pub node: NodeId,
    /// Name that it gave itself.
    pub name: String,
    /// `None` where it does not answer, or is of a version that does not say.
    pub memory: Option<NodeMemory>,
}

impl Member {
    /// All members, each asked now.
    pub async fn memory_overviews(&self) -> Vec<MemoryOverview> {
        let mut asked = JoinSet::new();
        for member in self.nodes() {
            let reporter = Arc::clone(&self.serving.reporter);
            asked.spawn(async move {
                let report = reporter.ask(member.id, ReportRequest::Memory).await;
                let memory = report.and_then(|report| report.memory);
                MemoryOverview { node: member.id, name: member.entry.name, memory }
            });
        }
        let mut overviews = asked.join_all().await;
        overviews.sort_by_key(|overview| overview.node);
        overviews
    }
}
