//! What each vector and each payload index of a shard takes, in memory and in files.

use std::collections::BTreeMap;
use std::sync::Arc;

use vane_filter::PayloadIndex;
use vane_index::VectorIndex;
use vane_types::{JsonPath, Residence, VectorKind};

use crate::read::memory::of_vector;
use crate::shard::Shard;
use crate::state::State;
use crate::state::vector::VectorState;

/// Bytes that something takes; those in memory as estimates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bytes {
    /// In memory, beside mapped files.
    pub memory: u64,
    /// In files that are mapped.
    pub files: u64,
    /// Of those, what is to be kept in memory as far as there is room.
    pub wanted: u64,
}

/// What the vectors of one name take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageOfVector {
    /// Their rows.
    pub rows: Bytes,
    /// What finds them: graphs, or postings.
    pub index: Bytes,
    /// They are sparse.
    pub sparse: bool,
}

/// What a shard takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// By name.
    pub vectors: BTreeMap<String, UsageOfVector>,
    /// Of payload indexes, in memory.
    pub fields: BTreeMap<JsonPath, u64>,
    /// Of ids and versions of points, in memory.
    pub ids: u64,
    /// Of where each point's row lies, in memory.
    pub places: u64,
    /// Of filters that were looked up and are kept, in memory.
    pub filters: u64,
}

impl Bytes {
    /// Adds what something else takes.
    pub fn add(&mut self, other: Self) {
        let Self { memory, files, wanted } = other;
        self.memory += memory;
        self.files += files;
        self.wanted += wanted;
    }

    fn of_file(bytes: u64, residence: Residence) -> Self {
        let wanted = if residence == Residence::Cold { 0 } else { bytes };
        Self { memory: 0, files: bytes, wanted }
    }
}

impl Usage {
    /// Adds another shard's.
    pub fn add(&mut self, other: Self) {
        let Self { vectors, fields, ids, places, filters } = other;
        for (name, UsageOfVector { rows, index, sparse }) in vectors {
            let own = self.vectors.entry(name).or_default();
            own.rows.add(rows);
            own.index.add(index);
            own.sparse = sparse;
        }
        for (path, bytes) in fields {
            *self.fields.entry(path).or_default() += bytes;
        }
        self.ids += ids;
        self.places += places;
        self.filters += filters;
    }
}

impl Shard {
    /// What it takes now. Looks at every value of each payload index.
    pub fn usage(&self) -> Usage {
        let (mut usage, indexes, known) = {
            let state = self.state.read();
            let indexes = state.fields.iter();
            let indexes: Vec<(JsonPath, PayloadIndex)> =
                indexes.map(|(path, field)| (JsonPath::clone(path), field.index.clone())).collect();
            let mut usage = Usage { ids: state.ids.bytes() as u64, ..Usage::default() };
            usage.places = (state.live.bytes() + state.tenants.bytes()) as u64;
            for vector in state.vectors.values() {
                usage.places += of_vector(vector).places as u64;
                usage.vectors.insert(vector.name.clone(), usage_of(&state, vector));
            }
            (usage, indexes, Arc::clone(&state.known_filters))
        };
        // Beside writers: a copy of an index is its own.
        let bytes = |(path, index): (JsonPath, PayloadIndex)| (path, index.bytes() as u64);
        usage.fields = indexes.into_iter().map(bytes).collect();
        usage.filters = known.bytes() as u64;
        usage
    }
}

fn usage_of(state: &State, vector: &VectorState) -> UsageOfVector {
    let residences = state.residences(vector);
    let memory = of_vector(vector);
    let mut usage = UsageOfVector {
        rows: Bytes { memory: memory.rows as u64, ..Bytes::default() },
        index: Bytes { memory: memory.graphs as u64, ..Bytes::default() },
        sparse: vector.spec.kind() == VectorKind::Sparse,
    };
    for sealed in &vector.sealed {
        usage.rows.add(Bytes::of_file(sealed.bytes() as u64, residences.rows));
        let graph = sealed.graph.as_ref().map_or(0, |graph| graph.bytes());
        let postings = sealed.postings.as_ref().map_or(0, |postings| postings.bytes());
        usage.index.add(Bytes::of_file((graph + postings) as u64, residences.graph));
    }
    usage
}
