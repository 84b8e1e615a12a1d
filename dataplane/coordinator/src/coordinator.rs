//! The coordinator itself: what it knows, and what all of its parts use.

use std::sync::Arc;
use std::time::Instant;

use vane_catalog::{Catalog, Logged, MetaCommand, ShardEntry, collection_not_found};
use vane_transport::Freshness;
use vane_transport::reads::Basis;
use vane_types::{Error, FeatureLevel, GroupId, LogIndex, NodeId, Subject};

use crate::asked::{Asked, is_about_names};
use crate::attempt::{Attempt, Failure, Purpose};
use crate::collection::Collection;
use crate::nearest::Nearest;
use crate::router::Router;
use crate::shards::Shards;
use crate::watched::Watches;

/// Routes requests to replicas of their shards, whichever node those are on.
pub struct Coordinator<S> {
    pub(crate) shards: S,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) router: Router,
    /// One change of parameters at a time: each builds on the one before.
    pub(crate) configuring: futures_util::lock::Mutex<()>,
    pub(crate) asked: Asked,
    pub(crate) nearest: Nearest,
    pub(crate) watches: Watches,
}

impl<S: Shards> Coordinator<S> {
    /// A coordinator whose requests carry `session`, a number that no other process used.
    pub fn new(shards: S, catalog: Arc<Catalog>, session: u64) -> Self {
        let (router, configuring) = (Router::new(session), futures_util::lock::Mutex::new(()));
        let (asked, nearest) = (Asked::default(), Nearest::default());
        let watches = Watches::default();
        Self { shards, catalog, router, configuring, asked, nearest, watches }
    }

    /// How it reaches replicas.
    pub fn shards(&self) -> &S {
        &self.shards
    }

    /// What the cluster agrees on, as this node has applied it.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// What it remembers of leaders and of how far they were: hints, never the truth.
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// Names of all collections, in order.
    pub fn collection_names(&self) -> Vec<String> {
        self.catalog.read(|state| state.collections.keys().cloned().collect())
    }

    /// Whether there is a collection or an alias of that name, as far as this node knows.
    pub fn knows(&self, name_or_alias: &str) -> bool {
        self.catalog.read(|state| state.collection(name_or_alias).is_some())
    }

    /// A collection by its name or an alias of it.
    ///
    /// # Errors
    /// [`vane_types::ErrorKind::NotFound`] where the cluster has none of that name at the time
    /// of the call; `Unavailable` or `Timeout` where this node cannot tell.
    pub async fn collection(
        self: &Arc<Self>,
        name_or_alias: &str,
        deadline: Instant,
    ) -> Result<Arc<Collection<S>>, Error> {
        self.be_current(deadline).await;
        if let Some(known) = self.known_collection(name_or_alias) {
            return Ok(known);
        }
        // Another node may have answered that it is made before this one heard of it, or this one
        // has only just started: a name is unknown only once the catalog is as new as the question.
        Box::pin(self.catch_up(deadline)).await?;
        let known = self.known_collection(name_or_alias);
        known.ok_or_else(|| collection_not_found(name_or_alias).into())
    }

    /// A collection by its name or an alias of it, if this node has heard of it.
    pub fn known_collection(self: &Arc<Self>, name_or_alias: &str) -> Option<Arc<Collection<S>>> {
        // Cloned, so that the catalog is not locked while shards are asked.
        let (name, entry) = self.catalog.read(|state| {
            let (name, entry) = state.collection(name_or_alias)?;
            Some((name.to_owned(), entry.clone()))
        })?;
        Some(Arc::new(Collection::new(name, entry, Arc::clone(self))))
    }

    /// Waits until this node's catalog has all that was agreed on before the call; the entry of the
    /// meta group up to which it has.
    ///
    /// # Errors
    /// `Unavailable` where the meta group has no leader that answers; `Timeout`.
    pub async fn catch_up(&self, deadline: Instant) -> Result<LogIndex, Error> {
        let (index, _) = self.read(GroupId::META, Basis, Freshness::Linearizable, deadline).await?;
        if self.shards.applied_here(GroupId::META).is_none_or(|applied| applied < index) {
            self.shards.catalog_at(index, deadline).await?;
        }
        Ok(index)
    }

    /// All aliases with the collections they stand for.
    pub fn aliases(&self) -> Vec<(String, String)> {
        let owned = |(alias, name): (&String, &String)| (alias.clone(), name.clone());
        self.catalog.read(|state| state.aliases.iter().map(owned).collect())
    }

    /// What a group is in errors and in reports.
    pub fn subject(&self, group: GroupId) -> Subject {
        if group == GroupId::META {
            return Subject::MetaGroup;
        }
        let shard = |entry: &ShardEntry| Subject::Shard {
            collection: entry.collection.clone(),
            ordinal: entry.ordinal,
        };
        self.catalog
            .read(|state| state.shards.get(&group).map(shard))
            // Deleted meanwhile: an error about it still needs a name.
            .unwrap_or(Subject::Group(group))
    }

