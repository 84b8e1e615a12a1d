//! What a shard is asked and what it answers. Plain data, checked by [`crate::check`].

use vane_filter::Filter;
use vane_types::{FieldType, JsonPath, NamedVectors, Payload, PointId};

/// A change of points, before it is validated and logged.
#[derive(Debug, Clone)]
pub enum Write {
    /// Puts points in place of any with the same ids. Of two with one id the later counts.
    Upsert(Vec<NewPoint>),
    /// Removes points; ids that are not there are skipped.
    Delete(Selection),
    /// Sets vectors of points that exist; refused whole when one does not.
    UpdateVectors(Vec<(PointId, NamedVectors)>),
    /// Removes vectors by name.
    DeleteVectors { points: Selection, names: Vec<String> },
    /// Merges members into the payload, or into the object at `key`.
    SetPayload { points: Selection, payload: Payload, key: Option<JsonPath> },
    /// Replaces the payload.
    OverwritePayload { points: Selection, payload: Payload },
    /// Removes what the paths lead to.
    DeletePayload { points: Selection, keys: Vec<JsonPath> },
    /// Removes the whole payload.
    ClearPayload(Selection),
    /// Makes a payload index, or changes the type of one.
    CreateIndex { field: JsonPath, field_type: FieldType },
    /// Removes a payload index; nothing happens when there is none.
    DropIndex { field: JsonPath },
}

/// A point to write.
#[derive(Debug, Clone)]
pub struct NewPoint {
    /// Its id.
    pub id: PointId,
    /// Its vectors by name; those left out are absent afterwards.
    pub vectors: NamedVectors,
    /// Its payload.
    pub payload: Payload,
}

/// Which points a change is for.
#[derive(Debug, Clone)]
pub enum Selection {
    /// These; for payload changes each must exist.
    Ids(Vec<PointId>),
    /// Those that match when the change is applied.
    Filter(Filter),
}

/// A nearest-neighbour search on one vector.
#[derive(Debug, Clone)]
pub struct Search {
    /// Name of the vector; `""` for the unnamed one.
    pub using: String,
    /// As many values as the vector's size. Cosine queries need not be normalised.
    pub vector: Vec<f32>,
    /// Points to look among.
    pub filter: Option<Filter>,
    /// How to search.
    pub params: SearchParams,
    /// Worse scores are left out.
    pub score_threshold: Option<f32>,
    /// Best points wanted, those that an offset will skip included.
    pub limit: usize,
    /// A point never to return (the one that a query by id starts from).
    pub exclude: Option<PointId>,
    /// What to return of each.
    pub want: Want,
}

/// How to search.
#[derive(Debug, Clone, Copy, Default)]
pub struct SearchParams {
    /// Candidates of the graph search; the vector's `ef_construct` when absent.
    pub ef: Option<usize>,
    /// Scan instead of using graphs.
    pub exact: bool,
    /// Look only at segments that have a graph.
    pub indexed_only: bool,
}

/// What to return of each point.
#[derive(Debug, Clone, Default)]
pub struct Want {
    /// Which part of the payload.
    pub payload: WantPayload,
    /// Which vectors.
    pub vectors: WantVectors,
}

/// Which part of the payload to return.
#[derive(Debug, Clone, Default)]
pub enum WantPayload {
    #[default]
    Nothing,
    All,
    /// Only what these paths lead to.
    Include(Vec<JsonPath>),
    /// All but what these paths lead to.
    Exclude(Vec<JsonPath>),
}

/// Which vectors to return.
#[derive(Debug, Clone, Default)]
pub enum WantVectors {
    #[default]
    Nothing,
    All,
    Named(Vec<String>),
}

/// A point as returned. Absent parts were not asked for.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its id.
    pub id: PointId,
    /// Log index of the command that last changed it.
    pub version: u64,
    /// The part of the payload that was asked for.
    pub payload: Option<Payload>,
    /// The vectors that were asked for.
    pub vectors: Option<NamedVectors>,
}

/// A found point.
#[derive(Debug, Clone)]
pub struct Scored {
    /// The point.
    pub record: Record,
    /// Similarity (larger is better), or distance for Euclid.
    pub score: f32,
}

/// A page of points in id order.
#[derive(Debug, Clone, Default)]
pub struct Scroll {
    /// Points to look among.
    pub filter: Option<Filter>,
    /// First id of the page.
    pub offset: Option<PointId>,
    /// Points on the page.
    pub limit: usize,
    /// What to return of each.
    pub want: Want,
}

/// What [`Scroll`] answers.
#[derive(Debug, Clone)]
pub struct Page {
    /// The points, in id order.
    pub records: Vec<Record>,
    /// Where the next page starts; `None` on the last.
    pub next: Option<PointId>,
}
