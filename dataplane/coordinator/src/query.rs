//! A query over a collection: one search, or a fusion of several.

mod average;
mod diverse;
mod examples;
mod filters;
mod formula;
mod fusion;
mod group_lookup;
mod groups;
mod idf;
mod lookup;
mod matrix;
mod ordered;
mod search;
mod similarity;
mod stage;

use vane_filter::{Filter, Order};
use vane_shard::{SearchParams, Want};
use vane_types::{PointId, Vector};

pub use diverse::Diverse;
pub use examples::{ByExamples, Example, Feedback, Lookup, Pair, Place, Strategy};
pub use formula::{Decay, Expression, Formula, Function};
pub use group_lookup::GroupLookup;
pub use groups::{Group, GroupValue, Grouping};
pub use matrix::{Matrix, MatrixRow};

/// What `points/query` asks.
#[derive(Debug, Clone)]
pub struct Query {
    /// What decides the order of the result.
    pub by: By,
    /// Name of the vector; `""` for the unnamed one.
    pub using: String,
    /// Points to look among.
    pub filter: Option<Filter>,
    /// How to search.
    pub params: SearchParams,
    /// Points that say how rare an index of a sparse vector is; all that the query means when
    /// absent.
    pub corpus: Option<Filter>,
    /// Worse scores are left out.
    pub score_threshold: Option<f32>,
    /// Points returned.
    pub limit: usize,
    /// Best points skipped.
    pub offset: usize,
    /// What to return of each.
    pub want: Want,
    /// Searches whose results a fusion makes one of, or among which a vector query ranks.
    pub prefetch: Vec<Prefetch>,
    /// Where points that it names are looked up, if not here.
    pub lookup: Option<Lookup>,
}

/// What decides the order of a result.
#[derive(Debug, Clone)]
pub enum By {
    /// Nearness to this vector.
    Vector(Vector),
    /// Nearness to the vector of this point, which is itself left out.
    Point(PointId),
    /// Reciprocal rank fusion of the prefetches: a point's score is the sum of
    /// `1 / ((rank + 1) / weight + k - 1)` over them, rank from 0, with a weight for each
    /// of them, or 1.
    Rrf { k: usize, weights: Option<Vec<f32>> },
    /// Fusion of the prefetches by their scores, each list's on a scale of its own.
    Dbsf,
    /// The values of a field.
    Order(Order),
    /// A formula over what prefetches found.
    Formula(Box<Formula>),
    /// Chance: each point is as likely as any other.
    Sample,
    /// Id order.
    Id,
    /// Likeness to examples.
    Examples(ByExamples),
    /// Nearness to an example, less likeness to better results.
    Diverse(Diverse),
}

/// A search whose result another query works on.
#[derive(Debug, Clone)]
pub struct Prefetch {
    /// What decides the order of the result.
    pub by: By,
    /// Name of the vector.
    pub using: String,
    /// Points to look among.
    pub filter: Option<Filter>,
    /// How to search.
    pub params: SearchParams,
    /// Points that say how rare an index of a sparse vector is; all that the query means when
    /// absent.
    pub corpus: Option<Filter>,
    /// Worse scores are left out.
    pub score_threshold: Option<f32>,
    /// Points handed on.
    pub limit: usize,
    /// Searches below this one.
    pub prefetch: Vec<Prefetch>,
    /// Where points that it names are looked up, if not here.
    pub lookup: Option<Lookup>,
}

impl Query {
    /// Whether a stage of it that fuses what others find names a vector too.
    pub fn fuses_a_vector(&self) -> bool {
        self.by.fuses() && !self.using.is_empty()
            || self.prefetch.iter().any(Prefetch::fuses_a_vector)
    }

    /// The stage above all others. What of its results is wanted, and from where on, is lost.
    pub(crate) fn into_stage(self) -> Prefetch {
        let Self { by, using, filter, params, corpus, score_threshold, .. } = self;
        let Self { limit, prefetch, lookup, .. } = self;
        Prefetch { by, using, filter, params, corpus, score_threshold, limit, prefetch, lookup }
    }
}

impl Prefetch {
    fn fuses_a_vector(&self) -> bool {
        self.by.fuses() && !self.using.is_empty() || self.prefetch.iter().any(Self::fuses_a_vector)
    }

    /// Has it hand on so many points more, and those below it.
    fn deepen(&mut self, more: usize) {
        self.limit = self.limit.saturating_add(more).min(u32::MAX as usize);
        self.prefetch.iter_mut().for_each(|below| below.deepen(more));
    }
}

impl By {
    /// Whether it puts together what prefetches found.
    fn fuses(&self) -> bool {
        matches!(self, Self::Rrf { .. } | Self::Dbsf)
    }

    /// Whether scores are how near points are to a vector.
    fn is_nearness(&self) -> bool {
        match self {
            Self::Vector(_) | Self::Point(_) | Self::Diverse(_) => true,
            Self::Examples(by) => by.is_nearness(),
            Self::Rrf { .. }
            | Self::Dbsf
            | Self::Order(_)
            | Self::Formula(_)
            | Self::Sample
            | Self::Id => false,
        }
    }
}
