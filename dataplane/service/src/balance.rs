//! How replicas are moved by the cluster itself: looked at, and said.

use std::sync::Arc;

use vane_api::Error;
use vane_types::{GroupId, Policy};

use crate::call::Call;
use crate::engine::BalanceOverview;
use crate::operation::Operation;
use crate::service::{Answering, Service};

impl Service {
    /// The policy, and how even the nodes are.
    ///
    /// # Errors
    ///
    /// [`vane_api::Kind::Unavailable`] while this node belongs to no cluster.
    pub fn balance<'a>(&'a self, call: &'a Call) -> Answering<'a, BalanceOverview> {
        let looking = async move {
            let member = self.member()?;
            // It may have been said through another node.
            member.coordinator().be_current(call.options().deadline).await;
            Ok::<_, Error>(member.balance_overview().await)
        };
        Box::pin(self.run(call, Operation::GetBalance, "", looking))
    }

    /// Says what the policy is: `change` is made to what it was. Whoever changes it at the same
    /// time has the last word.
    ///
    /// # Errors
    ///
    /// [`vane_api::Kind::BadInput`] for what cannot be, [`vane_api::Kind::Unsupported`] while some
    /// member would not know of it, or what keeps the meta group from deciding.
    pub fn change_policy<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        change: impl FnOnce(&mut Policy) + Send + 'static,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let (member, timeout) = (self.member()?, call.timeout);
            member.coordinator().be_current(call.options().deadline).await;
            let mut policy = member.coordinator().catalog().read(|state| state.policy);
            change(&mut policy);
            let setting = async move { member.set_policy(policy, timeout).await };
            self.change(call, Operation::SetPolicy, "", setting).await
        })
    }

    /// Says whether a shard's replicas stay where people want them.
    ///
    /// # Errors
    ///
    /// [`vane_api::Kind::NotFound`], and as those of [`Service::change_policy`].
    pub fn pin_shard<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        group: GroupId,
        pinned: bool,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let (member, timeout) = (self.member()?, call.timeout);
            let changing = async move { member.set_pinned(group, pinned, timeout).await };
            self.change(call, Operation::PinShard, &format!("group {group}"), changing).await
        })
    }
}
