//! Opens, closes and destroys replicas as the catalog says: `replica_plan` decides, this does
//! the steps of the real node's `Replicas`, in its order, one event each, so that a crash can
//! fall between any two.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use vane_catalog::{HeldReplica, ReplicaAction, proves_removal, replica_plan};
use vane_raft::{Append, Conf, GroupLog, INITIAL_INDEX, LogStore, Start, StateMachine, Watch};
use vane_shard::Shard;
use vane_types::{CollectionConfig, GroupId, LogIndex, PeerId};

use super::{Input, Process, Replica};
use crate::env::Env;
use crate::event::Step;
use crate::machine::{AnyMachine, open_shard};
use crate::node::{Disks, replica_failed};
use crate::queue::{TICK, Time};

/// Time after a failed step, as the real node's.
const RETRY_PAUSE: Time = 20 * TICK;

/// One step of what there is to do.
enum Task {
    /// The raft thread lets go of the replica.
    Close(GroupId),
    /// The state machine takes nothing more. Not before the raft thread has let go.
    Shut(GroupId, PeerId),
    Bury(GroupId, PeerId),
    Empty(GroupId, PeerId),
    Forget(GroupId),
    Open(Placed),
    Log(Placed),
    Register(Placed),
}

/// A replica that the catalog places here.
#[derive(Clone)]
struct Placed {
    group: GroupId,
    peer: PeerId,
    config: CollectionConfig,
    founding: Option<Conf>,
    campaign: bool,
    is_new: bool,
}

/// What the catalog's word has under way.
#[derive(Default)]
pub(super) struct Following {
    tasks: VecDeque<Task>,
    is_running: bool,
}

/// Replicas that the catalog does not name.
#[derive(Default)]
pub(super) struct Strays {
    /// Those whose groups are being asked.
    asked: BTreeSet<GroupId>,
    /// Those whose groups said that they are no members any more.
    removed: BTreeMap<GroupId, PeerId>,
}

fn destruction(group: GroupId, peer: PeerId) -> [Task; 3] {
    [Task::Bury(group, peer), Task::Empty(group, peer), Task::Forget(group)]
}

impl Process {
    /// The catalog may say something new.
    pub(super) fn catalog_changed(&mut self, env: &mut Env) {
        if !self.following.is_running {
            self.following.is_running = true;
            self.follow_later(env);
        }
    }

    fn follow_later(&self, env: &mut Env) {
        let time = env.random.within(&env.swarm.follow);
        env.step(time, self.id, Step::Follow);
    }

    /// As the real node does before it serves anybody.
    pub(crate) fn follow_at_start(
        &mut self,
        disks: &mut Disks,
        env: &mut Env,
    ) -> Result<(), String> {
        loop {
            self.plan(disks, env);
            let Some(task) = self.following.tasks.pop_front() else {
                self.reach.followed(self.catalog.applied());
                return Ok(());
            };
            if matches!(task, Task::Close(_)) {
                // The real node waits for its raft thread here, which runs only later in this one.
                self.following.tasks.push_front(task);
                self.following.is_running = true;
                self.follow_later(env);
                return Ok(());
            }
            self.carry_out(disks, env, task)?;
        }
    }

    /// Takes one step.
    pub(super) fn follow(&mut self, disks: &mut Disks, env: &mut Env) {
        self.plan(disks, env);
        let Some(task) = self.following.tasks.pop_front() else {
            self.following.is_running = false;
            self.reach.followed(self.catalog.applied());
            return self.catalog.read(|state| {
                let is_there = |group| group == GroupId::META || state.shards.contains_key(&group);
                self.requests.coordinator.router().retain(is_there);
            });
        };
        match self.carry_out(disks, env, task) {
            Ok(()) => self.follow_later(env),
            // A failing disk ends the process in a moment; what was not done is planned anew.
            Err(_) => {
                // Done steps are done: the next plan is made from what is there by then.
                self.following.tasks.clear();
                env.step(RETRY_PAUSE, self.id, Step::Follow);
            }
        }
    }

    /// Asks the catalog, once everything that it said before is done.
    fn plan(&mut self, disks: &Disks, env: &Env) {
        if !self.following.tasks.is_empty() {
            return;
        }
        let mut held = self.held();
        for group in disks.log.groups().into_iter().filter(|group| *group != GroupId::META) {
            let Some(peer) = disks.peer(group) else { continue };
            // A removal that was cut short began with a proof.
            let is_removed = disks.log.is_buried(group, peer);
            held.entry(group).or_insert(HeldReplica { peer, is_open: false, is_removed });
        }
        let plan = self.catalog.read(|state| replica_plan(state, self.id.0, &held));
        for action in plan {
            match action {
                ReplicaAction::Remove { group, peer } => {
                    self.following.tasks.extend([Task::Close(group), Task::Shut(group, peer)]);
                    self.following.tasks.extend(destruction(group, peer));
                }
                ReplicaAction::Open { group, peer, config, founding, campaign } => {
                    let is_new = false;
                    let placed =
                        Placed { group, peer, config: *config, founding, campaign, is_new };
                    self.following.tasks.push_back(Task::Open(placed));
                }
                ReplicaAction::Ask { group, peer } => {
                    if self.strays.asked.insert(group) {
                        self.ask_members(env, group, peer);
                    }
                }
            }
        }
    }

