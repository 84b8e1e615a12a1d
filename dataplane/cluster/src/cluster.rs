//! A node with all its collections: the library behind the server.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use vane_raft::Node;
use vane_shard::ShardSettings;
use vane_storage::{DataDb, DataDir, LogDb, ShardStore, Space};
use vane_types::command::{Change, Configure};
use vane_types::limits::NAMED_VECTORS_MAX;
use vane_types::{CollectionConfig, Command, GroupId, names};

use crate::catalogue::{
    AliasChange, Aliases, Catalogue, CatalogueChange, CatalogueCommand, Create, collection_not_found,
};
use crate::collection::{Collection, propose};
use crate::config_change::ConfigChange;
use crate::error::{Error, OpenError};
use crate::log_store::NodeLog;
use crate::maintenance::{Maintenance, sync_once};
use crate::pool::Pool;
use crate::settings::Settings;
use crate::shards::Shards;

/// A running node. Cheap to clone; all clones are the same node.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    shards: Arc<Shards>,
    pool: Arc<Pool>,
    maintenance: Maintenance,
    /// One change of parameters at a time: each builds on the one before.
    configuring: tokio::sync::Mutex<()>,
    stopped: AtomicBool,
}

impl Cluster {
    /// Opens the data directory, replays what the logs have beyond it, and starts the
    /// node's threads. Blocks; takes as long as reading the files does.
    pub fn open(settings: Settings) -> Result<Self, OpenError> {
        let data_dir = DataDir::open(&settings.data_dir)?;
        // First: on a full disk it throws the ballast off, and databases need room to open.
        let space = Space::new(data_dir.path(), settings.min_free_bytes, settings.ballast_bytes)?;
        let data_db = DataDb::open(&data_dir.path().join("data.db"))?;
        let log_db = LogDb::open(&data_dir.path().join("raft.db"))?;
        let config = vane_raft::Config { pending_bytes_max: settings.pending_write_bytes_max };
        let node = Node::start(Arc::new(NodeLog(log_db.clone())), config)?;
        let store = ShardStore::new(data_db.clone(), GroupId::META, data_dir.group_dir(GroupId::META));
        let catalogue = Arc::new(Catalogue::open(store)?);
        node.register(GroupId::META, Arc::clone(&catalogue) as Arc<dyn vane_raft::StateMachine>)?;
        let shard_settings = ShardSettings {
            growing_rows_max: settings.growing_rows_max,
            growing_bytes_max: settings.growing_bytes_max,
            idle_after: settings.idle_seal_after,
        };
        let shards = Arc::new(Shards::new(data_dir, (data_db, log_db), node, space, catalogue, shard_settings));
        shards.remove_orphans()?;
        shards.follow_catalogue().map_err(|e| vane_raft::StoreError(e.to_string()))?;
        let pool = Arc::new(Pool::start(settings.search_threads, settings.pending_searches_max)?);
        let maintenance = Maintenance::start(&shards, settings.flush_interval)?;
        let configuring = tokio::sync::Mutex::new(());
        let inner = Inner { shards, pool, maintenance, configuring, stopped: AtomicBool::new(false) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Makes a collection. It can be used when this returns.
    pub async fn create_collection(
        &self,
        name: &str,
        config: CollectionConfig,
        timeout: Duration,
    ) -> Result<(), Error> {
        names::check_collection_name(name).map_err(Error::BadInput)?;
        if config.vectors.len() > NAMED_VECTORS_MAX {
            let text = format!("a collection has at most {NAMED_VECTORS_MAX} vectors, not {}", config.vectors.len());
            return Err(Error::BadInput(text));
        }
        config.vectors.keys().try_for_each(|it| names::check_vector_name(it)).map_err(Error::BadInput)?;
        self.inner.shards.space.check(0)?;
        let config = serde_json::to_string(&config).expect("a configuration is plain data");
        self.change(CatalogueChange::Create(Create { name: name.to_owned(), config }), timeout).await
    }

    /// Changes a collection's parameters.
    pub async fn update_collection(&self, name: &str, change: ConfigChange, timeout: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + timeout;
        let _one_at_a_time = self.inner.configuring.lock().await;
        let collection = self.collection(name)?;
        let config = change.apply(collection.config())?;
        let config = serde_json::to_string(&config).expect("a configuration is plain data");
        let command = Command::new(Change::Configure(Configure { config })).encode_stored();
        propose(&self.inner.shards, collection.shard.store().group(), command, deadline).await?;
        Ok(())
    }

    /// Deletes a collection and its aliases; says whether there was one.
    pub async fn delete_collection(&self, name: &str, timeout: Duration) -> Result<bool, Error> {
        match self.change(CatalogueChange::Delete(name.to_owned()), timeout).await {
            Ok(()) => Ok(true),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Names of all collections, in order.
    pub fn collection_names(&self) -> Vec<String> {
        self.inner.shards.catalogue.read(|it| it.collections.keys().cloned().collect())
    }

    /// A collection by its name or an alias of it.
    pub fn collection(&self, name_or_alias: &str) -> Result<Arc<Collection>, Error> {
        let shards = &self.inner.shards;
        let name = shards.catalogue.read(|it| it.aliases.get(name_or_alias).cloned());
        let name = name.unwrap_or_else(|| name_or_alias.to_owned());
        match shards.get(&name) {
            Some(Ok(shard)) => {
                let pool = Arc::clone(&self.inner.pool);
                Ok(Arc::new(Collection::new(name, shard, pool, Arc::clone(shards))))
            }
            Some(Err(why)) => Err(Error::Unavailable(format!("collection `{name}` could not be opened: {why}"))),
            None => Err(collection_not_found(name_or_alias).into()),
        }
    }

    /// Changes aliases: all of them or none.
    pub async fn change_aliases(&self, changes: Vec<AliasChange>, timeout: Duration) -> Result<(), Error> {
        for change in &changes {
            match change {
                AliasChange::Create { alias: name, .. } | AliasChange::Rename { new: name, .. } => {
                    names::check_collection_name(name).map_err(Error::BadInput)?;
                }
                AliasChange::Delete { .. } => {}
            }
        }
        self.change(CatalogueChange::Aliases(Aliases::from(changes.as_slice())), timeout).await
    }

    /// All aliases with the collections they stand for.
    pub fn aliases(&self) -> Vec<(String, String)> {
        self.inner.shards.catalogue.read(|it| it.aliases.iter().map(|(a, c)| (a.clone(), c.clone())).collect())
    }

    /// Whether requests can be answered; if not, why.
    pub fn check_ready(&self) -> Result<(), String> {
        if self.inner.stopped.load(Ordering::Acquire) { Err("the node is shutting down".into()) } else { Ok(()) }
    }

    /// Bytes free on the disk.
    pub fn disk_free_bytes(&self) -> u64 {
        self.inner.shards.space.free()
    }

    /// Answers what is on its way, makes everything durable and ends the threads. Blocks.
    pub fn shutdown(&self) {
        if self.inner.stopped.swap(true, Ordering::AcqRel) {
            return;
        }
        let Inner { shards, pool, maintenance, .. } = &*self.inner;
        maintenance.stop();
        shards.node.stop();
        pool.stop();
        let synced = sync_once(shards, &mut HashMap::new())
            .and_then(|_| shards.data_dir.mark_clean().map_err(|e| e.to_string()));
        if let Err(error) = synced {
            tracing::error!(error, "failed to sync at shutdown; the next start reads the logs");
        }
    }

    async fn change(&self, change: CatalogueChange, timeout: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + timeout;
        let command = CatalogueCommand::stored(change);
        propose(&self.inner.shards, GroupId::META, command, deadline).await?;
        let shards = Arc::clone(&self.inner.shards);
        let followed = tokio::task::spawn_blocking(move || shards.follow_catalogue()).await;
        followed.map_err(|e| Error::Internal(format!("the change was made but not carried out: {e}")))?
    }
}
