//! Whose points a command is about, and the end of a tenant.

use vane_commands::{Change, CloseTenant, read_id, read_tenant};
use vane_types::Refusal;

use crate::apply::change::{Applying, Stop};
use crate::apply::effects::Effect;
use crate::stored::closed_name;

impl Applying<'_, '_> {
    /// Refuses points of a tenant that is closed, and such that are of none in a collection by
    /// tenant, or of one in another: of those no request could find them again.
    pub(super) fn check_tenants(&self, change: &Change) -> Result<(), Stop> {
        let by_tenant = self.state.config.by_tenant;
        // Points that are there go by what is said of them when they came.
        if matches!(change, Change::Delete(_)) || !by_tenant && self.state.closed.is_empty() {
            return Ok(());
        }
        for key in change.keys() {
            let tenant = read_id(key)?.tenant;
            if tenant.is_some() != by_tenant {
                let text = "a point of a collection by tenant needs a tenant";
                return Err(Refusal::Invalid(text.into()).into());
            }
            // A write that was sent before the catalog forgot the tenant, and comes after.
            if tenant.is_some_and(|tenant| self.state.closed.contains(&tenant)) {
                return Err(Refusal::NotFound("The shard key".into()).into());
            }
        }
        Ok(())
    }

    pub(super) fn close_tenant(&mut self, close: CloseTenant) -> Result<(), Stop> {
        let tenant = read_tenant(close.tenant)?;
        self.batch().put_attribute(&closed_name(tenant), &[]);
        self.effects.memory.push(Effect::TenantClosed(tenant));
        Ok(())
    }
}