    /// Nodes that may lead a group: this one first, if it is among them.
    fn members(&self, group: GroupId) -> Vec<NodeId> {
        let mut nodes = self.catalog.read(|state| state.nodes_of(group));
        let me = self.shards.me();
        // This node costs no round trip, and its answer names the leader just as well.
        nodes.sort_by_key(|node| (*node != me, *node));
        nodes
    }

    /// Node to ask next.
    pub(crate) fn target(&self, group: GroupId, attempt: &mut Attempt) -> Result<NodeId, Failure> {
        let watched = self.shards.watched_leader(group);
        attempt.target(&self.router, watched, || self.members(group))
    }

    /// A failure as callers are told of it.
    pub(crate) fn error(&self, group: GroupId, failure: Failure) -> Error {
        match failure {
            Failure::NoSuchGroup => Error::not_found("the collection was deleted meanwhile"),
            Failure::NoLeader(why) => no_leader(&why).about(self.subject(group)),
            Failure::Full(why) => Error::overloaded(why).nothing_changed(),
            Failure::NoSpace(why) => Error::out_of_space(why).nothing_changed(),
            Failure::Refused(refusal) => refusal.into(),
            Failure::Unknown(why) => Error::unknown_outcome(why),
            Failure::Failed(error) => error,
        }
    }

    /// Has the meta group change what the cluster agrees on, and waits until this node acts
    /// on it; of a change of names, until all members that answer know of it.
    ///
    /// # Errors
    /// The refusal of the change; `Unavailable` where the meta group has no leader, `Timeout`
    /// with an unknown outcome where it lost one on the way.
    pub async fn change(&self, command: MetaCommand, deadline: Instant) -> Result<(), Error> {
        let is_about_names = is_about_names(&command);
        // Boxed: the way to a leader is a large future, and every change of the catalog has it.
        let index = Box::pin(self.propose_meta(command, deadline)).await?;
        // The client's next request may come to this node, and must find what this one made.
        self.shards.catalog_at(index, deadline).await?;
        if is_about_names {
            // Nor may it find through another node what was before.
            self.tell_members(index, deadline).await;
        }
        Ok(())
    }

    /// Has the meta group change what the cluster agrees on; the index of the entry. However often
    /// it is sent, it is applied once; below [`FeatureLevel::PROVEN`] perhaps more than once, see
    /// [`Purpose::MetaWrite`].
    ///
    /// # Errors
    /// As for [`Coordinator::change`].
    pub async fn propose_meta(
        &self,
        command: MetaCommand,
        deadline: Instant,
    ) -> Result<LogIndex, Error> {
        self.hear_of_the_catalog(deadline).await?;
        let is_named = self.catalog.level() >= FeatureLevel::PROVEN;
        // Before the first copy is sent, so that all of them come to lie behind it.
        let basis = self.known_basis(GroupId::META).unwrap_or_default();
        let request = is_named.then(|| self.router.name_request(basis));
        let mut logged = Logged { request, command };
        let proposal = vane_transport::Proposal {
            group: GroupId::META,
            // Refuses what lies above the level that all members have agreed on.
            command: self.catalog.encode(&logged)?,
            replicas: 0,
            basis: is_named.then_some(basis),
            // Taken on a full disk too: deleting a collection is a way to make room.
            grows: false,
        };
        // The same name with a newer basis: the old copy is certainly in no log.
        let rebase = |newer: LogIndex| {
            logged.request.as_mut()?.basis = newer.0;
            Some(logged.encode_stored())
        };
        self.propose_until_applied(Purpose::MetaWrite { is_named }, proposal, rebase, deadline)
            .await
            .map_err(|failure| self.error(GroupId::META, failure))
    }

    /// Waits until this node has heard of the catalog at all: a node that has just joined does not
    /// know the level yet, and what it sent would have no name.
    async fn hear_of_the_catalog(&self, deadline: Instant) -> Result<(), Error> {
        let applied = self.shards.applied_here(GroupId::META);
        if applied.is_some_and(|applied| applied > LogIndex::ZERO) {
            return Ok(());
        }
        self.shards.catalog_at(LogIndex::ZERO.next(), deadline).await.map_err(|_| {
            Error::unavailable("this node has just joined and has not heard of the catalog yet")
                .nothing_changed()
                .retry(vane_types::Retry::Soon)
        })
    }
}

fn no_leader(why: &str) -> Error {
    Error::unavailable(format!("has no leader that answers ({why})"))
        .nothing_changed()
        .retry(vane_types::Retry::WhenMajorityIsUp)
}
