//! How the database moves copies and leaders by itself, as the spec has it.

use vane_crds::cluster::{LeaderBalance, Rebalance, RebalanceMode};
use vane_proto::admin;

use super::Step;
use crate::cluster::observed::Observed;
use crate::cluster::validate::ValidatedCluster;

/// A step where the database's policy is not what the spec says of it. What the spec leaves out is
/// left to whoever else says it.
pub(super) fn step(cluster: &ValidatedCluster, observed: &Observed) -> Option<Step> {
    let wanted = cluster.spec.rebalance.as_ref()?;
    let database = observed.database.as_ref().filter(|_| observed.is_confirmed())?;
    let there = database.balance.as_ref()?.policy.as_ref()?;
    let change = change(wanted, there);
    (change != admin::Policy::default()).then_some(Step::SetPolicy(change))
}

/// What of a policy is to change.
fn change(wanted: &Rebalance, there: &admin::Policy) -> admin::Policy {
    let mode = wanted.mode.map(|mode| match mode {
        RebalanceMode::Off => admin::Rebalance::Off,
        RebalanceMode::Count => admin::Rebalance::Count,
        RebalanceMode::Bytes => admin::Rebalance::Bytes,
    });
    let number = |wanted: Option<i32>| wanted.and_then(|number| u32::try_from(number).ok());
    let bytes = wanted.bytes_per_second.and_then(|bytes| u64::try_from(bytes).ok());
    let leaders = wanted.leaders.map(|leaders| leaders == LeaderBalance::On);
    admin::Policy {
        rebalance: differing(mode.map(Into::into), there.rebalance),
        threshold_percent: differing(number(wanted.threshold_percent), there.threshold_percent),
        moves_at_once: differing(number(wanted.moves_at_once), there.moves_at_once),
        per_node: None,
        bytes_per_second: differing(bytes, there.bytes_per_second),
        leaders: differing(leaders, there.leaders),
    }
}

fn differing<T: PartialEq>(wanted: Option<T>, there: Option<T>) -> Option<T> {
    wanted.filter(|wanted| there.as_ref() != Some(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_spec_says_and_the_database_lacks_is_set() {
        let there = admin::Policy {
            rebalance: Some(admin::Rebalance::Off.into()),
            threshold_percent: Some(20),
            bytes_per_second: Some(7),
            leaders: Some(true),
            ..admin::Policy::default()
        };
        let mut wanted = Rebalance {
            mode: Some(RebalanceMode::Bytes),
            threshold_percent: Some(20),
            ..Rebalance::default()
        };
        let bytes = Some(admin::Rebalance::Bytes.into());
        let expected = admin::Policy { rebalance: bytes, ..admin::Policy::default() };
        assert_eq!(change(&wanted, &there), expected);
        wanted.mode = Some(RebalanceMode::Off);
        assert_eq!(change(&wanted, &there), admin::Policy::default());
        wanted.bytes_per_second = Some(0);
        wanted.leaders = Some(LeaderBalance::Off);
        let changed = change(&wanted, &there);
        assert_eq!((changed.bytes_per_second, changed.leaders), (Some(0), Some(false)));
    }
}
