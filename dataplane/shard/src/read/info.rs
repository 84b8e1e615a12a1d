//! Figures of a shard, for people and for metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use vane_index::VectorIndex;
use vane_types::{FieldSchema, JsonPath, Recall};

use crate::search::view::VectorView;
use crate::shard::Shard;
use crate::state::vector::VectorState;

/// Vectors of one name in a shard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct InfoOfVector {
    /// Points that have one.
    pub vectors: usize,
    /// Those that a search with `indexed_only` leaves out.
    pub left_out: usize,
}

/// What a shard holds and does at the moment.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Info {
    /// Points.
    pub points: usize,
    /// Vectors of all names together.
    pub vectors: usize,
    /// Vectors that lie in a segment with a graph, or with postings.
    pub indexed_vectors: usize,
    /// Nodes of graphs that no search can come to but by a look at all rows.
    pub unreached_nodes: usize,
    /// Segments, growing ones included.
    pub segments: usize,
    /// Rows that lie in memory.
    pub growing_rows: usize,
    /// Graphs being built.
    pub indexes_building: usize,
    /// Graphs built since the process started.
    pub indexes_built: u64,
    /// A background job runs, or will as soon as writes pause.
    pub optimizing: bool,
    /// For each payload index its declaration and the points that have a value.
    pub payload_index_points: BTreeMap<JsonPath, (FieldSchema, usize)>,
    /// Payload indexes that do not have all points yet. Filters do without them.
    #[serde(default)]
    pub filling_indexes: BTreeSet<JsonPath>,
    /// Bytes of all rows, dead ones included.
    pub vector_bytes: u64,
    /// Bytes of the rows that live, by the mean of all where their lengths differ.
    #[serde(default)]
    pub live_vector_bytes: u64,
    /// Bytes of all payloads as they are stored.
    #[serde(default)]
    pub payload_bytes: u64,
    /// Bytes of graphs, in memory and in their files, and of postings.
    pub graph_bytes: u64,
    /// Why the last background job of a kind failed, until one of its kind does not.
    pub job_failure: Option<String>,
    /// Entries that are logged and not applied, as the node knows.
    pub waiting: u64,
    /// What searches by graphs found lately, by those that were answered exactly as well.
    #[serde(default)]
    pub recall: Recall,
    /// Vectors by name.
    #[serde(default)]
    pub by_vector: BTreeMap<String, InfoOfVector>,
    /// Background jobs that run, but for those that write rows in memory to files.
    #[serde(default)]
    pub jobs_running: usize,
    /// Rows that were in segments which jobs replaced since the process started.
    #[serde(default)]
    pub optimized: u64,
}

impl Info {
    /// Adds another shard's figures.
    pub fn add(&mut self, other: Self) {
        // Taken apart whole: a figure that is added to the type cannot be forgotten here.
        let Self {
            points,
            vectors,
            indexed_vectors,
            unreached_nodes,
            segments,
            growing_rows,
            indexes_building,
            indexes_built,
            optimizing,
            payload_index_points,
            filling_indexes,
            vector_bytes,
            live_vector_bytes,
            payload_bytes,
            graph_bytes,
            job_failure,
            waiting,
            recall,
            by_vector,
            jobs_running,
            optimized,
        } = other;
        self.points += points;
        self.vectors += vectors;
        self.indexed_vectors += indexed_vectors;
        self.unreached_nodes += unreached_nodes;
        self.segments += segments;
        self.growing_rows += growing_rows;
        self.indexes_building += indexes_building;
        self.indexes_built += indexes_built;
        self.optimizing |= optimizing;
        self.vector_bytes += vector_bytes;
        self.live_vector_bytes += live_vector_bytes;
        self.payload_bytes += payload_bytes;
        self.graph_bytes += graph_bytes;
        self.job_failure = self.job_failure.take().or(job_failure);
        self.waiting += waiting;
        self.recall.merge(recall);
        self.jobs_running += jobs_running;
        self.optimized += optimized;
        for (name, InfoOfVector { vectors, left_out }) in by_vector {
            let own = self.by_vector.entry(name).or_default();
            own.vectors += vectors;
            own.left_out += left_out;
        }
        self.filling_indexes.extend(filling_indexes);
        for (path, (schema, points)) in payload_index_points {
            self.payload_index_points.entry(path).or_insert((schema, 0)).1 += points;
        }
    }
}

impl Shard {
    /// Bytes of all rows, dead ones included; costs a look at each segment.
    pub(crate) fn vector_bytes(&self) -> u64 {
        self.state.read().vectors.values().map(VectorState::row_bytes).sum()
    }

    /// The figures of now.
    pub fn info(&self) -> Info {
        // Before the lock below: it takes the same one, and a second reader may wait behind a
        // writer.
        let (due, jobs_running) = (self.has_job_when_idle(), self.jobs_running());
        let (_, optimized) = self.jobs_done();
        let state = self.state.read();
        let mut info = Info {
            points: state.live.len() as usize,
            payload_bytes: state.totals.payload_bytes,
            indexes_building: self.indexes_building.load(Ordering::Relaxed),
            indexes_built: self.indexes_built.load(Ordering::Relaxed),
            optimizing: due,
            recall: self.recall.read(),
            jobs_running,
            optimized,
            job_failure: self.job_failures.lock().iter().flatten().next().cloned(),
            ..Info::default()
        };
        for vector in state.vectors.values() {
            info.segments += 1 + vector.frozen.len() + vector.sealed.len();
            let frozen: usize = vector.frozen.iter().map(|frozen| frozen.rows()).sum();
            info.growing_rows += frozen + vector.growing.rows();
            info.vector_bytes += vector.row_bytes();
            info.vectors += vector.present.len() as usize;
            let of_vector = InfoOfVector {
                vectors: vector.present.len() as usize,
                left_out: VectorView::new(&state, vector).left_out(),
            };
            info.by_vector.insert(vector.name.clone(), of_vector);
            info.live_vector_bytes += vector.live_bytes();
            for sealed in &vector.sealed {
                if let Some(postings) = &sealed.postings {
                    info.graph_bytes += postings.bytes() as u64;
                    info.indexed_vectors += sealed.rows().saturating_sub(sealed.tombstones.dead());
                }
                if let Some(graph) = &sealed.graph {
                    info.graph_bytes += graph.bytes() as u64;
                    info.unreached_nodes += graph.unreached();
                    info.indexed_vectors += sealed.rows().saturating_sub(sealed.tombstones.dead());
                }
            }
        }
        for (path, field) in &state.fields {
            let points = vane_filter::slots_of_type(&field.index).len() as usize;
            let path = JsonPath::clone(path);
            if !field.is_whole() {
                info.filling_indexes.insert(path.clone());
            }
            info.payload_index_points
                .insert(path, (FieldSchema::clone(field.index.schema()), points));
        }
        info
    }
}
