//! A member of a running cluster: what spans collections.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use vane_raft::StateMachine;
use vane_shard::Info;
use vane_types::command::{Change, Configure as ConfigureShard};
use vane_types::limits::{NAMED_VECTORS_MAX, REPLICAS_MAX, SHARDS_MAX};
use vane_types::{CollectionConfig, Command, GroupId, names};

use crate::collection::Collection;
use crate::config_change::ConfigChange;
use crate::error::Error;
use crate::inner::Inner;
use crate::local::{Freshness, ShardRead};
use vane_catalog::{AliasChange, Configure, Create, MetaCommand, collection_not_found};
use crate::{follow, gateway, placing};

/// Absence of a meta leader after which a node is not ready.
const LEADERLESS_MAX: Duration = Duration::from_secs(30);
/// Entries that a voter here may trail before the node is not ready.
const LAG_MAX: u64 = 10_000;

/// How a collection is spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// Its shards.
    pub shards: u32,
    /// Voters of each shard.
    pub replication_factor: u32,
    /// Replicas that must have a write on disk before it is acknowledged. Below a majority
    /// it means a majority.
    pub write_consistency_factor: u32,
}

impl Default for Spread {
    fn default() -> Self {
        Self { shards: 1, replication_factor: 1, write_consistency_factor: 1 }
    }
}

/// A running member. Cheap to clone; all clones are the same node.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) inner: Arc<Inner>,
}

impl Cluster {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// Makes a collection. It can be used when this returns. With a `key`, a second call
    /// with the same name and key succeeds and changes nothing.
    pub async fn create_collection(
        &self,
        name: &str,
        config: CollectionConfig,
        spread: Spread,
        key: &str,
        timeout: Duration,
    ) -> Result<(), Error> {
        names::check_collection_name(name).map_err(Error::BadInput)?;
        if config.vectors.len() > NAMED_VECTORS_MAX {
            let text = format!(
                "a collection has at most {NAMED_VECTORS_MAX} vectors, not {}",
                config.vectors.len()
            );
            return Err(Error::BadInput(text));
        }
        config
            .vectors
            .keys()
            .try_for_each(|it| names::check_vector_name(it))
            .map_err(Error::BadInput)?;
        let Spread { shards, replication_factor, write_consistency_factor } = spread;
        check_count("shard_number", shards, SHARDS_MAX)?;
        check_count("replication_factor", replication_factor, REPLICAS_MAX)?;
        check_count("write_consistency_factor", write_consistency_factor, replication_factor)?;
        self.inner.space.check(0)?;
        let deadline = Instant::now() + timeout;
        let placement = placing::place_new(&self.inner, shards, replication_factor)?;
        let create = Create {
            name: name.to_owned(),
            config,
            replication_factor,
            write_consistency_factor,
            placement,
            key: key.to_owned(),
        };
        self.change(MetaCommand::Create(create), deadline).await?;
        self.wait_for_leaders(name, deadline).await
    }

    /// Waits until every shard of a collection can be written.
    async fn wait_for_leaders(&self, name: &str, deadline: Instant) -> Result<(), Error> {
        let groups =
            self.inner.meta.read(|it| it.collections.get(name).map(|it| it.shards.clone()));
        let groups = groups.unwrap_or_default();
        let inner = &self.inner;
        let waits = groups.iter().map(|group| {
            gateway::read(inner, *group, ShardRead::Basis, Freshness::Leader, deadline)
        });
        let there: Result<Vec<_>, Error> = join_all(waits).await.into_iter().collect();
        match there {
            Ok(_) => Ok(()),
            Err(error) => {
                let text =
                    format!("the collection was made, but cannot be used yet: {}", error.text());
                Err(error.with_text(text))
            }
        }
    }

    /// Changes a collection's parameters.
    pub async fn update_collection(
        &self,
        name: &str,
        change: ConfigChange,
        write_consistency_factor: Option<u32>,
        timeout: Duration,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + timeout;
        let _one_at_a_time = self.inner.configuring.lock().await;
        let collection = self.collection(name)?;
        if let Some(factor) = write_consistency_factor {
            check_count(
                "write_consistency_factor",
                factor,
                collection.spread().replication_factor,
            )?;
        }
        let config = change.apply(collection.config())?;
        let json = serde_json::to_string(&config).expect("a configuration is plain data");
        let configure =
            Configure { name: collection.name().to_owned(), config, write_consistency_factor };
        self.change(MetaCommand::Configure(configure), deadline).await?;
        let inner = &self.inner;
        let groups = collection.groups();
        let tell = |group: &GroupId| {
            let command = Command::new(Change::Configure(ConfigureShard { config: json.clone() }));
            gateway::propose_once(inner, *group, command, 0, false, deadline)
        };
        let told: Result<Vec<_>, Error> =
            join_all(groups.iter().map(tell)).await.into_iter().collect();
        told.map(|_| ())
    }

