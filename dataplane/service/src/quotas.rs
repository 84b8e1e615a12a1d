//! How much of its memory and of its disk each node may use: looked at, and said.

use std::sync::Arc;

use vane_api::Error;
use vane_types::Quotas;

use crate::call::Call;
use crate::engine::QuotaOverview;
use crate::operation::Operation;
use crate::service::{Answering, Service};

impl Service {
    /// The quotas, and how near the members are to them.
    ///
    /// # Errors
    ///
    /// [`vane_api::Kind::Unavailable`] while this node belongs to no cluster.
    pub fn quotas<'a>(&'a self, call: &'a Call) -> Answering<'a, QuotaOverview> {
        let looking = async move {
            let member = self.member()?;
            // As new as a name that is looked up: they may have been said through another node.
            member.coordinator().be_current(call.options().deadline).await;
            Ok::<_, Error>(member.quota_overview())
        };
        Box::pin(self.run(call, Operation::GetQuotas, "", looking))
    }

    /// Says what they are, in place of what was said.
    ///
    /// # Errors
    ///
    /// What keeps the meta group from deciding; [`vane_api::Kind::Unsupported`] while some member
    /// would not know of them.
    pub fn set_quotas<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        quotas: Quotas,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let (coordinator, timeout) = (self.coordinator()?, call.timeout);
            let setting = async move { coordinator.set_quotas(quotas, timeout).await };
            self.change(call, Operation::SetQuotas, "", setting).await
        })
    }
}
