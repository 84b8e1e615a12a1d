//! Collections as a whole: made, changed, deleted, given other names.

mod config_change;
mod vectors;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use vane_catalog::{AliasChange, Configure, Create, MetaCommand};
use vane_commands::{Change as ShardChange, Command, Configure as ConfigureShard};
use vane_placement::place_collection;
use vane_transport::Freshness;
use vane_transport::reads::Basis;
use vane_types::limits::{NAMED_VECTORS_MAX, REPLICAS_MAX, SHARDS_MAX};
use vane_types::{
    Changed, CollectionConfig, Error, ErrorKind, FeatureLevel, GroupId, Hints, LogIndex, Quotas,
    StrictMode, names,
};

pub use config_change::{ConfigChange, SparseChange, VectorChange};
pub use vectors::Untold;

use crate::coordinator::Coordinator;
use crate::propose::ShardCommand;
use crate::shards::Shards;

/// How a collection is laid out over the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Its shards.
    pub shards: u32,
    /// Voters of each shard.
    pub replication_factor: u32,
    /// Replicas that must have a write on disk before it is acknowledged. Below a majority
    /// it means a majority.
    pub write_consistency_factor: u32,
}

/// What of a collection's layout is to change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LayoutChange {
    /// Voters of each shard.
    pub replication_factor: Option<u32>,
    /// Replicas that must have a write on disk before it is acknowledged.
    pub write_consistency_factor: Option<u32>,
}

impl Default for Layout {
    fn default() -> Self {
        Self { shards: 1, replication_factor: 1, write_consistency_factor: 1 }
    }
}

impl<S: Shards> Coordinator<S> {
    /// Makes a collection. It can be used when this returns. With a `key`, a second call
    /// with the same name and key succeeds and changes nothing.
    ///
    /// # Errors
    /// `BadInput` for a name, vectors or a layout that cannot be, `AlreadyExists`,
    /// `OutOfSpace`, `Unavailable`; `Timeout` when it may have been made.
    pub async fn create_collection(
        &self,
        name: &str,
        mut config: CollectionConfig,
        layout: Layout,
        key: &str,
        timeout: Duration,
    ) -> Result<(), Error> {
        check_new(name, &config, layout)?;
        self.keep_hints(&mut config);
        // Each shard needs room where it comes to lie. Of the disks this node knows only its own,
        // but that is enough to refuse early.
        self.shards.check_room()?;
        let deadline = self.shards.now() + timeout;
        let Layout { shards, replication_factor, write_consistency_factor } = layout;
        // Placed before it is proposed: who answers is known here only, and all members must apply
        // the same placement.
        let placement = self.catalog.read(|state| {
            let is_alive = |node| self.shards.is_alive(node);
            place_collection(state, is_alive, shards, replication_factor)
        })?;
        let create = Create {
            name: name.to_owned(),
            config,
            replication_factor,
            write_consistency_factor,
            placement,
            key: key.to_owned(),
        };
        self.change(MetaCommand::Create(create), deadline).await?;
        // The catalog has it before any shard has elected, and a first write would find no leader.
        self.wait_for_leaders(name, deadline).await
    }

    /// Drops hints, and limits that are switched off, while some member would not keep them: they
    /// change nothing, and must not keep a collection from being made.
    fn keep_hints(&self, config: &mut CollectionConfig) {
        let level = self.catalog.read(|state| state.level);
        if level < FeatureLevel::PROVEN {
            config.hints = Hints::default();
        }
        if level < FeatureLevel::TUNED {
            config.drop_residences();
        }
        // Those that hold are refused by the level: nobody may think that they do.
        if level < FeatureLevel::CHANGING && !config.strict.is_on() {
            config.strict = StrictMode::default();
        }
    }

