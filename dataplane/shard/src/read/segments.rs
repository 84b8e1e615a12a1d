//! What each segment of a shard holds.

use vane_index::VectorIndex;
use vane_types::{VectorId, VectorSpec};

use crate::job_log::SegmentOf;
use crate::segments::growing::{ALIVE, Growing};
use crate::segments::sealed::Sealed;
use crate::shard::Shard;
use crate::state::vector::VectorState;

/// A segment of one vector, as it is now.
#[derive(Debug, Clone)]
pub struct SegmentFigures {
    /// Which one it is, and the rows that live in it.
    pub of: SegmentOf,
    /// Name of its vector; `""` is the unnamed one.
    pub vector: String,
    /// What its rows are.
    pub spec: VectorSpec,
    /// Rows that died in it.
    pub dead: usize,
    /// Bytes of its rows, dead ones included.
    pub row_bytes: u64,
    /// Bytes of its graph or postings.
    pub index_bytes: u64,
    /// Its rows lie in memory alone, not in a file.
    pub in_memory: bool,
    /// Rows are added to it.
    pub takes_rows: bool,
    /// It has a graph, or postings.
    pub is_indexed: bool,
}

impl Shard {
    /// Of every vector those in memory first, then those in files. Costs a look at each row in
    /// memory.
    pub fn segment_figures(&self) -> Vec<SegmentFigures> {
        let state = self.state.read();
        let mut all = Vec::new();
        for (id, vector) in &state.vectors {
            all.push(in_memory(*id, vector, &vector.growing, true));
            let frozen = vector.frozen.iter();
            all.extend(frozen.map(|frozen| in_memory(*id, vector, frozen, false)));
            all.extend(vector.sealed.iter().map(|sealed| in_files(*id, vector, sealed)));
        }
        all
    }
}

fn in_memory(
    id: VectorId,
    vector: &VectorState,
    growing: &Growing,
    takes_rows: bool,
) -> SegmentFigures {
    let alive = (0..growing.rows() as u32).filter(|row| growing.death(*row) == ALIVE).count();
    SegmentFigures {
        of: SegmentOf { vector: id.0.into(), segment: growing.id, points: alive },
        vector: vector.name.clone(),
        spec: vector.spec,
        dead: growing.rows() - alive,
        row_bytes: growing.bytes() as u64,
        index_bytes: 0,
        in_memory: true,
        takes_rows,
        is_indexed: false,
    }
}

fn in_files(id: VectorId, vector: &VectorState, sealed: &Sealed) -> SegmentFigures {
    let dead = sealed.tombstones.dead();
    let points = sealed.rows().saturating_sub(dead);
    let graph = sealed.graph.as_ref().map_or(0, |graph| graph.bytes() as u64);
    let postings = sealed.postings.as_ref().map_or(0, |postings| postings.bytes() as u64);
    SegmentFigures {
        of: SegmentOf { vector: id.0.into(), segment: sealed.id(), points },
        vector: vector.name.clone(),
        spec: vector.spec,
        dead,
        row_bytes: sealed.bytes() as u64,
        index_bytes: graph + postings,
        in_memory: false,
        takes_rows: false,
        is_indexed: sealed.is_indexed(),
    }
}
