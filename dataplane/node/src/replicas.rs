//! The shards that are open on this node: opened, closed and destroyed as the catalog says.
//!
//! What to do is decided by [`vane_catalog::replica_plan`]; this does it, in an order that
//! a crash anywhere leaves repeatable.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::{Mutex, RwLock};
use vane_catalog::{
    Catalog, HeldReplica, ReplicaAction, proves_removal, replica_plan, replicas_here,
};
use vane_raft::{Conf, Engine, GroupLog, INITIAL_INDEX, StateMachine, Watch};
use vane_shard::{JobKind, Shard, ShardSettings};
use vane_storage::{DataDb, DataDir, Held, LogDb, ShardStore, segment_file};
use vane_types::{CollectionConfig, GroupId, LogIndex, NodeId, PeerId};

use crate::broken::Broken;
use crate::open_error::OpenError;
use crate::progress::Progress;

/// A shard's replica that is open here.
#[derive(Clone)]
pub(crate) struct Replica {
    pub(crate) peer: PeerId,
    pub(crate) shard: Arc<Shard>,
    pub(crate) watch: Arc<Watch>,
}

/// An open replica, or why it is not.
pub(crate) type Opened = Result<Replica, Broken>;

/// The replica, unless it is out of use since it was opened.
fn in_use(opened: &Opened) -> Opened {
    let replica = opened.as_ref().map_err(Broken::clone)?;
    Broken::of_shard(&replica.shard).map_or_else(|| Ok(replica.clone()), Err)
}

/// Where replicas are kept.
#[derive(Clone)]
pub(crate) struct Disks {
    pub(crate) data_dir: Arc<DataDir>,
    pub(crate) data_db: DataDb,
    pub(crate) log_db: LogDb,
}

/// A replica that was opened, or could not be, and which it is.
type Kept = (PeerId, Opened);
type Open = BTreeMap<GroupId, Kept>;

/// The open replicas.
pub(crate) struct Replicas {
    me: NodeId,
    settings: ShardSettings,
    disks: Disks,
    engine: Arc<Engine>,
    catalog: Arc<Catalog>,
    open: RwLock<Open>,
    /// Replicas that lie on the disk and are not open.
    on_disk: Mutex<BTreeMap<GroupId, PeerId>>,
    /// Replicas of which their groups have said that they are no members any more.
    removed: Mutex<BTreeMap<GroupId, PeerId>>,
    /// One opening or removal at a time.
    changing: Mutex<()>,
}

/// A replica that the catalog places here.
struct Placed {
    group: GroupId,
    peer: PeerId,
    config: Box<CollectionConfig>,
    founding: Option<Conf>,
    campaign: bool,
}

impl Replicas {
    pub(crate) fn new(
        me: NodeId,
        settings: ShardSettings,
        disks: Disks,
        engine: Arc<Engine>,
        catalog: Arc<Catalog>,
    ) -> Self {
        Self {
            me,
            settings,
            disks,
            engine,
            catalog,
            open: RwLock::default(),
            on_disk: Mutex::default(),
            removed: Mutex::default(),
            changing: Mutex::new(()),
        }
    }

    /// Builds of graphs that may run side by side.
    pub(crate) fn builds_max(&self) -> usize {
        self.settings.build_cores.builds_max()
    }

    /// The replica of a group, or why it did not open; `None` where none is placed here.
    pub(crate) fn get(&self, group: GroupId) -> Option<Opened> {
        self.open.read().get(&group).map(|(_, opened)| in_use(opened))
    }

    /// The open replicas in which there may be a job of this kind.
    pub(crate) fn stirred(&self, kind: JobKind) -> Vec<(GroupId, Replica)> {
        let groups = self.settings.stirred.take(kind);
        let replica = |group| Some((group, self.get(group)?.ok()?));
        groups.into_iter().filter_map(replica).collect()
    }

    /// Whether their groups may fall quiet.
    pub(crate) fn allow_quiet(&self, is_allowed: bool) {
        self.engine.allow_quiet(is_allowed);
    }

