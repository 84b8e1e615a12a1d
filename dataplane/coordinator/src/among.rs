//! What a collection is for requests that are about some of its points: which shards are asked, and
//! which filters and ids they get.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use vane_catalog::State;
use vane_filter::Filter;
use vane_types::{Error, PointId, ShardKey, TenantId};

use crate::collection::Collection;
use crate::scope::{Scope, ShardKeys};
use crate::shards::Shards;

impl<S: Shards> Collection<S> {
    /// The collection as some shard keys have it: requests are for their points alone.
    ///
    /// # Errors
    /// `NotFound` where there is no such key at the time of the call; `Unavailable` or `Timeout`
    /// where this node cannot tell.
    pub async fn among(
        self: &Arc<Self>,
        keys: Option<&ShardKeys>,
        deadline: Instant,
    ) -> Result<Arc<Self>, Error> {
        let Some(keys) = keys else { return Ok(Arc::clone(self)) };
        let tenants = match self.tenants_of(keys) {
            Some(tenants) => tenants,
            None => {
                // A key is unknown only once the catalog is as new as the question.
                Box::pin(self.coordinator.catch_up(deadline)).await?;
                self.tenants_of(keys).ok_or_else(|| no_such_key(keys))?
            }
        };
        Ok(Arc::new(self.with_scope(Scope::Tenants(tenants))))
    }

    /// The collection as all of its tenants have it, for a caller whose ids name their tenants
    /// themselves: also writes may be of several, or of all.
    pub fn of_all_tenants(&self) -> Self {
        self.with_scope(Scope::Every)
    }

    fn tenants_of(&self, ShardKeys { keys, fallback }: &ShardKeys) -> Option<Vec<TenantId>> {
        let of_all = |keys: &mut dyn Iterator<Item = &ShardKey>, state: &State| {
            let tenants = keys.map(|key| state.tenants.by_key(self.name(), key));
            tenants.collect::<Option<Vec<_>>>()
        };
        let mut tenants = self.coordinator.catalog.read(|state| {
            of_all(&mut keys.iter(), state)
                .or_else(|| fallback.as_ref().and_then(|key| of_all(&mut [key].into_iter(), state)))
        })?;
        tenants.sort_unstable();
        tenants.dedup();
        Some(tenants)
    }

    /// What clients call some tenants. One that was deleted meanwhile has no key.
    pub fn keys_of(
        &self,
        tenants: impl IntoIterator<Item = TenantId>,
    ) -> BTreeMap<TenantId, ShardKey> {
        let mut tenants = tenants.into_iter().peekable();
        if tenants.peek().is_none() {
            return BTreeMap::new();
        }
        self.coordinator.catalog.read(|state| {
            let mut keys = BTreeMap::new();
            for tenant in tenants {
                if !keys.contains_key(&tenant) {
                    keys.extend(state.tenants.key_of(tenant).map(|key| (tenant, key.clone())));
                }
            }
            keys
        })
    }

    /// All of its shard keys.
    pub fn shard_keys(&self) -> Vec<ShardKey> {
        self.coordinator.catalog.read(|state| state.tenants.keys(self.name()).cloned().collect())
    }

    /// Whether its points are of tenants.
    pub fn is_by_tenant(&self) -> bool {
        self.entry.config.by_tenant
    }

    /// Whether ids alone say which points are meant: where there are no tenants, or one is meant.
    pub fn has_plain_ids(&self) -> bool {
        !self.is_by_tenant() || self.scope.one().is_some()
    }

    /// Ordinals of the shards that may have points that are meant.
    pub(crate) fn ordinals(&self) -> Vec<usize> {
        match &self.scope {
            Scope::All | Scope::Every => (0..self.groups().len()).collect(),
            Scope::Tenants(tenants) => self.ordinals_of(tenants),
        }
    }

    /// Ordinals of the shards that may have points of some tenants.
    pub(crate) fn ordinals_of(&self, tenants: &[TenantId]) -> Vec<usize> {
        let routes = tenants.iter().flat_map(|tenant| self.entry.routes_in(tenant.places()));
        let mut ordinals: Vec<usize> = routes.map(|route| route.ordinal).collect();
        ordinals.sort_unstable();
        ordinals.dedup();
        ordinals
    }

    /// A filter among the points that are meant.
    pub(crate) fn scoped(&self, filter: Option<Filter>) -> Option<Filter> {
        match &self.scope {
            Scope::All | Scope::Every => filter,
            Scope::Tenants(tenants) => Some(Filter::of_tenants(filter, tenants)),
        }
    }

    /// The points that ids of a client's mean: one for each tenant that is meant.
    pub(crate) fn meant(&self, ids: Vec<PointId>) -> Vec<PointId> {
        match &self.scope {
            Scope::All | Scope::Every => ids,
            Scope::Tenants(tenants) => {
                let of_all = |id: PointId| match id.tenant {
                    Some(_) => vec![id],
                    None => tenants.iter().map(|tenant| id.of(*tenant)).collect(),
                };
                ids.into_iter().flat_map(of_all).collect()
            }
        }
    }

    /// The one point that an id means.
    ///
    /// # Errors
    /// `BadInput` where it may be one of several tenants'.
    pub(crate) fn the_one(&self, id: PointId) -> Result<PointId, Error> {
        match self.scope.one() {
            Some(tenant) if id.tenant.is_none() => Ok(id.of(tenant)),
            _ if id.tenant.is_some() || !self.is_by_tenant() => Ok(id),
            _ => Err(Error::bad_input(format!(
                "Shard key not specified: a point {id} may be there under each of them; name one \
                 with `shard_key`"
            ))),
        }
    }

    /// Where a page of the points that are meant begins.
    ///
    /// # Errors
    /// `BadInput` for an offset that no page of these points ended with: from there the page would
    /// be empty, or the first one again.
    pub(crate) fn page_from(&self, offset: PointId) -> Result<PointId, Error> {
        let is_theirs = match (&self.scope, offset.tenant) {
            (Scope::Tenants(tenants), Some(tenant)) => tenants.contains(&tenant),
            (Scope::Tenants(tenants), None) => tenants.len() == 1,
            (Scope::All | Scope::Every, tenant) => tenant.is_some() == self.is_by_tenant(),
        };
        if !is_theirs {
            return Err(Error::bad_input(
                "`offset` is not of these points: give the `next_page_offset` of a page of the \
                 same collection and `shard_key`, or none for the first page",
            ));
        }
        Ok(self.scope.one().map_or(offset, |tenant| offset.of(tenant)))
    }

    /// Tenants to whose points a write is made, one after the other; one `None` where there are
    /// none.
    ///
    /// # Errors
    /// `BadInput` where the collection has tenants and none is named.
    pub(crate) fn written(&self) -> Result<Vec<Option<TenantId>>, Error> {
        match &self.scope {
            Scope::Tenants(tenants) => Ok(tenants.iter().copied().map(Some).collect()),
            Scope::Every => Ok(vec![None]),
            Scope::All if !self.is_by_tenant() => Ok(vec![None]),
            // In Qdrant's words.
            Scope::All => Err(Error::bad_input(
                "Shard key not specified: name the `shard_key` that the points are of",
            )),
        }
    }
}

fn no_such_key(ShardKeys { keys, fallback }: &ShardKeys) -> Error {
    let target: Vec<String> = keys.iter().map(ToString::to_string).collect();
    let target = target.join(", ");
    // In Qdrant's words.
    Error::not_found(match fallback {
        None => format!("Shard key {target} not found"),
        Some(fallback) => {
            format!("Neither target shard key {target} nor fallback shard key {fallback} exist")
        }
    })
}
