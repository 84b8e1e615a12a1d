//! What a reader asks of a shard and what it answers: plain data, and whether a question fits
//! the collection.

use vane_commands::{fit, known_vector};
use vane_filter::{Filter, OrderValue};
use vane_types::limits::{POINT_BYTES, VALUE_BYTES};
use vane_types::{
    CollectionConfig, JsonPath, LogIndex, NamedVectors, Payload, PointId, Vector, payload,
};

use crate::error::BadInput;
use crate::examples::Examples;
use crate::search::measure::{ByRule, Measure, Query};
use crate::segments::sealed::metric;

/// A search on one vector.
#[derive(Debug, Clone)]
pub struct Search {
    /// Name of the vector; `""` for the unnamed one.
    pub using: String,
    /// What is searched for.
    pub sought: Sought,
    /// Points to look among.
    pub filter: Option<Filter>,
    /// Effort and means.
    pub params: SearchParams,
    /// Worse scores are left out.
    pub score_threshold: Option<f32>,
    /// Best points wanted, those that an offset will skip included.
    pub limit: usize,
    /// Points never to return (those that a query by id starts from).
    pub exclude: Vec<PointId>,
    /// What to return of each.
    pub want: Want,
}

/// What is searched for.
#[derive(Debug, Clone, PartialEq)]
pub enum Sought {
    /// What is near to a vector, which is of the kind and size that the collection's is of. Cosine
    /// queries need not be normalised.
    Near(Vector),
    /// What scores most by examples. Their vectors are as that one.
    Examples(Examples),
}

impl From<Vector> for Sought {
    fn from(vector: Vector) -> Self {
        Self::Near(vector)
    }
}

impl Search {
    /// What rows are measured by. Refuses what the configuration alone can tell.
    pub(crate) fn check(&self, config: &CollectionConfig) -> Result<Measure, BadInput> {
        self.want.check(config)?;
        let prepared = |vector: &Vector| {
            let (spec, adopted) = fit(config, &self.using, vector)?;
            let mut vector = adopted.unwrap_or_else(|| vector.clone());
            spec.prepare(&mut vector);
            Ok(Query::new(vector))
        };
        Ok(match &self.sought {
            Sought::Near(vector) => Measure::Near(prepared(vector)?),
            Sought::Examples(examples) => {
                let metric = metric(known_vector(config, &self.using)?);
                let queries = examples.vectors().iter().map(prepared);
                let queries = queries.collect::<Result<_, BadInput>>()?;
                Measure::Examples(Box::new(ByRule::new(examples.rule().clone(), queries, metric)))
            }
        })
    }
}

/// Parameters of one search.
#[derive(Debug, Clone, Copy, Default)]
pub struct SearchParams {
    /// Candidates of the graph search; the vector's `ef_construct` when absent.
    pub ef: Option<usize>,
    /// Scan instead of using graphs.
    pub exact: bool,
    /// Look only at segments that have a graph.
    pub indexed_only: bool,
    /// Compare vectors themselves where codes have few bits.
    pub ignore_codes: bool,
    /// Candidates for each result, at least.
    pub oversampling: Option<f64>,
}

impl SearchParams {
    /// Candidates for so many results, where `ef` are kept else.
    pub(crate) fn oversampled(&self, results: usize, ef: usize) -> usize {
        // What is no number asks for none, and what is beyond all for the most.
        let asked = self.oversampling.map_or(0.0, |each| (each * results as f64).ceil());
        ef.max(asked as usize)
    }
}

/// How a part of a search is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchWay {
    /// Every row that matches is scored.
    Scan,
    /// The code of every row that matches is compared, and the best are scored.
    Codes,
    /// A walk along the links of a graph.
    Graph,
    /// The postings of the query's indices are read, and the best rows are scored.
    Postings,
}

/// How one part of a search went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartExplained {
    /// Number of the segment; `None` for rows in memory.
    pub segment: Option<u32>,
    /// Rows that live.
    pub rows: usize,
    /// Of those, how many the planner took to match.
    pub estimated: usize,
    /// How many do.
    pub matching: usize,
    /// How it was looked through in the end.
    pub way: SearchWay,
    /// Whether links were walked along, in vain where `way` is another one.
    pub walked: bool,
    /// Candidates that were kept, at most; 0 for a scan and for a look at codes.
    pub ef: usize,
    /// Codes and rows that were compared with the query.
    pub compared: u64,
    /// Rows that came of it.
    pub found: usize,
    /// Time that it took, in microseconds, without the look-up of the filter.
    pub time_us: u64,
}

/// What to return of each point.
#[derive(Debug, Clone, Default)]
pub struct Want {
    /// Which part of the payload.
    pub payload: WantPayload,
    /// Which vectors.
    pub vectors: WantVectors,
}

impl Want {
    /// Refuses vectors that the collection does not have.
    pub(crate) fn check(&self, config: &CollectionConfig) -> Result<(), BadInput> {
        if let WantVectors::Named(names) = &self.vectors {
            for name in names {
                known_vector(config, name)?;
            }
        }
        Ok(())
    }
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
    pub id: PointId,
    /// Place of the command that last changed it.
    pub version: LogIndex,
    /// The part of the payload that was asked for.
    pub payload: Option<Payload>,
    /// The vectors that were asked for.
    pub vectors: Option<NamedVectors>,
    /// The value by which it stands where it does, if it is one of an order.
    pub order_value: Option<OrderValue>,
}

impl Record {
    /// What it counts of an answer's
    /// [`ANSWER_BYTES_MAX`](vane_types::limits::ANSWER_BYTES_MAX), about its size as JSON.
    pub fn bytes(&self) -> usize {
        let values = self.vectors.iter().flat_map(NamedVectors::values);
        // A sparse one is sent with its indices, which have as many digits.
        let numbers = |vector: &Vector| match vector {
            Vector::Sparse(sparse) => 2 * sparse.values().len(),
            Vector::Dense(_) | Vector::Multi(_) => vector.values().len(),
        };
        let values: usize = values.map(numbers).sum();
        let payload = self.payload.as_ref().map_or(0, payload::bytes);
        POINT_BYTES + payload + values * VALUE_BYTES
    }
}

/// A point that a search found, with how well it fits.
#[derive(Debug, Clone)]
pub struct Scored {
    pub record: Record,
    /// Similarity (larger is better), or distance for Euclid; by examples what their rule says.
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
