//! Connections that are refused, because the process that listened has ended: what the streams
//! between real nodes notice.

use vane_types::NodeId;

use super::Process;
use crate::env::Env;
use crate::event::Step;
use crate::queue::{TICK, Time};

/// Time between attempts, and attempts at most.
const PAUSE: std::ops::Range<Time> = TICK / 7..TICK / 4;
const TIMES_MAX: u64 = 50;
/// Refusals, per million, of which the raft thread hears late.
const LATE: u64 = 100_000;

impl Process {
    /// Tries to connect to a node whose process has ended, as long as it is refused.
    pub(super) fn knock(&mut self, env: &mut Env, node: NodeId, times: u64) {
        let heard = self.core.contacts().of(node);
        // A cut link swallows the attempt and a process takes it: neither refuses.
        let reaches = env.network.is_open(self.id.0, node) && env.network.is_open(node, self.id.0);
        if !reaches || env.up.contains(&node) || times > TIMES_MAX {
            return;
        }
        let late = if env.random.chance(LATE) { 20 * TICK } else { TICK / 100 };
        let time = env.random.below(late);
        env.step(time, self.id, Step::Refused { node, heard });
        let pause = env.random.within(&PAUSE);
        env.step(pause, self.id, Step::Knock(node, times + 1));
    }
}
