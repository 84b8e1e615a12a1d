//! What reads cost of what may be spent in a minute.

use vane_filter::Filter;
use vane_types::Vector;

use super::{Requested, filters};
use crate::query::{By, ByExamples, Diverse, Example, Pair, Prefetch, Query, Strategy};

/// About the vectors that each point is compared with, and the conditions that it is held against.
pub(super) fn cost_of_reads(asked: &Requested<'_>) -> u64 {
    match asked {
        Requested::Query(query) | Requested::Groups(query, _) => of_query(query),
        Requested::Queries(queries) => queries.iter().map(|query| of_query(query)).sum(),
        Requested::Retrieve(points) => *points as u64,
        Requested::Scroll { filter, .. }
        | Requested::Count { filter, .. }
        | Requested::Facet { filter, .. } => 1 + of_filter(*filter),
        // One to draw the points, and a search for each.
        Requested::Matrix(matrix) => 1 + matrix.sample as u64 + of_filter(matrix.filter.as_ref()),
        Requested::Writes(_) => 0,
    }
}

fn of_query(query: &Query) -> u64 {
    of_stage(&query.by, query.filter.as_ref(), &query.prefetch)
}

/// What ranks the results of stages below it looks at few points.
fn of_stage(by: &By, filter: Option<&Filter>, below: &[Prefetch]) -> u64 {
    if below.is_empty() {
        return of_ranking(by) + of_filter(filter);
    }
    below.iter().map(|it| of_stage(&it.by, it.filter.as_ref(), &it.prefetch)).sum()
}

fn of_filter(filter: Option<&Filter>) -> u64 {
    filter.map_or(0, filters::count)
}

fn of_ranking(by: &By) -> u64 {
    match by {
        By::Vector(vector) => of_vector(vector),
        By::Diverse(Diverse { near, .. }) => of_example(near),
        By::Examples(by) => of_examples(by),
        By::Point(_)
        | By::Rrf { .. }
        | By::Dbsf
        | By::Order(_)
        | By::Formula(_)
        | By::Sample
        | By::Id => 1,
    }
}

fn of_examples(by: &ByExamples) -> u64 {
    let all = |examples: &[Example]| examples.iter().map(of_example).sum::<u64>();
    let pairs = |pairs: &[Pair]| {
        let each = pairs.iter().map(|it| of_example(&it.positive) + of_example(&it.negative));
        each.sum::<u64>()
    };
    match by {
        // They become one.
        ByExamples::Recommend { strategy: Strategy::Average, .. } => 1,
        ByExamples::Recommend { positive, negative, .. } => all(positive) + all(negative),
        ByExamples::Discover { target, context } => of_example(target) + pairs(context),
        ByExamples::Context(context) => pairs(context),
        ByExamples::Feedback(feedback) => {
            let rated = feedback.rated.iter().map(|(example, _)| of_example(example));
            of_example(&feedback.target) + rated.sum::<u64>()
        }
    }
}

/// A point's vector is not known yet.
fn of_example(example: &Example) -> u64 {
    match example {
        Example::Vector(vector) => of_vector(vector),
        Example::Point(_) => 1,
    }
}

fn of_vector(vector: &Vector) -> u64 {
    match vector {
        Vector::Dense(_) => 1,
        Vector::Sparse(sparse) => sparse.indices().len() as u64,
        Vector::Multi(rows) => rows.rows().len() as u64,
    }
}