    /// Deletes a collection and its aliases; says whether there was one. With a `key` only
    /// one that was made with it.
    pub async fn delete_collection(
        &self,
        name: &str,
        key: &str,
        timeout: Duration,
    ) -> Result<bool, Error> {
        let command = MetaCommand::Delete { name: name.to_owned(), key: key.to_owned() };
        match self.change(command, Instant::now() + timeout).await {
            Ok(()) => Ok(true),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Names of all collections, in order.
    pub fn collection_names(&self) -> Vec<String> {
        self.inner.meta.read(|it| it.collections.keys().cloned().collect())
    }

    /// A collection by its name or an alias of it.
    pub fn collection(&self, name_or_alias: &str) -> Result<Arc<Collection>, Error> {
        let found = self.inner.meta.read(|it| {
            it.collection(name_or_alias).map(|(name, it)| (name.to_owned(), it.clone()))
        });
        let (name, entry) = found.ok_or_else(|| collection_not_found(name_or_alias))?;
        Ok(Arc::new(Collection::new(name, entry, Arc::clone(&self.inner))))
    }

    /// Changes aliases: all of them or none.
    pub async fn change_aliases(
        &self,
        changes: Vec<AliasChange>,
        timeout: Duration,
    ) -> Result<(), Error> {
        for change in &changes {
            match change {
                AliasChange::Create { alias: name, .. } | AliasChange::Rename { new: name, .. } => {
                    names::check_collection_name(name).map_err(Error::BadInput)?;
                }
                AliasChange::Delete { .. } => {}
            }
        }
        self.change(MetaCommand::Aliases(changes), Instant::now() + timeout).await
    }

    /// All aliases with the collections they stand for.
    pub fn aliases(&self) -> Vec<(String, String)> {
        self.inner.meta.read(|it| it.aliases.iter().map(|(a, c)| (a.clone(), c.clone())).collect())
    }

    /// Figures of the replicas on this node, by collection.
    pub fn local_infos(&self) -> BTreeMap<String, Info> {
        let mut infos: BTreeMap<String, Info> =
            self.collection_names().into_iter().map(|name| (name, Info::default())).collect();
        for (group, replica) in self.inner.replicas.all() {
            let name =
                self.inner.meta.read(|it| it.shards.get(&group).map(|it| it.collection.clone()));
            if let Some(info) = name.and_then(|it| infos.get_mut(&it)) {
                info.add(replica.shard.info());
            }
        }
        infos
    }

    /// Whether requests can be answered here; if not, why.
    pub fn check_ready(&self) -> Result<(), String> {
        let inner = &self.inner;
        if inner.is_stopped() {
            return Err("the node is shutting down".into());
        }
        let meta = inner.node.watch(GroupId::META);
        if meta.is_none_or(|it| it.applied() == 0) {
            return Err("the node has joined and waits for the catalogue".into());
        }
        if inner.leaderless_for() > LEADERLESS_MAX {
            return Err(format!(
                "the meta group has had no leader for {} s",
                inner.leaderless_for().as_secs()
            ));
        }
        for (group, replica) in inner.replicas.all() {
            let votes = replica.shard.conf().voters.contains(&replica.peer);
            if votes && replica.watch.lag() > LAG_MAX {
                return Err(format!(
                    "{} is catching up here: {} entries to go",
                    inner.name_of(group),
                    replica.watch.lag()
                ));
            }
        }
        Ok(())
    }

    /// Bytes free on the disk.
    pub fn disk_free_bytes(&self) -> u64 {
        self.inner.space.free()
    }

    /// What Raft did on this node since the start.
    pub fn raft_counters(&self) -> &vane_raft::Counters {
        self.inner.node.counters()
    }

    pub(crate) async fn change(
        &self,
        command: MetaCommand,
        deadline: Instant,
    ) -> Result<(), Error> {
        let index = gateway::propose_meta(&self.inner, command.encode_stored(), deadline).await?;
        follow::wait(&self.inner, index, deadline).await
    }
}

fn check_count(field: &str, value: u32, max: u32) -> Result<(), Error> {
    if (1..=max).contains(&value) {
        return Ok(());
    }
    Err(Error::BadInput(format!("{field} is {value}, must be from 1 to {max}")))
}
