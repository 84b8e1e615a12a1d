//! Ends a tenant: nothing is written for it any more.

use prost::Message;
use vane_types::TenantId;

use crate::checked::Checked;
use crate::command::Change;

/// A tenant of which the shard takes no points any more. Its points stay until they are deleted.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct CloseTenant {
    /// [`TenantId::number`].
    #[prost(uint32, tag = "1")]
    pub tenant: u32,
}

pub(crate) fn check_close(tenant: TenantId) -> Checked {
    Checked::everywhere(Change::CloseTenant(CloseTenant { tenant: tenant.number() }))
}
