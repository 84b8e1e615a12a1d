//! Moves of replicas, and the policy for them, as messages of the administration.

use vane_proto::admin::balance::Standing as StandingMessage;
use vane_proto::admin::r#move::Phase;
use vane_proto::admin::{self, Move, Role};
use vane_types::{Policy, Rebalance};

use crate::engine::{BalanceOverview, MoveOverview, MovePhase, Standing};
use crate::error::{Error, Kind};

pub(super) fn replica_move(overview: MoveOverview) -> Move {
    let MoveOverview {
        from,
        to,
        learner,
        phase,
        bytes_total,
        bytes_done,
        bytes_per_second,
        left,
        attempts,
        reason,
    } = overview;
    let phase = match phase {
        MovePhase::Preparing => Phase::Preparing,
        MovePhase::Copying => Phase::Copying,
        MovePhase::Verifying => Phase::Verifying,
        MovePhase::Switching => Phase::Switching,
        MovePhase::Failed => Phase::Failed,
    };
    Move {
        phase: phase.into(),
        // 0 is the number of no node.
        from_node: from.map_or(0, |node| node.0),
        to_node: to.map_or(0, |node| node.0),
        role: if learner { Role::Learner } else { Role::Voter }.into(),
        bytes_total,
        bytes_done,
        bytes_per_second,
        seconds_left: left.map(|left| left.as_secs()),
        attempts,
        reason,
    }
}

/// How even nodes are.
pub fn balance(overview: BalanceOverview) -> admin::Balance {
    let BalanceOverview { policy, balance } = overview;
    let standing = match balance.standing {
        Standing::Balanced => StandingMessage::Balanced,
        Standing::Moving(_) => StandingMessage::Moving,
        Standing::Resting => StandingMessage::Resting,
        Standing::OffByPolicy => StandingMessage::OffByPolicy,
        Standing::Pinned => StandingMessage::Pinned,
        Standing::NoRoom => StandingMessage::NoRoom,
        Standing::Waiting(_) => StandingMessage::Waiting,
    };
    let moves = match balance.standing {
        Standing::Moving(shards) => shards,
        _ => 0,
    };
    admin::Balance {
        policy: Some(shown(&policy)),
        standing: standing.into(),
        message: balance.standing.to_string(),
        worst_percent: balance.worst_percent,
        moves: u32::try_from(moves).unwrap_or(u32::MAX),
    }
}

fn shown(policy: &Policy) -> admin::Policy {
    let rebalance = match policy.rebalance {
        Rebalance::Off => admin::Rebalance::Off,
        Rebalance::Count => admin::Rebalance::Count,
        Rebalance::Bytes => admin::Rebalance::Bytes,
    };
    admin::Policy {
        moves_at_once: Some(policy.moves_at_once),
        per_node: Some(policy.per_node),
        bytes_per_second: Some(policy.bytes_per_second),
        rebalance: Some(rebalance.into()),
        threshold_percent: Some(policy.threshold_percent),
        leaders: Some(policy.leaders),
    }
}

/// What of a policy is to change, checked as far as the cluster is not needed.
///
/// # Errors
///
/// [`Kind::BadInput`] for what this version does not know to even out.
pub fn policy_change(asked: admin::Policy) -> Result<impl FnOnce(&mut Policy) + Send, Error> {
    let rebalance = match asked.rebalance.map(admin::Rebalance::try_from) {
        None => None,
        Some(Ok(admin::Rebalance::Off)) => Some(Rebalance::Off),
        Some(Ok(admin::Rebalance::Count)) => Some(Rebalance::Count),
        Some(Ok(admin::Rebalance::Bytes)) => Some(Rebalance::Bytes),
        Some(Ok(admin::Rebalance::Unspecified) | Err(_)) => {
            let why = "policy: `rebalance` is off, count or bytes; nothing was changed";
            return Err(Error::new(Kind::BadInput, "", why));
        }
    };
    Ok(move |policy: &mut Policy| {
        let before = *policy;
        *policy = Policy {
            moves_at_once: asked.moves_at_once.unwrap_or(before.moves_at_once),
            per_node: asked.per_node.unwrap_or(before.per_node),
            bytes_per_second: asked.bytes_per_second.unwrap_or(before.bytes_per_second),
            rebalance: rebalance.unwrap_or(before.rebalance),
            threshold_percent: asked.threshold_percent.unwrap_or(before.threshold_percent),
            leaders: asked.leaders.unwrap_or(before.leaders),
        };
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_of_a_policy_stays_and_what_is_shown_can_be_set() {
        let before = Policy { moves_at_once: 7, leaders: false, ..Policy::default() };
        let asked = admin::Policy {
            rebalance: Some(admin::Rebalance::Bytes.into()),
            ..admin::Policy::default()
        };
        let mut policy = before;
        policy_change(asked).unwrap()(&mut policy);
        assert_eq!(policy, Policy { rebalance: Rebalance::Bytes, ..before });
        let mut again = Policy::default();
        policy_change(shown(&policy)).unwrap()(&mut again);
        assert_eq!(again, policy);
        let unknown = admin::Policy { rebalance: Some(9), ..admin::Policy::default() };
        assert!(policy_change(unknown).is_err());
    }
}