    /// Waits until every shard of a collection can be written.
    async fn wait_for_leaders(&self, name: &str, deadline: Instant) -> Result<(), Error> {
        // Where it was deleted again meanwhile there is nothing to wait for.
        let groups = self
            .catalog
            .read(|state| state.collections.get(name).map(|entry| entry.shards.clone()))
            .unwrap_or_default();
        let waits =
            groups.iter().map(|group| self.read(*group, Basis, Freshness::Leader, deadline));
        match join_all(waits).await.into_iter().find_map(Result::err) {
            None => Ok(()),
            // The collection is there, only its shards are late: nobody may take it for not made.
            Some(error) => Err(Error { changed: Changed::Done, ..error }),
        }
    }

    /// Changes a collection's parameters.
    ///
    /// # Errors
    /// `NotFound`, `BadInput`; `Unavailable` or `Timeout` where the catalog or a shard did not
    /// answer: the call may then be repeated.
    pub async fn update_collection(
        self: &Arc<Self>,
        name: &str,
        change: ConfigChange,
        write_consistency_factor: Option<u32>,
        timeout: Duration,
    ) -> Result<(), Error> {
        let deadline = self.shards.now() + timeout;
        // From the reading on: the configuration is sent whole, so of two calls that began with the
        // same one the second would undo the first.
        let _one_at_a_time = self.configuring.lock().await;
        let collection = self.collection(name, deadline).await?;
        if let Some(factor) = write_consistency_factor {
            let max = collection.layout().replication_factor;
            check_factor(factor, max)?;
        }
        let mut config = change.apply(collection.config().clone())?;
        self.keep_hints(&mut config);
        // Before anything is proposed, so that a failure changes nothing.
        let command = configure_shard(&config)?;
        let name = collection.name().to_owned();
        let configure = Configure { name, config, write_consistency_factor };
        // Before the shards: where one cannot be told, repeating the call brings it in line.
        self.change(MetaCommand::Configure(configure), deadline).await?;
        self.tell_shards(collection.groups(), &command, deadline).await.map(drop)
    }

    /// Has all shards of a collection take its configuration up; the index of the last log entry.
    async fn tell_shards(
        &self,
        groups: &[GroupId],
        command: &Command,
        deadline: Instant,
    ) -> Result<LogIndex, Error> {
        let tell = |group: GroupId| {
            // A majority is enough, and as it takes no room, a full disk does not refuse it.
            let (command, range, replicas, grows) = (command.clone(), None, 0, false);
            let mut command = ShardCommand { group, command, range, replicas, grows };
            async move {
                let told = self.propose_once(&mut command, deadline).await;
                told.map_err(|failure| self.error(group, failure))
            }
        };
        // All are told before a failure counts: one shard that has no leader must not keep the
        // others on old parameters.
        let told = join_all(groups.iter().copied().map(tell)).await;
        told.into_iter().try_fold(LogIndex::ZERO, |last, told| Ok(last.max(told?)))
    }