    /// What is open here.
    fn held(&self) -> BTreeMap<GroupId, HeldReplica> {
        let placed = self.placed.iter();
        placed
            .map(|(group, peer)| {
                let replica = self.replica(*group, *peer);
                let applied_it =
                    replica.is_some_and(|it| proves_removal(&it.machine.conf(), *peer));
                let is_removed = applied_it || self.strays.removed.get(group) == Some(peer);
                (*group, HeldReplica { peer: *peer, is_open: true, is_removed })
            })
            .collect()
    }

    /// A group said whether a replica here is still one of its members, or nobody did.
    pub(super) fn heard_of_stray(
        &mut self,
        env: &mut Env,
        group: GroupId,
        peer: PeerId,
        is_removed: bool,
    ) {
        env.note("asked", &[("group", group.0), ("peer", peer.0), ("gone", is_removed.into())]);
        self.strays.asked.remove(&group);
        if is_removed {
            self.strays.removed.insert(group, peer);
        }
        // Acts on it, or asks again.
        self.catalog_changed(env);
    }

    fn carry_out(&mut self, disks: &mut Disks, env: &mut Env, task: Task) -> Result<(), String> {
        match task {
            Task::Close(group) => {
                self.placed.remove(&group);
                self.put(Input::Remove(group));
            }
            Task::Shut(group, peer) if self.is_held(group, peer) => {
                // The raft thread may still apply to it: its turn comes when that has let go.
                self.following.tasks.push_front(Task::Shut(group, peer));
            }
            Task::Shut(group, _) => {
                self.reach.closed(group);
                if let Some(replica) = self.replicas.remove(&group) {
                    replica.machine.close();
                }
            }
            Task::Bury(group, peer) => {
                // Asked before anything is gone, and by the truth, which the node does not know.
                // Of a deleted collection all replicas go.
                let is_wanted = self.catalog.read(|state| state.shards.contains_key(&group));
                if is_wanted && !self.is_unheard(env) {
                    env.checks.destroyed(group, peer);
                }
                env.note("destroyed", &[("group", group.0), ("peer", peer.0)]);
                disks.log.bury(group, peer);
            }
            Task::Empty(group, peer) => {
                let store = disks.store(env, group, peer);
                store.destroy().map_err(|error| error.to_string())?;
                store.sync().map_err(|error| error.to_string())?;
                // The next replica of the group here begins from nothing.
                disks.durable.remove(&group);
                disks.damaged.remove(&group);
                // What is not there need not go.
                let _absent = std::fs::remove_dir_all(store.dir());
            }
            Task::Forget(group) => {
                self.strays.removed.remove(&group);
                disks.log.remove(group).map_err(|error| error.to_string())?;
                disks.incoming.retain(|(of, _, _), _| *of != group);
            }
            Task::Open(placed) => self.open(disks, env, placed)?,
            Task::Log(placed) => {
                let Placed { group, peer, .. } = placed;
                let log = match &placed.founding {
                    Some(_) => GroupLog::founding(peer),
                    None => GroupLog::joining(peer),
                };
                let append = Append { group, log, entries: Vec::new(), removed: None };
                disks.log.append(&[append], true).map_err(|error| error.to_string())?;
                env.note("created", &[("group", group.0), ("peer", peer.0)]);
                self.following.tasks.push_front(Task::Register(placed));
            }
            Task::Register(placed) => self.open_made(disks, env, &placed),
        }
        Ok(())
    }

    /// Whether the raft thread has a replica, or was not told yet to let it go.
    fn is_held(&self, group: GroupId, peer: PeerId) -> bool {
        let is_told = |input: &Input| matches!(input, Input::Remove(of) if *of == group);
        self.core.peer(group) == Some(peer) || self.inbox.inputs.iter().any(is_told)
    }

