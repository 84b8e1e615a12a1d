//! What a shard holds in memory. Changed only under the shard's lock, with the batch that
//! stores the same change.

pub(crate) mod allowed;
pub(crate) mod field;
pub(crate) mod filter_indexes;
pub(crate) mod id_table;
pub(crate) mod known_filters;
pub(crate) mod requests;
pub(crate) mod sums;
pub(crate) mod totals;
pub(crate) mod vector;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vane_filter::{PayloadIndex, SlotSet, TenantIndex};
use vane_raft::Conf;
use vane_types::{
    CollectionConfig, JsonPath, LogIndex, ShardRange, TenantId, VectorId, VectorSpec,
};

use crate::error::{BadInput, Error};
use crate::segments::sealed::Residences;
use crate::state::field::Field;
use crate::state::id_table::IdTable;
use crate::state::known_filters::KnownFilters;
use crate::state::requests::Requests;
use crate::state::sums::KeptSums;
use crate::state::totals::Totals;
use crate::state::vector::VectorState;

/// What a shard holds in memory at one applied index.
#[derive(Default)]
pub(crate) struct State {
    /// Index of the last applied entry.
    pub(crate) applied: LogIndex,
    pub(crate) config: CollectionConfig,
    pub(crate) totals: Totals,
    /// Its consistency hash at some earlier entries.
    pub(crate) sums: KeptSums,
    /// Members of the group as of `applied`.
    pub(crate) conf: Conf,
    /// The hashes that belong to the shard; `None` until it is told.
    pub(crate) own: Option<ShardRange>,
    /// Outcomes of the requests of the last entries.
    pub(crate) requests: Requests,
    /// Slots of the points that are there.
    pub(crate) live: SlotSet,
    /// The last entry that added or removed points.
    pub(crate) live_changed: LogIndex,
    pub(crate) ids: IdTable,
    /// The same slots by tenant, in a collection that has tenants.
    pub(crate) tenants: TenantIndex,
    /// Tenants of which no points are taken any more.
    pub(crate) closed: BTreeSet<TenantId>,
    /// Those of the configuration.
    pub(crate) vectors: BTreeMap<VectorId, VectorState>,
    pub(crate) fields: BTreeMap<Arc<JsonPath>, Field>,
    /// Filters that were looked up in these; gone with the state that they are of.
    pub(crate) known_filters: Arc<KnownFilters>,
    /// Payload indexes that are gone, until a job lets their memory go: it takes too long for the
    /// thread that applies entries.
    pub(crate) dropped: Vec<PayloadIndex>,
    /// Vectors that the collection has lost, until a job removes their files and lets their memory
    /// go. Nothing on the disk names those any more.
    pub(crate) lost: Vec<VectorState>,
}

impl State {
    /// A shard without points, to which nothing was applied.
    pub(crate) fn empty(config: CollectionConfig) -> Self {
        let new = |(id, name, spec): (_, &String, _)| (id, VectorState::new(name, spec));
        let vectors = config.identified().map(new).collect();
        Self { config, vectors, ..Self::default() }
    }

    /// Whether there is anything to read. A replica that waits for its first snapshot, or is
    /// taking one, is not empty: it does not know.
    pub(crate) fn is_ready(&self) -> bool {
        self.applied > LogIndex::ZERO || self.conf != Conf::default()
    }

    /// A vector that a request names.
    pub(crate) fn known_vector(&self, name: &str) -> Result<&VectorState, BadInput> {
        let unknown = || vane_commands::Error::unknown_vector(&self.config, name.to_owned());
        let (_, vector) = self.vector(name).ok_or_else(unknown)?;
        Ok(vector)
    }

    /// A vector that a job works on.
    ///
    /// # Errors
    /// [`Error::Cancelled`] where the collection has lost it meanwhile.
    pub(crate) fn worked_on(&self, id: VectorId) -> Result<&VectorState, Error> {
        self.vectors.get(&id).ok_or(Error::Cancelled)
    }

    /// The same, to be changed.
    pub(crate) fn worked_on_mut(&mut self, id: VectorId) -> Result<&mut VectorState, Error> {
        self.vectors.get_mut(&id).ok_or(Error::Cancelled)
    }

    /// Where the files of a vector are wanted by now.
    pub(crate) fn residences(&self, vector: &VectorState) -> Residences {
        residences(&self.config, vector)
    }

    /// A vector by name, with its id.
    pub(crate) fn vector(&self, name: &str) -> Option<(VectorId, &VectorState)> {
        let found = self.vectors.iter().find(|(_, vector)| vector.name == name);
        found.map(|(id, vector)| (*id, vector))
    }
}

/// Where the files of a vector are wanted.
pub(crate) fn residences(config: &CollectionConfig, vector: &VectorState) -> Residences {
    let graph = match vector.spec {
        VectorSpec::Dense(_) | VectorSpec::Multi(_) => config.hnsw_of(&vector.name).residence(),
        // What finds sparse rows is read by every search, as rows are.
        VectorSpec::Sparse(_) => vector.spec.residence(),
    };
    Residences { rows: vector.spec.residence(), graph }
}
