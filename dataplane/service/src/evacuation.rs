//! The replicas of a node that is to go, moved to others.

use std::sync::Arc;
use std::time::Instant;

use vane_api::{Error, Kind};
use vane_types::{ErrorKind, NodeId};

use crate::call::Call;
use crate::engine::{Evacuation, Member, Shards, evacuation};
use crate::operation::Operation;
use crate::service::{Answering, Service};

/// Moves that one call asks for: the groups carry out a few at a time, and the call may be
/// repeated.
const MOVES_PER_CALL_MAX: usize = 256;

impl Service {
    /// Records for the shards of a node that is to go where its replicas should be instead, a few
    /// hundred at most; how many, and which shards cannot do without it, a line each. `preferred`
    /// takes replicas where it can.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] where there is no such node, [`Kind::Conflict`] where nobody said that it
    /// is to go, or what keeps the meta group from deciding.
    pub fn evacuate_node<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        node: NodeId,
        preferred: Option<NodeId>,
    ) -> Answering<'a, (u32, Vec<String>)> {
        Box::pin(async move {
            let member = self.member()?;
            let deadline = call.options().deadline;
            let moving =
                Box::pin(async move { evacuate(&member, node, preferred, deadline).await });
            self.change(call, Operation::EvacuateNode, &format!("node {node}"), moving).await
        })
    }
}

async fn evacuate(
    member: &Member,
    node: NodeId,
    preferred: Option<NodeId>,
    deadline: Instant,
) -> Result<(u32, Vec<String>), Error> {
    let coordinator = member.coordinator();
    // So that a call which is repeated finds its own work, through whichever node it comes.
    coordinator.catch_up(deadline).await?;
    let alive = |node| coordinator.shards().is_alive(node);
    let Evacuation { plans, stays } = coordinator.catalog().read(|state| {
        let Some(found) = state.nodes.get(&node) else {
            let detail = format!("there is no node {node}");
            return Err(Error::new(Kind::NotFound, "", detail));
        };
        // A call that was late must not empty a node of which was said since that it stays.
        if !found.leaving {
            let detail = format!("node {node} is not to go: nothing was moved");
            return Err(Error::new(Kind::Conflict, "", detail));
        }
        Ok(evacuation(state, node, preferred, alive))
    })?;
    let mut asked = 0;
    for plan in plans.into_iter().take(MOVES_PER_CALL_MAX) {
        let left = deadline.saturating_duration_since(Instant::now());
        match member.carry_out(plan, left).await {
            Ok(()) => asked += 1,
            // Somebody else changed the shard meanwhile: the next call decides on what it is then.
            Err(error) if error.kind == ErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((asked, stays.iter().map(ToString::to_string).collect()))
}
