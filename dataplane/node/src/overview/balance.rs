//! How even nodes are, as anybody is told who asks.

use vane_placement::Balance;
use vane_types::Policy;

use crate::member::Member;

/// The policy for moves, and what it comes to now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceOverview {
    /// How replicas and leaders are moved by the cluster itself.
    pub policy: Policy,
    /// How even nodes are; the moves are those that would begin now.
    pub balance: Balance,
}

impl Member {
    /// How even nodes are, by what the leaders of all shards report.
    pub async fn balance_overview(&self) -> BalanceOverview {
        let balance = self.serving.balancing.look().await.balance;
        let policy = self.ground.catalog.read(|state| state.policy);
        BalanceOverview { policy, balance }
    }
}
