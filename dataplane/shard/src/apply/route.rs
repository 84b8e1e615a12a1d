//! Whether a command was sent to the shard that its points belong to.

use vane_commands::{Change, read_id};
use vane_types::{Refusal, ShardRange};

use crate::apply::change::Stop;

/// Refuses a command that was routed by another range, or whose points lie outside of it. By
/// the command and the state alone, so that every replica comes to the same.
pub(super) fn check(
    own: Option<ShardRange>,
    routed_by: Option<ShardRange>,
    change: &Change,
) -> Result<(), Stop> {
    // Commands from before the feature level name no range, and a shard whose founder wrote none
    // has not learned it yet: both date from when no range had ever changed.
    let (Some(own), Some(routed_by)) = (own, routed_by) else { return Ok(()) };
    if own != routed_by {
        return Err(Refusal::StaleRoute.into());
    }
    for key in change.keys() {
        if !own.keys.contains(read_id(key)?.routing_hash()) {
            return Err(Refusal::StaleRoute.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use vane_commands::{DropIndex, Targets};
    use vane_types::{KeyRange, PointId, RangeEpoch};

    fn half(ordinal: usize, epoch: u64) -> Option<ShardRange> {
        let (keys, epoch) = (KeyRange::equal_part(ordinal, 2), RangeEpoch(epoch));
        Some(ShardRange { keys, epoch })
    }

    /// Deletes the first points of each half.
    fn delete(halves: &[usize]) -> Change {
        let first = |half: &usize| {
            let mut ids = (0..).map(PointId::num);
            let keys = KeyRange::equal_part(*half, 2);
            ids.find(|id| keys.contains(id.routing_hash())).unwrap().to_key()
        };
        Change::Delete(Targets { ids: halves.iter().map(first).collect(), ..Targets::default() })
    }

    #[test]
    fn a_command_is_taken_by_the_shard_it_was_routed_to_and_no_other() {
        let everywhere = Change::DropIndex(DropIndex::default());
        let cases = [
            ("its own", half(0, 1), half(0, 1), delete(&[0, 0]), true),
            ("of no points", half(0, 1), half(0, 1), everywhere.clone(), true),
            ("of no points, earlier", half(0, 1), half(0, 0), everywhere, false),
            ("an earlier epoch", half(0, 1), half(0, 0), delete(&[0]), false),
            ("a later epoch", half(0, 1), half(0, 2), delete(&[0]), false),
            ("the other half", half(0, 1), half(1, 1), delete(&[1]), false),
            ("a point outside", half(0, 1), half(0, 1), delete(&[0, 1]), false),
            ("from before routes", half(0, 1), None, delete(&[1]), true),
            ("no range is known yet", None, half(0, 0), delete(&[0]), true),
        ];
        for (what, own, routed_by, change, is_taken) in cases {
            match check(own, routed_by, &change) {
                Ok(()) => assert!(is_taken, "{what}"),
                Err(Stop::Refused(refusal)) => {
                    assert!(!is_taken && refusal == Refusal::StaleRoute, "{what}");
                }
                Err(_) => panic!("{what}"),
            }
        }
    }
}
