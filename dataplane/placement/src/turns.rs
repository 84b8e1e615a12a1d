//! Which shards are looked at next, and which of them may begin to copy their data.
//!
//! Copying is what costs, so that is what is counted. What only waits, for a node that is away
//! or for people, keeps no place, and steps that copy nothing are taken whenever they are due.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use vane_catalog::State;
use vane_types::GroupId;

use crate::shard_step::{ShardStep, Waiting};

/// Shards whose data is being copied at a time.
pub(crate) const COPIES_AT_ONCE: usize = 4;
/// Shards that are looked at in one round; the others have their turn in the next ones.
const LOOKED_AT_MAX: usize = 64;

/// Whose turn it is. A meta leader that begins anew finds in its first rounds what is being
/// copied, and begins no more of it until then than is allowed.
#[derive(Debug, Default)]
pub struct Turns {
    /// Shards that were copying when they were last looked at.
    copying: BTreeSet<GroupId>,
    /// The last of the others that was looked at.
    last: Option<GroupId>,
}

impl Turns {
    /// The shards to look at now, of those that are not where they should be: all that copy,
    /// since they count, and the next of the others in turn.
    pub fn due(&mut self, state: &State) -> Vec<GroupId> {
        let is_due =
            |group: &GroupId| state.shards.get(group).is_some_and(|shard| shard.target.is_some());
        self.copying.retain(is_due);
        let others = |group: &GroupId| is_due(group) && !self.copying.contains(group);
        let behind = state.shards.keys().filter(|group| Some(**group) > self.last);
        let before = state.shards.keys().filter(|group| Some(**group) <= self.last);
        let room = LOOKED_AT_MAX.saturating_sub(self.copying.len());
        let next: Vec<GroupId> = behind.chain(before).copied().filter(others).take(room).collect();
        self.last = next.last().copied();
        self.copying.iter().copied().chain(next).collect()
    }

    /// Whether the next step of a shard is to be taken now; takes note of what copies. `None`
    /// is that of a shard whose leader did not report.
    pub fn admits(&mut self, group: GroupId, step: Option<&ShardStep>) -> bool {
        match step {
            Some(ShardStep::Wait(Waiting::CatchingUp { .. } | Waiting::TakingIn { .. })) => {
                // Also above the limit: it was begun by another meta leader, and goes on.
                self.copying.insert(group);
                false
            }
            Some(ShardStep::Copy(_)) => {
                let has_place =
                    self.copying.contains(&group) || self.copying.len() < COPIES_AT_ONCE;
                if has_place {
                    self.copying.insert(group);
                }
                has_place
            }
            // What comes of it shows in the next round.
            Some(ShardStep::Wait(Waiting::ChangeUnderWay | Waiting::LeaderBehind)) => false,
            Some(ShardStep::Wait(Waiting::Away(_) | Waiting::NoHeir)) | None => {
                self.copying.remove(&group);
                false
            }
            Some(
                ShardStep::Change(_)
                | ShardStep::Transfer(_)
                | ShardStep::Record
                | ShardStep::Settle,
            ) => {
                self.copying.remove(&group);
                true
            }
        }
    }
}