    /// Whether leaders here may lend.
    pub(crate) fn allow_leases(&self, is_allowed: bool) {
        self.engine.allow_leases(is_allowed);
    }

    /// Whether graphs here may get codes of few bits.
    pub(crate) fn allow_few_bits(&self, is_allowed: bool) {
        if self.settings.may_have_few_bits.swap(is_allowed, Ordering::Relaxed) == is_allowed {
            return;
        }
        // Some may have been asked for meanwhile. What opens later is looked at anyway.
        for (group, _) in self.all() {
            self.settings.stirred.insert(group);
        }
    }

    /// What the databases behind all replicas hold in memory.
    pub(crate) fn in_memory(&self) -> Held {
        let (data, log) = (self.disks.data_db.held(), self.disks.log_db.held());
        Held {
            memtables: data.memtables + log.memtables,
            block_cache: data.block_cache + log.block_cache,
        }
    }

    /// All replicas that are open.
    pub(crate) fn all(&self) -> Vec<(GroupId, Replica)> {
        let open = self.open.read();
        open.iter()
            .filter_map(|(group, (_, opened))| Some((*group, in_use(opened).ok()?)))
            .collect()
    }

    /// How many are open, and how many of them lead. Looks at none that is in use.
    pub(crate) fn count(&self) -> (u64, u64) {
        let (open, led) = (self.open.read(), self.engine.leaders().count_here());
        let broken: Vec<&Opened> = self.out_of_use(&open).map(|(_, kept, _)| &kept.1).collect();
        let leads = |opened: &&&Opened| opened.as_ref().is_ok_and(|it| it.watch.is_serving());
        let leading = broken.iter().filter(leads).count();
        ((open.len() - broken.len()) as u64, led.saturating_sub(leading) as u64)
    }

    /// Groups of open replicas that lead.
    pub(crate) fn led(&self) -> Vec<GroupId> {
        let led = self.engine.leaders().here().into_iter();
        led.filter(|group| self.get(*group).is_some_and(|opened| opened.is_ok())).collect()
    }

    /// Groups that got another leader, or lost theirs, since this was called last.
    pub(crate) fn take_led_anew(&self) -> BTreeSet<GroupId> {
        self.engine.leaders().take_changed()
    }

    /// Groups whose applied index changed here since this was called last.
    pub(crate) fn take_applied(&self) -> BTreeSet<GroupId> {
        self.settings.stirred.take_applied()
    }

    /// All groups, also those whose replicas are out of use.
    pub(crate) fn groups(&self) -> BTreeSet<GroupId> {
        self.open.read().keys().copied().collect()
    }

    /// The replica of a group, also if it is damaged: it takes part in its group, and its log
    /// grows.
    pub(crate) fn applying(&self, group: GroupId) -> Option<Replica> {
        let open = self.open.read();
        let replica = open.get(&group)?.1.as_ref().ok()?;
        replica.shard.quarantined().is_none().then(|| replica.clone())
    }

    /// Replicas that could not be opened or are out of use since, with the reasons.
    pub(crate) fn broken(&self) -> Vec<(GroupId, Broken)> {
        let open = self.open.read();
        self.out_of_use(&open).map(|(group, _, broken)| (group, broken)).collect()
    }

    /// Those of them that another replica could fill again.
    pub(crate) fn without_data(&self) -> Vec<(GroupId, PeerId)> {
        let open = self.open.read();
        let lost = self.out_of_use(&open).filter(|(_, _, broken)| broken.lacks_data);
        lost.map(|(group, (peer, _), _)| (group, *peer)).collect()
    }