    /// Deletes a collection and its aliases; says whether there was one. With a `key` only
    /// one that was made with it.
    ///
    /// # Errors
    /// `Unavailable`; `Timeout` when it may have been deleted.
    pub async fn delete_collection(
        &self,
        name: &str,
        key: &str,
        timeout: Duration,
    ) -> Result<bool, Error> {
        let command = MetaCommand::Delete { name: name.to_owned(), key: key.to_owned() };
        match self.change(command, self.shards.now() + timeout).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Says how much of its memory and of its disk each node may use, in place of what was said.
    ///
    /// # Errors
    /// `Unavailable`; `Timeout` when they may have been changed; `Unsupported` while some member
    /// would not know of them.
    pub async fn set_quotas(&self, quotas: Quotas, timeout: Duration) -> Result<(), Error> {
        self.change(MetaCommand::SetQuotas(quotas), self.shards.now() + timeout).await
    }

    /// Changes aliases: all of them or none.
    ///
    /// # Errors
    /// `BadInput` for a name that cannot be, `NotFound`, `AlreadyExists`, `Unavailable`;
    /// `Timeout` when they may have been changed.
    pub async fn change_aliases(
        &self,
        changes: Vec<AliasChange>,
        timeout: Duration,
    ) -> Result<(), Error> {
        // Only names that would come to be: the others are looked up as they are.
        for change in &changes {
            match change {
                AliasChange::Create { alias: name, .. } | AliasChange::Rename { new: name, .. } => {
                    names::check_collection_name(name)?;
                }
                AliasChange::Delete { .. } => {}
            }
        }
        self.change(MetaCommand::Aliases(changes), self.shards.now() + timeout).await
    }

    /// Says how many voters each shard of a collection should have. Where they are is said of each
    /// shard.
    ///
    /// # Errors
    /// `NotFound`, `BadInput`; `Unavailable`; `Timeout` when it may have been said.
    pub async fn set_replication_factor(
        &self,
        collection: String,
        factor: u32,
        timeout: Duration,
    ) -> Result<(), Error> {
        let command = MetaCommand::SetReplicationFactor { collection, factor };
        self.change(command, self.shards.now() + timeout).await
    }

    /// Keeps a value for the cluster as a whole; `null` forgets it.
    ///
    /// # Errors
    /// `BadInput` where it is too large or too deep, or there are too many; `Unavailable`;
    /// `Timeout` when it may have been kept.
    pub async fn set_metadata(
        &self,
        key: String,
        value: Value,
        timeout: Duration,
    ) -> Result<(), Error> {
        // Before it is logged: what is refused there has been in every member's log.
        self.catalog.read(|state| state.check_metadata(&key, &value))?;
        let command = MetaCommand::SetMetadata { key, value };
        self.change(command, self.shards.now() + timeout).await
    }
}

/// What tells a shard how its collection is configured. Shards do without most hints, and limits of
/// requests.
fn configure_shard(config: &CollectionConfig) -> Result<Command, Error> {
    let (hints, strict) = (config.hints.of_shards(), StrictMode::default());
    let of_shards = CollectionConfig { hints, strict, ..config.clone() };
    let config = serde_json::to_string(&of_shards)
        .map_err(|error| Error::internal(format!("the configuration: {error}")))?;
    Ok(Command::new(ShardChange::Configure(ConfigureShard { config })))
}

fn check_new(name: &str, config: &CollectionConfig, layout: Layout) -> Result<(), Error> {
    names::check_collection_name(name)?;
    let vectors = config.vectors_len();
    if vectors > NAMED_VECTORS_MAX {
        let most = format!("a collection has at most {NAMED_VECTORS_MAX} vectors, not {vectors}");
        return Err(Error::bad_input(most));
    }
    for (vector, _) in config.all_vectors() {
        names::check_vector_name(vector)?;
    }
    if config.sparse.contains_key("") {
        return Err(Error::bad_input("Sparse vector name cannot be empty"));
    }
    if let Some(twice) = config.sparse.keys().find(|name| config.vectors.contains_key(*name)) {
        return Err(Error::bad_input(format!(
            "Dense and sparse vector names must be unique - duplicate found with '{twice}'"
        )));
    }
    config_change::check_metadata(&config.metadata)?;
    config.hints.check()?;
    config.strict.check()?;
    let Layout { shards, replication_factor, write_consistency_factor } = layout;
    check_count("shard_number", shards, SHARDS_MAX)?;
    check_count("replication_factor", replication_factor, REPLICAS_MAX)?;
    // More replicas than there are would be waited for in vain, by every write.
    check_factor(write_consistency_factor, replication_factor)
}

fn check_factor(factor: u32, replication_factor: u32) -> Result<(), Error> {
    if (1..=replication_factor).contains(&factor) {
        return Ok(());
    }
    Err(Error::bad_input(format!(
        "write_consistency_factor is {factor}, must be from 1 to the replication factor, which is \
         {replication_factor}"
    )))
}

fn check_count(field: &str, value: u32, max: u32) -> Result<(), Error> {
    if (1..=max).contains(&value) {
        return Ok(());
    }
    Err(Error::bad_input(format!("{field} is {value}, must be from 1 to {max}")))
}
