//! Time, and the groups for which it stands still: see [`Quiet`](crate::quiet::Quiet).

use std::collections::BTreeSet;

use vane_types::GroupId;

use super::Core;
use crate::codec::Envelope;
use crate::pulse::Pulse;
use crate::quiet::Cause;

/// Groups that fall quiet in one tick, at most: each sends a message to every member.
const PER_TICK: usize = 512;

impl Core {
    /// Whether groups may fall quiet: once every node of the cluster knows what that is.
    pub fn allow_quiet(&mut self, is_allowed: bool) {
        self.may_be_quiet = is_allowed;
        if !is_allowed {
            self.wake_all();
        }
    }

    /// The process stood still for so long that others may have taken it for lost: what its quiet
    /// leaders say may not hold any more, until they have heard from their members.
    pub fn stood_still(&mut self) {
        self.wake_all();
    }

    fn wake_all(&mut self) {
        let quiet = self.quiet.groups();
        quiet.into_iter().for_each(|group| self.wake(group, &Cause::Work));
    }

    /// Moves the clock of every replica by one tick of [`Config::tick`](crate::Config::tick), but
    /// for those of quiet groups.
    pub fn tick(&mut self) {
        let (nodes, groups) = self.quiet.tick(self.config.election_ticks.start);
        let silence = Cause::Silence(nodes, self.config.election_ticks.start);
        groups.into_iter().for_each(|group| self.wake(group, &silence));
        let mut room = if self.may_be_quiet { PER_TICK } else { 0 };
        let mut fallen = Vec::new();
        for group in &self.awake {
            let Some(replica) = self.groups.get_mut(group) else { continue };
            replica.tick();
            self.dirty.insert(*group);
            if room > 0 && replica.fall_quiet() {
                room -= 1;
                fallen.push(*group);
            }
        }
        fallen.into_iter().for_each(|group| self.note_quiet(group));
        self.tick_asked();
        self.pulses.extend(self.quiet.pulses(self.config.heartbeat_ticks));
    }

    /// Asks again for the reads of quiet followers whose question may be lost.
    fn tick_asked(&mut self) {
        for group in self.asked.take() {
            if let Some(replica) = self.groups.get_mut(&group).filter(|it| it.is_quiet()) {
                replica.tick_words();
                self.dirty.insert(group);
            }
        }
    }

    /// Takes a message that is for the node.
    pub(super) fn hear_pulse(&mut self, envelope: &Envelope) {
        let Some(pulse) = Pulse::of(envelope) else { return };
        let (from, me) = (envelope.from().node(), envelope.to().node());
        if pulse.asks {
            self.pulses.push(Pulse::default().envelope(me, from));
        }
        let groups = self.quiet.hear(from, pulse);
        groups.into_iter().for_each(|group| self.wake(group, &Cause::Work));
    }

    /// Has the clock of a replica go on.
    pub(super) fn wake(&mut self, group: GroupId, cause: &Cause) {
        let replica = self.groups.get_mut(&group).filter(|replica| replica.is_quiet());
        let Some(replica) = replica else { return };
        replica.wake(cause);
        self.dirty.insert(group);
        self.note_quiet(group);
    }

    /// Notes whether a replica is quiet now.
    pub(super) fn note_quiet(&mut self, group: GroupId) {
        match self.groups.get(&group).map(|replica| replica.counts_on()) {
            Some(Some(counts_on)) => {
                self.awake.remove(&group);
                // Another leader's last heartbeat has it count on another node, without a tick.
                if self.quiet.of(group) != Some(counts_on) {
                    self.quiet.insert(group, counts_on.clone());
                }
            }
            Some(None) => {
                self.quiet.remove(group);
                self.awake.insert(group);
            }
            None => {
                self.quiet.remove(group);
                self.awake.remove(&group);
            }
        }
    }

    /// The groups whose clocks go.
    pub fn awake(&self) -> &BTreeSet<GroupId> {
        &self.awake
    }
}
