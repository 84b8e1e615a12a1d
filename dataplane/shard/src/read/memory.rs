//! Memory that a shard holds, by what it is for.

use std::sync::Arc;

use vane_filter::PayloadIndex;

use crate::segments::growing::ALIVE;
use crate::shard::Shard;
use crate::state::vector::VectorState;

/// Bytes in memory that are not pages of mapped files, as estimates: what a shard asked for, not
/// what its allocator took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Ids and versions of points.
    pub ids: usize,
    /// Where each point's row lies, which rows are dead, and their order by point.
    pub places: usize,
    /// Rows that are in no file yet.
    pub rows: usize,
    /// Payload indexes, and filters that were looked up in them and are kept.
    pub indexes: usize,
    /// Heads of graphs, and graphs of earlier versions whole; the rest of others is mapped.
    pub graphs: usize,
}

impl Memory {
    /// Adds another shard's.
    pub fn add(&mut self, other: Self) {
        let Self { ids, places, rows, indexes, graphs } = other;
        self.ids += ids;
        self.places += places;
        self.rows += rows;
        self.indexes += indexes;
        self.graphs += graphs;
    }

    /// Each part with its name.
    pub fn parts(&self) -> [(&'static str, usize); 5] {
        let Self { ids, places, rows, indexes, graphs } = *self;
        [
            ("ids", ids),
            ("places", places),
            ("rows", rows),
            ("payload_indexes", indexes),
            ("graphs", graphs),
        ]
    }
}

impl Shard {
    /// What it holds now. Looks at every value of each payload index.
    pub fn memory(&self) -> Memory {
        let (mut memory, indexes, known, tenants) = {
            let state = self.state.read();
            let indexes: Vec<PayloadIndex> =
                state.fields.values().map(|field| field.index.clone()).collect();
            let mut memory = Memory { ids: state.ids.bytes(), ..Memory::default() };
            state.vectors.values().for_each(|vector| memory.add(of_vector(vector)));
            memory.places += state.live.bytes();
            (memory, indexes, Arc::clone(&state.known_filters), state.tenants.clone())
        };
        // Beside writers: a copy of an index is its own.
        memory.indexes = indexes.iter().map(PayloadIndex::bytes).sum::<usize>() + known.bytes();
        memory.places += tenants.bytes();
        memory
    }
}

pub(crate) fn of_vector(vector: &VectorState) -> Memory {
    let sealed = vector.sealed.iter().map(|sealed| {
        sealed.tombstones.all().len() * size_of_val(&ALIVE)
            + sealed.order.get().map_or(0, |order| order.bytes())
            + sealed.empty.get().map_or(0, |rows| size_of_val(&**rows))
    });
    let frozen: usize = vector.frozen.iter().map(|frozen| frozen.bytes()).sum();
    let graphs = vector.sealed.iter().filter_map(|sealed| sealed.graph.as_ref());
    Memory {
        places: size_of_val(&*vector.locs) + vector.present.bytes() + sealed.sum::<usize>(),
        rows: frozen + vector.growing.bytes(),
        graphs: graphs.map(|graph| graph.memory_bytes()).sum(),
        ..Memory::default()
    }
}
