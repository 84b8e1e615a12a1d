//! What goes wrong, at random.

use vane_types::GroupId;

use crate::env::{Crash, End, Env};
use crate::event::Event;
use crate::process::Input;
use crate::queue::{TICK, Time};
use crate::world::World;

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
    Replace,
}

/// Draws a fault by the seed's weights.
fn draw(env: &mut Env) -> Option<Fault> {
    let it = &env.swarm.faults;
    let weights = [
        (Fault::Crash, it.crash),
        (Fault::Blackout, it.blackout),
        (Fault::Freeze, it.freeze),
        (Fault::Stop, it.stop),
        (Fault::CutOneWay, it.cut_one_way),
        (Fault::Isolate, it.isolate),
        (Fault::Split, it.split),
        (Fault::Transfer, it.transfer),
        (Fault::Replace, it.replace),
    ];
    let all: u64 = weights.iter().map(|it| it.1).sum();
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
        let env = &mut self.env;
        let mut pause = env.random.within(&env.swarm.faults.pause);
        let drawn = draw(env);
        if matches!(drawn, Some(Fault::Blackout)) {
            // Or else some seeds would do nothing but start.
            pause += AFTER_BLACKOUT;
        }
        env.queue.after(pause, Event::Fault);
        let Some(fault) = drawn else { return };
        let node = 1 + env.random.below(env.nodes);
        let lasts = env.random.within(&env.swarm.faults.lasts);
        match fault {
            Fault::Crash => {
                let is_short = env.random.chance(SHORT_CRASHES);
                env.crash(node, is_short);
            }
            Fault::Blackout => {
                let all = 1..=env.nodes;
                env.ends.extend(all.map(|node| End { node, crash: Crash::Power, is_short: false }));
            }
            Fault::Freeze => {
                env.note("freeze", &[("node", node), ("time", lasts)]);
                self.nodes[(node - 1) as usize].frozen_until = env.now() + lasts;
            }
            Fault::Stop => {
                self.nodes[(node - 1) as usize].stop(env);
                self.ended(node, false);
            }
            Fault::CutOneWay => {
                let other = 1 + env.random.below(env.nodes);
                self.cut("cut one way", vec![(node, other)], lasts);
            }
            Fault::Isolate => {
                let (out, into) = match env.random.below(3) {
                    0 => (true, false),
                    1 => (false, true),
                    _ => (true, true),
                };
                let others = (1..=env.nodes).filter(|it| *it != node);
                let links = others.flat_map(|it| [(node, it, out), (it, node, into)]);
                let links = links.filter(|it| it.2).map(|it| (it.0, it.1)).collect();
                self.cut("isolate", links, lasts);
            }
            Fault::Split => {
                let (side, nodes) = (env.random.next(), env.nodes);
                let side_of = |node: u64| side >> node & 1;
                let all = (1..=env.nodes).flat_map(|from| (1..=nodes).map(move |to| (from, to)));
                let links = all.filter(|(from, to)| side_of(*from) != side_of(*to)).collect();
                self.cut("split", links, lasts);
            }
            Fault::Transfer => self.transfer(),
            Fault::Replace => self.members.replace_some(env),
        }
    }

    fn cut(&mut self, what: &'static str, links: Vec<(u64, u64)>, lasts: u64) {
        let env = &mut self.env;
        let cut = env.network.cut(links);
        for (from, to) in &cut {
            env.note(what, &[("from", *from), ("to", *to)]);
        }
        env.queue.after(lasts, Event::Mend(cut));
    }

    /// Asks a leader to hand over to some voter.
    fn transfer(&mut self) {
        let env = &mut self.env;
        let groups: Vec<GroupId> = env.groups.iter().map(|it| it.id).collect();
        let Some(group) = env.random.pick(&groups) else { return };
        let Some(to) = env.random.pick(&env.checks.logs[&group].conf.voters.clone()) else {
            return;
        };
        env.note("transfer", &[("group", group.0), ("to", to)]);
        for process in self.nodes.iter_mut().filter_map(|it| it.process.as_mut()) {
            let replica = process.replicas.get(&group);
            if replica.is_some_and(|it| it.watch.leader() == Some(it.peer)) {
                process.put(Input::Transfer { group, to });
                process.wake(env);
            }
        }
    }
}
