//! What goes wrong, at random.

use vane_types::{GroupId, NodeId};

use crate::env::{Crash, End, Env};
use crate::event::Event;
use crate::process::Input;
use crate::queue::{TICK, Time};
use crate::world::{World, place};

/// Time that a cluster has after it was off.
const AFTER_BLACKOUT: Time = 40 * TICK;

/// Crashes, per million, after which the next process starts at once.
const SHORT_CRASHES: u64 = 300_000;

#[derive(Debug, Clone, Copy)]
enum Fault {
    Crash,
    Blackout,
    Freeze,
    Stop,
    CutOneWay,
    Isolate,
    Split,
    Transfer,
    Reconfigure,
    Collections,
    Vectors,
    KeepDisks,
    PutDiskBack,
}

impl Fault {
    /// Whether it may silence everybody who knows of a later start of a disk, or comes on top of
    /// one that was put back: two at a time are more than is promised.
    fn hides_the_past(self) -> bool {
        match self {
            Self::Blackout | Self::CutOneWay | Self::Isolate | Self::Split => true,
            Self::KeepDisks | Self::PutDiskBack => true,
            Self::Crash | Self::Freeze | Self::Stop => false,
            Self::Transfer | Self::Reconfigure | Self::Collections | Self::Vectors => false,
        }
    }
}

/// Draws a fault by the seed's weights.
fn draw(env: &mut Env) -> Option<Fault> {
    let rates = &env.swarm.faults;
    let weights = [
        (Fault::Crash, rates.crash),
        (Fault::Blackout, rates.blackout),
        (Fault::Freeze, rates.freeze),
        (Fault::Stop, rates.stop),
        (Fault::CutOneWay, rates.cut_one_way),
        (Fault::Isolate, rates.isolate),
        (Fault::Split, rates.split),
        (Fault::Transfer, rates.transfer),
        (Fault::Reconfigure, rates.reconfigure),
        (Fault::Collections, rates.collections),
        (Fault::KeepDisks, rates.put_back / 4),
        (Fault::PutDiskBack, rates.put_back),
        (Fault::Vectors, rates.vectors),
    ];
    // No weight at all in a calm seed: then nothing is drawn, and nothing happens.
    let all: u64 = weights.iter().map(|(_, weight)| weight).sum();
    let mut drawn = env.random.below(all.max(1));
    weights.into_iter().find_map(|(fault, weight)| {
        let hit = drawn < weight;
        drawn = drawn.saturating_sub(weight);
        hit.then_some(fault)
    })
}

impl World {
    /// Lets something go wrong, and plans the next.
    pub(crate) fn fault(&mut self) {
        let is_past = self.has_unnoticed_past();
        let env = &mut self.env;
        let mut pause = env.random.within(&env.swarm.faults.pause);
        let drawn = draw(env);
        if matches!(drawn, Some(Fault::Blackout)) {
            // Or else some seeds would do nothing but start.
            pause += AFTER_BLACKOUT;
        }
        env.queue.after(pause, Event::Fault);
        let Some(fault) = drawn.filter(|fault| !is_past || !fault.hides_the_past()) else { return };
        let node = env.any_node();
        let lasts = env.random.within(&env.swarm.faults.lasts);
        match fault {
            Fault::Crash => {
                let is_short = env.random.chance(SHORT_CRASHES);
                env.crash(node, is_short);
            }
            Fault::Blackout => {
                let all = env.all_nodes();
                env.ends.extend(all.map(|node| End { node, crash: Crash::Power, is_short: false }));
            }
            Fault::Freeze => {
                env.note("freeze", &[("node", node.0), ("time", lasts)]);
                self.nodes[place(node)].frozen_until = env.now() + lasts;
                // Disturbed until it thaws, or its group would be blamed for waiting for it.
                self.nodes[place(node)].disturbed_at = env.now() + lasts;
            }
            Fault::Stop => {
                self.nodes[place(node)].stop(env);
                self.notice_end(node);
                self.ended(node, false);
            }
            Fault::CutOneWay => {
                let other = env.any_node();
                self.cut("cut one way", vec![(node, other)], lasts);
            }
            Fault::Isolate => {
                // One way only is the nasty case: who hears nothing still disturbs the others.
                let (out, into) = match env.random.below(3) {
                    0 => (true, false),
                    1 => (false, true),
                    _ => (true, true),
                };
                let others = env.all_nodes().filter(|other| *other != node);
                let links = others.flat_map(|other| [(node, other, out), (other, node, into)]);
                let links = links.filter(|link| link.2).map(|link| (link.0, link.1)).collect();
                self.cut("isolate", links, lasts);
            }
            Fault::Split => {
                let side = env.random.next();
                // A bit for each node: all in one part is among the draws, and harmless.
                let side_of = |node: NodeId| side >> node.0 & 1;
                let nodes: Vec<NodeId> = env.all_nodes().collect();
                let all = nodes.iter().flat_map(|from| nodes.iter().map(move |to| (*from, *to)));
                let links = all.filter(|(from, to)| side_of(*from) != side_of(*to)).collect();
                self.cut("split", links, lasts);
            }
            Fault::Transfer => self.transfer(),
            Fault::Reconfigure => self.reconfigure_some(),
            Fault::Collections => self.make_or_delete(),
            Fault::Vectors => self.add_or_remove_vector(),
            Fault::KeepDisks => self.keep_all_disks(),
            Fault::PutDiskBack => self.put_a_disk_back(),
        }
    }

    fn cut(&mut self, what: &'static str, links: Vec<(NodeId, NodeId)>, lasts: u64) {
        let env = &mut self.env;
        let cut = env.network.cut(links);
        for (from, to) in &cut {
            env.note(what, &[("from", from.0), ("to", to.0)]);
        }
        env.queue.after(lasts, Event::Mend(cut.clone()));
        self.disturb(cut.into_iter().flat_map(|(from, to)| [from, to]));
    }

    /// Asks a leader to hand over to some voter.
    fn transfer(&mut self) {
        let env = &mut self.env;
        let groups: Vec<GroupId> = env.checks.logs.keys().copied().collect();
        let Some(group) = env.random.pick(&groups) else { return };
        let voters = env.checks.log(group).map(|log| log.conf.voters.clone()).unwrap_or_default();
        let Some(to) = env.random.pick(&voters) else { return };
        env.note("transfer", &[("group", group.0), ("to", to.0)]);
        // More than one may believe to lead; all of them are asked.
        for process in self.nodes.iter_mut().filter_map(|node| node.process.as_mut()) {
            let replica = process.replicas.get(&group);
            if replica.is_some_and(|at| at.watch.leader() == Some(at.peer)) {
                process.put(Input::Transfer { group, to });
                process.wake(env);
            }
        }
    }
}
