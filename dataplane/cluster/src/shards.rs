//! The shards that are open on this node, kept in step with the catalogue.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use vane_raft::Node;
use vane_shard::{Shard, ShardSettings};
use vane_storage::{DataDb, DataDir, LogDb, ShardStore, Space, segment_file};
use vane_types::GroupId;

use crate::catalogue::{Catalogue, CollectionEntry};
use crate::error::{Error, OpenError};

/// An open shard, or why it is not.
pub(crate) type Opened = Result<Arc<Shard>, String>;

/// Everything of a node that lies on disk, and what is open of it.
pub(crate) struct Shards {
    pub(crate) data_dir: DataDir,
    pub(crate) data_db: DataDb,
    pub(crate) log_db: LogDb,
    pub(crate) node: Node,
    pub(crate) space: Space,
    pub(crate) catalogue: Arc<Catalogue>,
    settings: ShardSettings,
    open: RwLock<BTreeMap<String, (GroupId, Opened)>>,
    /// One creation or deletion at a time.
    changing: Mutex<()>,
}

impl Shards {
    pub(crate) fn new(
        data_dir: DataDir,
        dbs: (DataDb, LogDb),
        node: Node,
        space: Space,
        catalogue: Arc<Catalogue>,
        settings: ShardSettings,
    ) -> Self {
        let (data_db, log_db) = dbs;
        let (open, changing) = (RwLock::default(), Mutex::new(()));
        Self { data_dir, data_db, log_db, node, space, catalogue, settings, open, changing }
    }

    /// The shard of a collection by its own name.
    pub(crate) fn get(&self, name: &str) -> Option<Opened> {
        self.open.read().get(name).map(|(_, it)| it.clone())
    }

    /// All shards that are open, with their groups.
    pub(crate) fn all(&self) -> Vec<(GroupId, Arc<Shard>)> {
        let opened = |(group, it): &(GroupId, Opened)| it.as_ref().ok().map(|it| (*group, Arc::clone(it)));
        self.open.read().values().filter_map(opened).collect()
    }

    /// Opens what the catalogue has and this node has not, drops what it has no more.
    /// Safe to repeat after any interruption.
    pub(crate) fn follow_catalogue(&self) -> Result<(), Error> {
        let _one_at_a_time = self.changing.lock();
        let wanted = self.catalogue.read(|it| it.collections.clone());
        let gone: Vec<(String, GroupId)> = {
            let open = self.open.read();
            let stale = open.iter().filter(|(name, (group, _))| wanted.get(*name).is_none_or(|it| it.group != *group));
            stale.map(|(name, (group, _))| (name.clone(), *group)).collect()
        };
        for (name, group) in gone {
            let opened = self.open.write().remove(&name);
            if let Some((_, Ok(shard))) = opened {
                shard.close();
            }
            self.destroy(group).map_err(|e| Error::Internal(e.to_string()))?;
        }
        for (name, entry) in wanted {
            if self.open.read().contains_key(&name) {
                continue;
            }
            let opened = self.open_shard(&entry).map_err(|error| {
                tracing::error!(%error, collection = name, "failed to open a collection; its requests are refused");
                error.to_string()
            });
            self.open.write().insert(name, (entry.group, opened));
        }
        Ok(())
    }

    fn open_shard(&self, entry: &CollectionEntry) -> Result<Arc<Shard>, OpenError> {
        let store = ShardStore::new(self.data_db.clone(), entry.group, self.data_dir.group_dir(entry.group));
        if store.applied()? == 0 {
            // Never written, or lost with unsynced writes: the log has everything since.
            Shard::create(&store, &entry.config).map_err(shard_failed)?;
        }
        let verify = !self.data_dir.was_clean();
        let shard = Arc::new(Shard::open(store, self.settings, verify).map_err(shard_failed)?);
        self.node.register(entry.group, Arc::clone(&shard) as Arc<dyn vane_raft::StateMachine>)?;
        Ok(shard)
    }

    /// Removes what a group left on disk. Its catalogue entry must be gone already. The log
    /// goes last: by it a start finds what a crash left half done.
    fn destroy(&self, group: GroupId) -> Result<(), OpenError> {
        let dir = self.data_dir.group_dir(group);
        ShardStore::new(self.data_db.clone(), group, dir.clone()).destroy()?;
        self.data_db.sync()?;
        if dir.exists() {
            segment_file::remove(&dir)?;
        }
        self.node.remove(group)?;
        Ok(())
    }

    /// Removes groups that the catalogue does not know: deletions that were cut short.
    pub(crate) fn remove_orphans(&self) -> Result<(), OpenError> {
        let known: BTreeSet<GroupId> = self.catalogue.read(|it| it.collections.values().map(|it| it.group).collect());
        for group in self.log_db.groups()? {
            if group != GroupId::META && !known.contains(&group) {
                tracing::info!(%group, "removing what a deleted collection left behind");
                self.destroy(group)?;
            }
        }
        // A job that was writing when its collection was deleted may have made its directory anew.
        let keep: Vec<PathBuf> = known.iter().map(|it| self.data_dir.group_dir(*it)).collect();
        if let Some(dir) = self.data_dir.group_dir(GroupId::META).parent() {
            segment_file::remove_orphans(dir, &keep)?;
        }
        Ok(())
    }
}

fn shard_failed(error: vane_shard::Error) -> OpenError {
    match error {
        vane_shard::Error::Storage(error) => OpenError::Storage(error),
        other => OpenError::Log(vane_raft::StoreError(other.to_string())),
    }
}
