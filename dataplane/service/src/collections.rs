//! Collections and their aliases: looked at, made, changed, deleted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use vane_api::{Error, Kind};
use vane_types::{CollectionConfig, NodeId, Recall};

use crate::call::Call;
use crate::engine::{
    AliasChange, Collection, ConfigChange, Info, Layout, LayoutChange, Member, ShardOverview,
    Shards,
};
use crate::operation::Operation;
use crate::replicas;
use crate::service::{Answering, Service, check_length};

/// Where the replicas of a collection are, and how they do.
#[derive(Debug)]
pub struct ReplicaPlaces {
    /// Its shards, by what their leaders report.
    pub shards: Vec<ShardOverview>,
    /// Points of the replicas on this node, by the ordinal of their shard.
    pub points: BTreeMap<usize, u64>,
    /// Members that do not answer.
    pub silent: Vec<NodeId>,
}

impl Service {
    /// Names of all collections.
    ///
    /// # Errors
    ///
    /// [`Kind::Unavailable`] while this node belongs to no cluster.
    pub fn collection_names<'a>(&'a self, call: &'a Call) -> Answering<'a, Vec<String>> {
        let names = async move {
            let coordinator = self.coordinator()?;
            coordinator.be_current(call.options().deadline).await;
            Ok::<_, Error>(coordinator.collection_names())
        };
        Box::pin(self.run(call, Operation::ListCollections, "", names))
    }