    /// Those of the open replicas that are not in use, with why.
    fn out_of_use<'a>(&self, open: &'a Open) -> impl Iterator<Item = (GroupId, &'a Kept, Broken)> {
        self.settings.stirred.doubtful().into_iter().filter_map(|group| {
            let kept = open.get(&group)?;
            Some((group, kept, in_use(&kept.1).err()?))
        })
    }

    /// Opens what the catalog places here, removes what it does not any more and its group
    /// neither; says what is left, of which the groups have to be asked. Safe to repeat after any
    /// interruption. Blocks for as long as files take.
    ///
    /// # Errors
    /// Of a removal that failed half-way; it goes on where it stopped. A replica that cannot
    /// be opened is no error: it is remembered as broken, the others go on.
    pub(crate) fn follow_catalog(&self) -> Result<Vec<(GroupId, PeerId)>, OpenError> {
        self.open_first(&Progress::default())
    }

    /// The same at a start, which says how far it is.
    ///
    /// # Errors
    /// As [`Replicas::follow_catalog`].
    pub(crate) fn open_first(
        &self,
        progress: &Progress,
    ) -> Result<Vec<(GroupId, PeerId)>, OpenError> {
        let _one_at_a_time = self.changing.lock();
        loop {
            let held = self.held()?;
            let plan = self.catalog.read(|state| replica_plan(state, self.me, &held));
            let mut strays = Vec::with_capacity(plan.len());
            let actions = plan.len();
            let is_work = |action: &&ReplicaAction| !matches!(action, ReplicaAction::Ask { .. });
            progress.begin(plan.iter().filter(is_work).count());
            for action in plan {
                match action {
                    // A failure ends the round: what would be opened next may need its directory.
                    ReplicaAction::Remove { group, peer } => self.remove(group, peer)?,
                    ReplicaAction::Open { group, peer, config, founding, campaign } => {
                        self.open(&Placed { group, peer, config, founding, campaign });
                    }
                    ReplicaAction::Ask { group, peer } => {
                        strays.push((group, peer));
                        continue;
                    }
                }
                progress.step();
            }
            // What was opened may be among those to ask about.
            if strays.len() == actions {
                return Ok(strays);
            }
        }
    }

    /// Takes note of what lies on the disk, before anything is open.
    ///
    /// # Errors
    /// Of the disk.
    pub(crate) fn find_on_disk(&self) -> Result<(), OpenError> {
        let Disks { data_dir, log_db, .. } = &self.disks;
        let mut on_disk = self.on_disk.lock();
        for group in log_db.groups()?.into_iter().filter(|group| *group != GroupId::META) {
            on_disk.extend(log_db.state(group)?.map(|state| (group, PeerId(state.peer_id))));
        }
        // A job that was writing when its shard was removed may have made its directory anew.
        let placed = self.catalog.read(|state| replicas_here(state, self.me));
        let groups = placed.keys().chain(on_disk.keys());
        let keep: Vec<PathBuf> = groups.map(|group| data_dir.group_dir(*group)).collect();
        if let Some(dir) = data_dir.group_dir(GroupId::META).parent() {
            segment_file::remove_orphans(dir, &keep)?;
        }
        Ok(())
    }

    /// The group of a replica has said that it is no member any more; the next
    /// [`Replicas::follow_catalog`] removes it.
    pub(crate) fn removed_from_group(&self, group: GroupId, peer: PeerId) {
        self.removed.lock().insert(group, peer);
    }

    /// What there is here. Copied, so that requests can look replicas up while files are opened.
    fn held(&self) -> Result<BTreeMap<GroupId, HeldReplica>, OpenError> {
        let mut held = BTreeMap::new();
        for (group, peer) in self.on_disk.lock().clone() {
            // A removal that was cut short began with a proof.
            let is_removed = self.disks.log_db.is_buried(group, peer)?;
            held.insert(group, HeldReplica { peer, is_open: false, is_removed });
        }
        let removed = self.removed.lock();
        for (group, (peer, opened)) in self.open.read().iter() {
            let is_told = removed.get(group) == Some(peer);
            let applied_it = |replica: &Replica| proves_removal(&replica.shard.conf(), *peer);
            let is_removed = is_told || opened.as_ref().is_ok_and(applied_it);
            held.insert(*group, HeldReplica { peer: *peer, is_open: true, is_removed });
        }
        Ok(held)
    }

    fn open(&self, placed: &Placed) {
        let Placed { group, peer, .. } = *placed;
        let opened = self.open_replica(placed).map_err(|error| {
            tracing::error!(
                %error,
                %group,
                "failed to open a replica; its requests go to the others"
            );
            self.settings.stirred.doubt(group);
            Broken::of_opening(&error)
        });
        self.on_disk.lock().remove(&group);
        self.open.write().insert(group, (peer, opened));
        // Once it is found there.
        self.settings.stirred.insert(group);
    }

    fn remove(&self, group: GroupId, peer: PeerId) -> Result<(), OpenError> {
        tracing::info!(%group, "removing a replica that has no place here any more");
        // Where the removal fails half-way, this is what is left to remove.
        self.on_disk.lock().insert(group, peer);
        // Out of the requests' reach before its group goes: nobody finds half a replica.
        let opened = self.open.write().remove(&group);
        self.engine.remove(group);
        // Entries on their way to it must not write behind its removal.
        if let Some((_, Ok(replica))) = opened {
            replica.shard.close();
        }
        self.settings.stirred.forget(group);
        self.destroy(group, peer)?;
        self.on_disk.lock().remove(&group);
        self.removed.lock().remove(&group);
        Ok(())
    }

    fn open_replica(&self, placed: &Placed) -> Result<Replica, OpenError> {
        let Placed { group, peer, config, founding, campaign } = placed;
        let Disks { data_dir, data_db, log_db } = &self.disks;
        let (group, peer) = (*group, *peer);
        let log = log_db.state(group)?;
        // The log tells whose replica is on the disk: it is made last, and goes last.
        let logged = log.map(|state| PeerId(state.peer_id));
        let is_new = logged != Some(peer);
        if let Some(other) = logged.filter(|_| is_new) {
            // No catalog's word is enough to overwrite what may still vote.
            return Err(OpenError::Occupied { group, peer: other });
        }
        // The catalog here may be older than the removal: an id that came back would vote with
        // an empty log.
        if log_db.is_buried(group, peer)? {
            return Err(OpenError::Buried { group, peer });
        }
        let store = ShardStore::new(data_db.clone(), group, data_dir.group_dir(group));
        if is_new {
            // Beside a state that entries have come to: what it voted for and acknowledged is gone.
            let applied = store.applied()?;
            if applied > INITIAL_INDEX {
                return Err(OpenError::LogLost { group, applied });
            }
            let (applied, conf, log) = match founding {
                Some(conf) => (INITIAL_INDEX, conf.clone(), GroupLog::founding(peer)),
                None => (LogIndex::ZERO, Conf::default(), GroupLog::joining(peer)),
            };
            Shard::create(&store, config, applied, &conf).map_err(OpenError::of_shard)?;
            // The log promises what the state machine begins with: that comes first.
            data_db.sync()?;
            self.engine.create(group, log)?;
        }
        let shard = Shard::open(store, self.settings.clone()).map_err(OpenError::of_shard)?;
        // What an earlier version made has no range in its files: the catalog's is the one that the
        // shard began with, as none has changed since.
        if let Some(range) = self.catalog.read(|state| state.range_of(group)) {
            shard.set_first_range(range).map_err(OpenError::of_shard)?;
        }
        let shard = Arc::new(shard);
        let machine = Arc::clone(&shard) as Arc<dyn StateMachine>;
        // One first replica stands at once: a new collection need not wait for a timeout.
        let watch = self.engine.register(group, machine, is_new && *campaign)?;
        Ok(Replica { peer, shard, watch })
    }

    /// Removes what a replica left on disk, and sees to it that its id is not used again. The
    /// log goes last: by it a start finds what a crash left half done.
    fn destroy(&self, group: GroupId, peer: PeerId) -> Result<(), OpenError> {
        let Disks { data_dir, data_db, log_db } = &self.disks;
        // Before anything is removed: after a crash in between it must not be made again.
        log_db.bury(group, peer)?;
        let dir = data_dir.group_dir(group);
        ShardStore::new(data_db.clone(), group, dir.clone()).destroy()?;
        // Files go only when the batch that stopped naming them is on disk.
        data_db.sync()?;
        data_db.drop_tables(group)?;
        if dir.exists() {
            segment_file::remove(&dir)?;
        }
        self.engine.forget(group)?;
        Ok(())
    }
}