    /// Opens a replica, or makes it where the disk has none of this peer.
    fn open(&mut self, disks: &mut Disks, env: &mut Env, placed: Placed) -> Result<(), String> {
        let Placed { group, peer, .. } = placed;
        if disks.log.is_buried(group, peer) {
            self.placed.insert(group, peer);
            env.note("stays shut", &[("group", group.0), ("peer", peer.0)]);
            return Ok(());
        }
        match disks.peer(group) {
            Some(logged) if logged == peer => {
                self.following.tasks.push_front(Task::Register(placed));
                return Ok(());
            }
            Some(logged) => {
                let logged = crate::checks::name(logged);
                env.checks.fail(|| format!("group {group}: {logged} is in the way of another"));
                return Ok(());
            }
            None => {}
        }
        let nobody = Conf::default();
        // A founder has the first members as its state, everybody else waits for a snapshot.
        let (applied, conf) = match &placed.founding {
            Some(conf) => (INITIAL_INDEX, conf),
            None => (LogIndex::ZERO, &nobody),
        };
        let store = disks.store(env, group, peer);
        Shard::create(&store, &placed.config, applied, conf).map_err(|error| error.to_string())?;
        // Before the log says that it is there: the other way round it would be opened empty.
        store.sync().map_err(|error| error.to_string())?;
        if let Some(conf) = placed.founding.as_ref().filter(|_| !self.is_unheard(env)) {
            env.checks.founded(group, conf);
        }
        self.following.tasks.push_front(Task::Log(Placed { is_new: true, ..placed }));
        Ok(())
    }

    fn open_made(&mut self, disks: &mut Disks, env: &mut Env, placed: &Placed) {
        let Placed { group, peer, campaign, is_new, .. } = *placed;
        self.placed.insert(group, peer);
        if disks.damaged.contains(&group) {
            return env.note("stays shut", &[("group", group.0), ("peer", peer.0)]);
        }
        let range = self.catalog.read(|state| state.range_of(group));
        let opened = open_shard(disks.store(env, group, peer), env.swarm.shards, range);
        let opened = opened.and_then(|machine| match machine {
            Some(machine) => self.register(disks, env, (group, machine), is_new && campaign),
            // A defect looks like damage, and would be mended unseen.
            None if !disks.flipped.contains(&(group, peer)) => {
                Err("it is found damaged, and its disk gave back what was written".into())
            }
            None => {
                disks.damaged.insert(group);
                env.note("found damaged", &[("group", group.0), ("peer", peer.0)]);
                Ok(())
            }
        });
        if let Err(why) = opened {
            env.checks.fail(|| replica_failed(group, peer, &why));
        }
    }

    /// Takes a replica up where its log and its state machine ended, as the real engine does.
    pub(crate) fn register(
        &mut self,
        disks: &mut Disks,
        env: &mut Env,
        (group, machine): (GroupId, AnyMachine),
        campaign: bool,
    ) -> Result<(), String> {
        let log = disks.log.group(group).map_err(|error| error.to_string())?;
        let mut log = log.ok_or_else(|| String::from("it has no log"))?;
        // A disk that took back what it had synced is the one fault that nobody can bear.
        let synced = disks.durable.get(&group).copied().unwrap_or_default();
        if machine.applied() < synced && log.installing.is_none() {
            let applied = machine.applied();
            return Err(format!("its state is at {applied} and was synced at {synced}"));
        }
        if let Some(index) = log.installing.take()
            // A crash came between the mark in the log and the installation.
            && machine.applied() < index
        {
            let files = disks.incoming.get(&(group, log.truncated_term, index));
            let files = files.ok_or_else(|| format!("the snapshot at {index} is gone"))?;
            machine.install(files.path()).map_err(|error| error.to_string())?;
            env.checks.installed(group, log.peer, index, machine.digest()?);
        }
        let watch = Arc::<Watch>::default();
        let (applied, conf, peer) = (machine.applied(), machine.conf(), log.peer);
        self.reach.opened(group, Arc::clone(&watch));
        self.replicas.insert(group, Replica { peer, machine, watch: Arc::clone(&watch) });
        let start = Start { group, log, applied, conf, campaign, watch };
        self.put(Input::Add(Box::new(start)));
        Ok(())
    }

    /// Whether the catalog's word for a group was followed, and it is on this node.
    pub(crate) fn has_place(&self, group: GroupId) -> bool {
        self.placed.contains_key(&group)
    }

    /// Replicas that have their place here and are not open: damaged, or destroyed before.
    pub(crate) fn shut(&self) -> impl Iterator<Item = (GroupId, PeerId)> {
        let placed = self.placed.iter().map(|(group, peer)| (*group, *peer));
        placed.filter(|(group, peer)| self.replica(*group, *peer).is_none())
    }

    /// Whether everything that the catalog says is done.
    pub(crate) fn has_followed(&self) -> bool {
        let held = self.held();
        let plan = self.catalog.read(|state| replica_plan(state, self.id.0, &held));
        !self.following.is_running && plan.is_empty()
    }
}
