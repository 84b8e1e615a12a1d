//! `vanectl policy`: how replicas and leaders are moved by the cluster itself.

use serde::Serialize;
use vane_proto::admin::balance::Standing;
use vane_proto::admin::{self, Balance, Policy};

use crate::args::{PolicyAction, PolicyChange, Rebalance, Switch, Watch};
use crate::client::Client;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::{Console, View};
use crate::table::Table;
use crate::units::bytes;
use crate::watch;

/// The policy and how even the nodes are, as JSON shows them.
#[derive(Debug, Serialize)]
struct BalanceView {
    rebalance: &'static str,
    threshold_percent: u32,
    moves_at_once: u32,
    per_node: u32,
    bytes_per_second: u64,
    leaders: bool,
    standing: &'static str,
    message: String,
    worst_percent: u64,
    moves: u32,
}

impl From<Balance> for BalanceView {
    fn from(balance: Balance) -> Self {
        let standing = match balance.standing() {
            Standing::Balanced => "balanced",
            Standing::Moving => "moving",
            Standing::Resting => "resting",
            Standing::OffByPolicy => "off_by_policy",
            Standing::Pinned => "pinned",
            Standing::NoRoom => "no_room",
            Standing::Waiting => "waiting",
            Standing::Unspecified => "unknown",
        };
        let policy = balance.policy.unwrap_or_default();
        Self {
            rebalance: match policy.rebalance() {
                admin::Rebalance::Off => "off",
                admin::Rebalance::Count => "count",
                admin::Rebalance::Bytes => "bytes",
                admin::Rebalance::Unspecified => "unknown",
            },
            threshold_percent: policy.threshold_percent(),
            moves_at_once: policy.moves_at_once(),
            per_node: policy.per_node(),
            bytes_per_second: policy.bytes_per_second(),
            leaders: policy.leaders(),
            standing,
            message: balance.message,
            worst_percent: balance.worst_percent,
            moves: balance.moves,
        }
    }
}

impl View for BalanceView {
    fn table(&self) -> Table {
        let rate = match self.bytes_per_second {
            0 => "no copy begins".to_owned(),
            rate => format!("{}/s from each node", bytes(rate)),
        };
        Table::fields([
            ("Rebalance", self.rebalance.into()),
            ("Threshold", format!("{}%", self.threshold_percent)),
            ("Moves at once", format!("{}, {} of each node", self.moves_at_once, self.per_node)),
            ("Copies", rate),
            ("Leaders", if self.leaders { "spread" } else { "left alone" }.into()),
            ("Balance", format!("{}: {}", self.standing, self.message)),
            ("Worst node", format!("{}% off the mean", self.worst_percent)),
        ])
    }
}

impl From<&PolicyChange> for Policy {
    fn from(change: &PolicyChange) -> Self {
        let rebalance = change.rebalance.map(|rebalance| match rebalance {
            Rebalance::Off => admin::Rebalance::Off,
            Rebalance::Count => admin::Rebalance::Count,
            Rebalance::Bytes => admin::Rebalance::Bytes,
        });
        Self {
            moves_at_once: change.moves_at_once,
            per_node: change.per_node,
            bytes_per_second: change.bytes_per_second,
            rebalance: rebalance.map(Into::into),
            threshold_percent: change.threshold,
            leaders: change.leaders.map(|switch| switch == Switch::On),
        }
    }
}

/// Shows the policy, or changes it.
pub(crate) async fn run(
    console: &mut Console,
    flags: Watch,
    action: Option<PolicyAction>,
) -> Result<Exit, Error> {
    let fetch = async |client: &mut Client| client.balance().await.map(BalanceView::from);
    match action {
        Some(PolicyAction::Set(change)) => {
            console.client.set_policy(Policy::from(&change)).await?;
            let view = fetch(&mut console.client).await?;
            let sentence =
                "policy changed: `vanectl policy` shows it, `vanectl moves` what it does";
            console.output.confirm(sentence, &view)?;
        }
        Some(PolicyAction::Get) | None => drop(watch::show(console, flags, fetch).await?),
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_reads_as_it_is_set() {
        let change = PolicyChange {
            rebalance: Some(Rebalance::Bytes),
            threshold: Some(30),
            moves_at_once: None,
            per_node: None,
            bytes_per_second: Some(100 << 20),
            leaders: Some(Switch::Off),
        };
        let policy = Policy::from(&change);
        assert_eq!(policy.moves_at_once, None, "it stays as it is");
        let standing = Standing::Moving.into();
        let message = "2 shards are being moved".into();
        let balance =
            Balance { policy: Some(policy), standing, message, worst_percent: 33, moves: 2 };
        let table = BalanceView::from(balance).table().render(true, false);
        for line in ["bytes", "30%", "100Mi/s from each node", "left alone", "33% off the mean"] {
            assert!(table.contains(line), "{table}");
        }
        assert!(table.contains("moving: 2 shards are being moved"), "{table}");
    }
}