    /// Whether there is a collection or an alias of that name.
    ///
    /// # Errors
    ///
    /// [`Kind::Unavailable`] while this node belongs to no cluster.
    pub fn collection_exists<'a>(&'a self, call: &'a Call, name: &'a str) -> Answering<'a, bool> {
        Box::pin(async move {
            let looking = async {
                match self.collection(call, name).await {
                    Ok(_) => Ok(true),
                    // Only a name that nobody has is a no; a node that cannot tell must
                    // not say one.
                    Err(error) if error.kind == Kind::NotFound => Ok(false),
                    Err(error) => Err(error),
                }
            };
            self.run(call, Operation::GetCollection, name, looking).await
        })
    }

    /// What the shards of a collection hold and do.
    ///
    /// # Errors
    ///
    /// What keeps the collection from a leader of one of its shards.
    pub fn collection_info<'a>(
        &'a self,
        call: &'a Call,
        collection: &'a Collection,
    ) -> Answering<'a, Info> {
        let asking = collection.info(call.options());
        Box::pin(self.run(call, Operation::GetCollection, collection.name(), asking))
    }

    /// What the searches of a collection found lately of what they should, on all replicas that
    /// answer.
    pub async fn collection_recall(&self, call: &Call, collection: &Collection) -> Recall {
        collection.recall(call.options()).await
    }

    /// Where the replicas of a collection are.
    ///
    /// # Errors
    ///
    /// [`Kind::Internal`] where counting the points of those that are here panicked.
    pub fn replica_places<'a>(
        &'a self,
        call: &'a Call,
        collection: Arc<Collection>,
    ) -> Answering<'a, ReplicaPlaces> {
        Box::pin(async move {
            let (member, name) = (self.member()?, collection.name().to_owned());
            let counting = async move {
                let shards = member.shard_overviews(Some(collection.name())).await;
                let is_alive = |node: &NodeId| member.coordinator().shards().is_alive(*node);
                let silent = member.nodes().into_iter().map(|node| node.id);
                let silent = silent.filter(|node| !is_alive(node)).collect();
                // Points are counted in the store, which is not for a thread that answers requests.
                let counted = tokio::task::spawn_blocking(move || member.replicas_of(&collection));
                let replicas = counted.await.map_err(|error| {
                    Error::internal(format!("the shards could not be looked at: {error}"))
                })?;
                let points = replicas
                    .into_iter()
                    .filter_map(|replica| Some((replica.ordinal, replica.points?)));
                Ok::<_, Error>(ReplicaPlaces { shards, points: points.collect(), silent })
            };
            self.run(call, Operation::LocateReplicas, &name, counting).await
        })
    }

    /// Makes a collection. A second call with the same `key`, where it is not empty, changes
    /// nothing and succeeds.
    ///
    /// # Errors
    ///
    /// [`Kind::AlreadyExists`], [`Kind::BadInput`], or what keeps the meta group from deciding.
    pub fn create_collection<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        name: String,
        (config, layout): (CollectionConfig, Layout),
        key: String,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let (coordinator, timeout, subject) = (self.coordinator()?, call.timeout, name.clone());
            self.change(call, Operation::CreateCollection, &subject, async move {
                coordinator.create_collection(&name, config, layout, &key, timeout).await
            })
            .await
        })
    }

    /// Changes the configuration of a collection, how many replicas its shards have, and for how
    /// many of them its writes wait.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`], [`Kind::BadInput`], [`Kind::BadRequest`] where its shards cannot have so
    /// many or so few, or what keeps the meta group from deciding.
    pub fn update_collection<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        collection: Arc<Collection>,
        change: ConfigChange,
        layout: LayoutChange,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let member = self.member()?;
            let (name, options) = (collection.name().to_owned(), call.options());
            let subject = name.clone();
            // Boxed: its states are large, and few requests come here.
            let changing = Box::pin(async move {
                reconfigure(&member, &name, change, layout, options.deadline).await
            });
            self.change(call, Operation::UpdateCollection, &subject, changing).await
        })
    }

    /// Deletes a collection; `false` when there was none. With a `key` that is not empty only the
    /// collection that was made with it.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] where the key is another, or what keeps the meta group from deciding.
    pub fn delete_collection<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        name: String,
        key: String,
    ) -> Answering<'a, bool> {
        Box::pin(async move {
            check_length(&name)?;
            let (coordinator, timeout, subject) = (self.coordinator()?, call.timeout, name.clone());
            self.change(call, Operation::DeleteCollection, &subject, async move {
                coordinator.delete_collection(&name, &key, timeout).await
            })
            .await
        })
    }

    /// All aliases, each with the collection that it names.
    ///
    /// # Errors
    ///
    /// [`Kind::Unavailable`] while this node belongs to no cluster.
    pub fn aliases<'a>(&'a self, call: &'a Call) -> Answering<'a, Vec<(String, String)>> {
        let aliases = async move {
            let coordinator = self.coordinator()?;
            coordinator.be_current(call.options().deadline).await;
            Ok::<_, Error>(coordinator.aliases())
        };
        Box::pin(self.run(call, Operation::ListAliases, "", aliases))
    }

    /// Changes aliases: all of the changes or none.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`], [`Kind::AlreadyExists`], or what keeps the meta group from deciding.
    pub fn change_aliases<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        changes: Vec<AliasChange>,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let (coordinator, timeout) = (self.coordinator()?, call.timeout);
            let changing = async move { coordinator.change_aliases(changes, timeout).await };
            self.change(call, Operation::ChangeAliases, "", changing).await
        })
    }

    /// Gives a collection an alias, unless there is one of that name. An application may point it
    /// elsewhere at any time: it is not taken back. Returns the collection that it names then.
    ///
    /// # Errors
    ///
    /// As those of [`Service::change_aliases`].
    pub fn add_alias<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        collection: String,
        alias: String,
    ) -> Answering<'a, String> {
        Box::pin(async move {
            // Before the change, which would take the alias from where it points.
            if let Some(holder) = self.holder_of(&alias)? {
                return Ok(holder);
            }
            let change = AliasChange::Create { collection, alias: alias.clone() };
            self.change_aliases(call, vec![change]).await?;
            // Asked again: whoever was faster has it.
            Ok(self.holder_of(&alias)?.unwrap_or_default())
        })
    }

    fn holder_of(&self, alias: &str) -> Result<Option<String>, Error> {
        let mut aliases = self.coordinator()?.aliases().into_iter();
        Ok(aliases.find(|(name, _)| name == alias).map(|(_, collection)| collection))
    }
}

async fn reconfigure(
    member: &Member,
    name: &str,
    change: ConfigChange,
    layout: LayoutChange,
    deadline: Instant,
) -> Result<(), Error> {
    let left = || deadline.saturating_duration_since(Instant::now());
    let LayoutChange { replication_factor, write_consistency_factor: writes } = layout;
    let coordinator = member.coordinator();
    let Some(factor) = replication_factor else {
        return Ok(coordinator.update_collection(name, change, writes, left()).await?);
    };
    // Whatever refuses it does so before anything is changed.
    replicas::plan_factor(member, name, factor, deadline).await?;
    coordinator.update_collection(name, change, None, left()).await?;
    replicas::set_factor(member, name, factor, deadline).await?;
    if writes.is_some() {
        let nothing = ConfigChange::default();
        coordinator.update_collection(name, nothing, writes, left()).await?;
    }
    Ok(())
}
