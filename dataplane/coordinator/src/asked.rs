//! When a node last asked how new its catalog is, and which changes of it matter to that.

use std::time::Instant;

use futures_util::lock::Mutex as AsyncMutex;
use parking_lot::Mutex;
use vane_catalog::MetaCommand;

/// When this node last asked whether its catalog is the newest.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) at: Mutex<Option<Instant>>,
    /// One asks for all that wait.
    pub(crate) asking: AsyncMutex<()>,
}

/// Whether requests of clients are answered otherwise after a change: the next one may go to
/// another node.
pub(crate) fn is_about_names(command: &MetaCommand) -> bool {
    match command {
        MetaCommand::Create(_)
        | MetaCommand::Configure(_)
        | MetaCommand::AddVector { .. }
        | MetaCommand::RemoveVector { .. }
        | MetaCommand::Delete { .. }
        | MetaCommand::CreateTenant { .. }
        | MetaCommand::DeleteTenant { .. }
        | MetaCommand::SetReplicationFactor { .. }
        | MetaCommand::SetMetadata { .. }
        | MetaCommand::SetQuotas(_)
        | MetaCommand::Aliases(_) => true,
        MetaCommand::VectorsTold { .. }
        | MetaCommand::PutNode(_)
        | MetaCommand::SetZone { .. }
        | MetaCommand::SetLeaving { .. }
        | MetaCommand::SetFollowsOnly { .. }
        | MetaCommand::HoldFeatureLevel(_)
        | MetaCommand::SetSettings(_)
        | MetaCommand::RemoveNode { .. }
        | MetaCommand::Reconfigure { .. }
        | MetaCommand::Settle { .. }
        | MetaCommand::Refill { .. }
        | MetaCommand::SetPolicy(_)
        | MetaCommand::Rebalance { .. }
        | MetaCommand::SetPinned { .. }
        | MetaCommand::RaiseFeatureLevel { .. } => false,
    }
}
