//! The shards that are open on this node, kept in step with the meta group.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use vane_raft::{Conf, INITIAL_INDEX, StateMachine, Watch, node_of};
use vane_shard::{Shard, ShardSettings};
use vane_storage::{ShardStore, segment_file};
use vane_types::{CollectionConfig, GroupId};

use crate::error::OpenError;
use crate::inner::Inner;
use vane_catalog::{ShardEntry, State};

/// A shard's replica that is open here.
#[derive(Clone)]
pub(crate) struct Replica {
    pub(crate) peer: u64,
    pub(crate) shard: Arc<Shard>,
    pub(crate) watch: Arc<Watch>,
}

/// An open replica, or why it is not.
pub(crate) type Opened = Result<Replica, String>;

/// The open replicas.
pub(crate) struct Replicas {
    settings: ShardSettings,
    open: RwLock<BTreeMap<GroupId, (u64, Opened)>>,
    /// One opening or removal at a time.
    changing: Mutex<()>,
}

/// A replica that this node should have.
struct Due {
    peer: u64,
    config: CollectionConfig,
    /// Membership of the first replicas, if this is one of them and nothing changed since.
    founding: Option<Conf>,
    /// It was placed first: it stands for election at once.
    first: bool,
}

impl Replicas {
    pub(crate) fn new(settings: ShardSettings) -> Self {
        Self { settings, open: RwLock::default(), changing: Mutex::new(()) }
    }

    /// The replica of a group.
    pub(crate) fn get(&self, group: GroupId) -> Option<Opened> {
        self.open.read().get(&group).map(|(_, it)| it.clone())
    }

    /// All replicas that are open.
    pub(crate) fn all(&self) -> Vec<(GroupId, Replica)> {
        let open = self.open.read();
        open.iter()
            .filter_map(|(group, (_, it))| it.as_ref().ok().map(|it| (*group, it.clone())))
            .collect()
    }

    /// Replicas that could not be opened, with the reasons.
    pub(crate) fn broken(&self) -> Vec<(GroupId, String)> {
        let open = self.open.read();
        open.iter()
            .filter_map(|(group, (_, it))| it.as_ref().err().map(|why| (*group, why.clone())))
            .collect()
    }

    /// Opens what the meta group places here, drops what it does not any more. Safe to
    /// repeat after any interruption.
    pub(crate) fn follow(&self, inner: &Inner) -> Result<(), OpenError> {
        let _one_at_a_time = self.changing.lock();
        let due = inner.meta.read(|state| due(state, inner.me));
        let stale: Vec<(GroupId, u64)> = {
            let open = self.open.read();
            let stale = open
                .iter()
                .filter(|(group, (peer, _))| due.get(group).is_none_or(|it| it.peer != *peer));
            stale.map(|(group, (peer, _))| (*group, *peer)).collect()
        };
        for (group, peer) in stale {
            tracing::info!(%group, "removing a replica that has no place here any more");
            let opened = self.open.write().remove(&group);
            inner.node.remove(group);
            // Entries on their way to it must not write behind its removal.
            if let Some((_, Ok(replica))) = opened {
                replica.shard.close();
            }
            destroy(inner, group, peer)?;
        }
        for (group, due) in due {
            if self.open.read().contains_key(&group) {
                continue;
            }
            let opened = self.open_replica(inner, group, &due).map_err(|error| {
                tracing::error!(%error, %group, "failed to open a replica; its requests go to the others");
                error.to_string()
            });
            self.open.write().insert(group, (due.peer, opened));
        }
        Ok(())
    }

    fn open_replica(&self, inner: &Inner, group: GroupId, due: &Due) -> Result<Replica, OpenError> {
        let log = inner.log_db.state(group)?;
        if let Some(old) = log.as_ref().filter(|it| it.peer_id != due.peer) {
            // What an earlier replica of the group left; its id is not used again.
            destroy(inner, group, old.peer_id)?;
        }
        let store = ShardStore::new(inner.data_db.clone(), group, inner.data_dir.group_dir(group));
        let is_new = log.is_none_or(|it| it.peer_id != due.peer);
        if is_new {
            if inner.log_db.is_buried(group, due.peer)? {
                return Err(OpenError::Buried { group, peer: due.peer });
            }
            let (applied, conf) = match &due.founding {
                Some(conf) => (INITIAL_INDEX, conf.clone()),
                None => (0, Conf::default()),
            };
            Shard::create(&store, &due.config, applied, &conf).map_err(OpenError::of_shard)?;
            // The log promises what the state machine begins with: that comes first.
            inner.data_db.sync()?;
            inner.node.create(group, due.peer, due.founding.is_some())?;
        }
        let verify = !inner.data_dir.was_clean();
        let shard =
            Arc::new(Shard::open(store, self.settings, verify).map_err(OpenError::of_shard)?);
        let campaign = is_new && due.first;
        let watch =
            inner.node.register(group, Arc::clone(&shard) as Arc<dyn StateMachine>, campaign)?;
        Ok(Replica { peer: due.peer, shard, watch })
    }

    /// Removes groups that the meta group does not place here: removals that were cut short.
    pub(crate) fn remove_orphans(&self, inner: &Inner) -> Result<(), OpenError> {
        let due = inner.meta.read(|state| due(state, inner.me));
        for group in inner.log_db.groups()? {
            if group != GroupId::META && !due.contains_key(&group) {
                let peer = inner.log_db.state(group)?.map_or(0, |it| it.peer_id);
                tracing::info!(%group, "removing what a replica left behind");
                destroy(inner, group, peer)?;
            }
        }
        // A job that was writing when its shard was removed may have made its directory anew.
        let keep: Vec<PathBuf> = due.keys().map(|it| inner.data_dir.group_dir(*it)).collect();
        if let Some(dir) = inner.data_dir.group_dir(GroupId::META).parent() {
            segment_file::remove_orphans(dir, &keep)?;
        }
        Ok(())
    }
}

/// Replicas that a node should have.
fn due(state: &State, me: u64) -> BTreeMap<GroupId, Due> {
    let one = |(group, shard): (&GroupId, &ShardEntry)| {
        let peer = shard.peer_on(me)?;
        let config = state.collections.get(&shard.collection)?.config.clone();
        let begins = shard.epoch == 0 && shard.first.contains(&peer);
        let founding = begins.then(|| Conf::founding(&shard.first));
        let first = shard.first.first().is_some_and(|it| node_of(*it) == me);
        Some((*group, Due { peer, config, founding, first }))
    };
    state.shards.iter().filter_map(one).collect()
}

/// Removes what a replica left on disk, and sees to it that its id is not used again. The
/// log goes last: by it a start finds what a crash left half done.
fn destroy(inner: &Inner, group: GroupId, peer: u64) -> Result<(), OpenError> {
    inner.log_db.bury(group, peer)?;
    let dir = inner.data_dir.group_dir(group);
    ShardStore::new(inner.data_db.clone(), group, dir.clone()).destroy()?;
    inner.data_db.sync()?;
    if dir.exists() {
        segment_file::remove(&dir)?;
    }
    inner.node.forget(group)?;
    Ok(())
}
