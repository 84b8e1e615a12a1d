//! The meta group's state machine: [`State`] in memory, and object by object in `data.db`.
//!
//! What is read here is on disk. It must never be ahead of it: replicas are made and destroyed
//! by what it says.

mod objects;

use std::path::Path;
use std::sync::OnceLock;

use parking_lot::{Mutex, RwLock};
use thiserror::Error;
use tokio::sync::watch;
use uuid::Uuid;
use vane_raft::{Answer, ApplyError, Conf, Entry, Exported, StateMachine, StoreError};
use vane_storage::ShardStore;
use vane_types::{FeatureLevel, LogIndex};

use crate::command::{EncodeError, Logged, MetaCommand, NodeEntry};
use crate::state::State;

use objects::failed;

/// What the cluster agrees on, as this node has applied it.
pub struct Catalog {
    store: ShardStore,
    current: RwLock<Current>,
    writer: Mutex<()>,
    changed: watch::Sender<LogIndex>,
    /// Set once an entry was met that cannot be read.
    standing_still: OnceLock<String>,
}

/// The catalog could not be opened. Nothing was changed.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The database failed or is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A later version has raised the level: what it wrote this one would read as something else.
    #[error(
        "the disk is of a cluster at feature level {}, and this version speaks {}; nothing was \
         changed: start the version that was here before, or a later one",
        .level.0,
        .spoken.0
    )]
    TooNew {
        /// Level that the members have agreed on.
        level: FeatureLevel,
        /// Level up to which this version reads.
        spoken: FeatureLevel,
    },
}

/// The state as of one entry.
#[derive(Default)]
struct Current {
    applied: LogIndex,
    conf: Conf,
    state: State,
}

impl Catalog {
    /// Writes what the meta group begins with, durably: its founder, or nothing on a node
    /// that joins.
    ///
    /// # Errors
    /// When the database fails. Perhaps it was written, and can be written again.
    pub fn create(
        store: &ShardStore,
        cluster_id: Uuid,
        applied: LogIndex,
        conf: &Conf,
        founder: Option<NodeEntry>,
    ) -> Result<(), StoreError> {
        // Its founder is all of the cluster, so that nobody is left behind by what it speaks.
        let level = founder.as_ref().map(|entry| entry.level).unwrap_or_default();
        let mut state = State { cluster_id, next_group: 1, level, ..State::default() };
        if let Some(entry) = founder {
            state.apply(MetaCommand::PutNode(entry)).map_err(|e| StoreError(e.to_string()))?;
        }
        let mut batch = store.batch();
        objects::put_first(&mut batch, &state, conf);
        batch.put_applied(applied);
        batch.write().and_then(|()| store.sync()).map_err(failed)
    }

    /// Reads it from `data.db`.
    ///
    /// # Errors
    /// When the database fails or is damaged, or a later version has written there what this one
    /// would pass over.
    pub fn open(store: ShardStore) -> Result<Self, OpenError> {
        let current = objects::read(&store)?;
        let (level, spoken) = (current.state.level, FeatureLevel::SPOKEN);
        // What is above its level a version may read as something else, and write by that.
        if level > spoken {
            return Err(OpenError::TooNew { level, spoken });
        }
        let (changed, _) = watch::channel(current.applied);
        let (current, standing_still) = (RwLock::new(current), OnceLock::new());
        Ok(Self { store, current, writer: Mutex::new(()), changed, standing_still })
    }

    /// The members of the meta group as a disk has them that no process uses.
    ///
    /// # Errors
    /// When the database fails or is damaged.
    pub fn stored_conf(store: &ShardStore) -> Result<Conf, StoreError> {
        objects::read_conf(store)
    }

    /// Puts other members in their place, durably: only a recovery may, of a group that has
    /// lost its majority for good.
    ///
    /// # Errors
    /// When the database fails; the old members or the new ones are on disk.
    pub fn force_conf(store: &ShardStore, conf: &Conf) -> Result<(), StoreError> {
        let mut batch = store.batch();
        objects::put_conf(&mut batch, conf);
        batch.write().and_then(|()| store.sync()).map_err(failed)
    }

    /// What it holds now. `read` must not read it again, nor call what does: a writer that comes in
    /// between waits for the first, and the second waits for the writer.
    pub fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.current.read().state)
    }

    /// The stored form of a command that is to be proposed.
    ///
    /// # Errors
    /// [`EncodeError`] when some member may not be able to read it.
    pub fn encode(&self, logged: &Logged) -> Result<Vec<u8>, EncodeError> {
        self.read(|state| state.encode(logged))
    }

    /// The feature level that the members have agreed on, as far as this node has heard: it is
    /// never higher.
    pub fn level(&self) -> FeatureLevel {
        self.read(|state| state.level)
    }

    /// Why it takes no change any more; `None` while it does. What it holds then is as old as the
    /// last entry that it could read, which is tried again at the node's next start.
    pub fn standing_still(&self) -> Option<&str> {
        self.standing_still.get().map(String::as_str)
    }

    /// Tells of every applied entry.
    pub fn changes(&self) -> watch::Receiver<LogIndex> {
        self.changed.subscribe()
    }
}

impl StateMachine for Catalog {
    fn applied(&self) -> LogIndex {
        self.current.read().applied
    }

    fn conf(&self) -> Conf {
        self.current.read().conf.clone()
    }

    fn apply(&self, entry: &Entry) -> Result<Answer, ApplyError> {
        // First, so that a command that cannot be read has changed nothing.
        let logged = match entry.data.as_slice() {
            [] => None,
            data => {
                let read = Logged::decode_stored(data).map_err(ApplyError::from);
                Some(read.inspect_err(|error| {
                    let why = format!("it stands still before entry {}: {error}", entry.index);
                    self.standing_still.get_or_init(|| why);
                })?)
            }
        };
        let is_change = logged.is_some();
        let _only_writer = self.writer.lock();
        let mut batch = self.store.batch();
        let mut answer = Ok(());
        let mut current = self.current.write();
        if let Some(conf) = &entry.conf {
            objects::put_conf(&mut batch, conf);
            current.conf = conf.clone();
        }
        if let Some(logged) = logged {
            let (answered, touched) = current.state.apply_logged(entry.index, logged);
            objects::put_touched(&mut batch, &current.state, &touched);
            answer = answered;
        }
        batch.put_applied(entry.index);
        // A failed write ends the process, so that memory ahead of the disk is never seen.
        // Synced, other than shards' writes: replicas are made and removed by what is read
        // here, and must never be older than it.
        let written =
            batch.write().and_then(|()| if is_change { self.store.sync() } else { Ok(()) });
        written.map_err(|e| StoreError(format!("catalog: entry {}: {e}", entry.index)))?;
        current.applied = entry.index;
        drop(current);
        self.changed.send_replace(entry.index);
        Ok(answer)
    }

    fn snapshot(&self, dir: &Path) -> Result<Exported, StoreError> {
        // Under the writer's lock the index and the view are of the same entry; writing the
        // view out takes longer, and needs it no more.
        let (exported, view) = {
            let _only_writer = self.writer.lock();
            let current = self.current.read();
            let exported = Exported { index: current.applied, conf: current.conf.clone() };
            (exported, self.store.read_view())
        };
        view.export(dir).map_err(failed)?;
        Ok(exported)
    }

    fn install(&self, dir: &Path) -> Result<(), ApplyError> {
        let _only_writer = self.writer.lock();
        self.store.import(dir).map_err(failed)?;
        let current = objects::read(&self.store)?;
        let applied = current.applied;
        *self.current.write() = current;
        self.changed.send_replace(applied);
        Ok(())
    }
}
