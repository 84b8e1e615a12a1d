//! The texts of a data set as sparse vectors, and exact answers to searches by words.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use vane_filter::Bm25;
use vane_index::{Matcher, SparseRow};

use crate::dataset::Dataset;
use crate::error::Error;

/// Fields of a payload that make up its text.
const FIELDS: [&str; 3] = ["name", "summary", "tags"];
/// Tokens that such a text has, about.
const TOKENS: f64 = 12.0;
/// Terms of a long query.
pub(crate) const LONG: usize = 40;
/// What two sums of the same numbers in two orders may differ by, as a share.
const SLACK: f32 = 1e-5;

/// A sparse vector, as the REST API takes it: rising indices, and a value for each.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Sparse {
    pub(crate) indices: Vec<u32>,
    pub(crate) values: Vec<f32>,
}

impl Sparse {
    fn of(weights: Vec<(u32, f32)>) -> Self {
        let (indices, values) = weights.into_iter().unzip();
        Self { indices, values }
    }

    /// The same, to be compared.
    pub(crate) fn row(&self) -> SparseRow<'_> {
        SparseRow { indices: &self.indices, values: &self.values }
    }
}

/// A sparse vector for each point, and how many points have each index.
pub(crate) struct Texts {
    pub(crate) rows: Vec<Sparse>,
    points_with: BTreeMap<u32, usize>,
}

impl Texts {
    /// Those of a data set, by the weights of BM25.
    ///
    /// # Errors
    /// When its points have no texts.
    pub(crate) fn of(data: &Dataset) -> Result<Self, Error> {
        let bm25 = bm25();
        let rows = data.payloads.iter().map(|payload| Sparse::of(bm25.document(&text(payload))));
        let texts = Self::new(rows.collect());
        if texts.points_with.is_empty() {
            return Err(Error::node("the data set", "its points have no texts to search by"));
        }
        Ok(texts)
    }

    fn new(rows: Vec<Sparse>) -> Self {
        let mut points_with = BTreeMap::new();
        for index in rows.iter().flat_map(|row| &row.indices) {
            *points_with.entry(*index).or_default() += 1;
        }
        Self { rows, points_with }
    }

    /// A query with the weights that a server gives it: the rarer an index, the more it counts.
    pub(crate) fn weighed(&self, query: &Sparse) -> Sparse {
        let points = self.rows.len() as f64;
        let weight = |index: &u32| {
            let with = self.points_with.get(index).copied().unwrap_or(0) as f64;
            ((points - with + 0.5) / (with + 0.5)).ln_1p() as f32
        };
        let values = query.indices.iter().zip(&query.values);
        let values = values.map(|(index, value)| value * weight(index)).collect();
        Sparse { indices: query.indices.clone(), values }
    }

    /// The `k` best points of each query, best first, each with its score.
    pub(crate) fn exact(&self, queries: &[Sparse], k: usize) -> Vec<Vec<(u64, f32)>> {
        let best = |query: &Sparse| {
            let matcher = Matcher::new(self.weighed(query).row());
            let scores = (0..).zip(&self.rows).map(|(id, row)| (id, matcher.score(row.row())));
            let mut scores: Vec<(u64, f32)> = scores.filter(|(_, score)| *score > 0.0).collect();
            scores.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            scores.truncate(k);
            scores
        };
        queries.iter().map(best).collect()
    }

    /// Share of the exact answers that were found, where points of equal scores stand for each
    /// other.
    pub(crate) fn agreement(
        &self,
        queries: &[Sparse],
        exact: &[Vec<(u64, f32)>],
        found: &[Vec<u64>],
    ) -> f64 {
        let (mut hits, mut wanted) = (0, 0);
        for ((query, exact), found) in queries.iter().zip(exact).zip(found) {
            let Some((_, least)) = exact.last() else { continue };
            let matcher = Matcher::new(self.weighed(query).row());
            let is_hit = |id: &&u64| {
                let row = self.rows.get(**id as usize);
                row.is_some_and(|row| matcher.score(row.row()) >= least * (1.0 - SLACK))
            };
            let found: BTreeSet<u64> = found.iter().take(exact.len()).copied().collect();
            hits += found.iter().filter(is_hit).count();
            wanted += exact.len();
        }
        if wanted == 0 { 1.0 } else { hits as f64 / wanted as f64 }
    }
}

/// The queries of a data set by their words.
pub(crate) fn short_queries(data: &Dataset) -> Vec<Sparse> {
    let bm25 = bm25();
    data.queries.iter().map(|query| Sparse::of(bm25.query(&query.text))).collect()
}

/// As many queries of [`LONG`] terms: those of each and of those behind it. Fewer terms where all
/// have not as many.
pub(crate) fn long_queries(short: &[Sparse]) -> Vec<Sparse> {
    let long = |first: usize| {
        let behind = short[first..].iter().chain(&short[..first]);
        let mut terms = BTreeSet::new();
        for index in behind.flat_map(|query| &query.indices) {
            if terms.len() == LONG {
                break;
            }
            terms.insert(*index);
        }
        Sparse::of(terms.into_iter().map(|index| (index, 1.0)).collect())
    };
    (0..short.len()).map(long).collect()
}

/// Sparse vectors as the workers of libraries read them.
pub(crate) fn encoded(rows: &[Sparse]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Sparse { indices, values } in rows {
        bytes.extend((indices.len() as u32).to_le_bytes());
        bytes.extend(indices.iter().flat_map(|index| index.to_le_bytes()));
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes
}

fn bm25() -> Bm25 {
    Bm25 { avg_len: TOKENS, ..Bm25::default() }
}

fn text(payload: &Value) -> String {
    let mut words = Vec::new();
    for field in FIELDS {
        match &payload[field] {
            Value::String(text) => words.push(text.as_str()),
            Value::Array(texts) => words.extend(texts.iter().filter_map(Value::as_str)),
            _ => {}
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sparse(numbers: &[(u32, f32)]) -> Sparse {
        Sparse::of(numbers.to_vec())
    }

    #[test]
    fn points_of_equal_scores_stand_for_each_other() {
        let one = || sparse(&[(7, 1.0)]);
        let texts = Texts::new(vec![one(), one(), sparse(&[(7, 0.5)]), sparse(&[(9, 1.0)])]);
        let queries = [one()];
        let exact = texts.exact(&queries, 1);
        assert_eq!(exact[0][0].0, 0);
        let agreement = |found: &[u64]| texts.agreement(&queries, &exact, &[found.to_vec()]);
        assert_eq!([&[0], &[1], &[2], &[99]].map(|found| agreement(found)), [1.0, 1.0, 0.0, 0.0]);
        let two = texts.exact(&queries, 2);
        assert_eq!(texts.agreement(&queries, &two, &[vec![1, 1]]), 0.5);
    }

    #[test]
    fn long_queries_take_terms_of_those_behind() {
        let short: Vec<Sparse> =
            (0..30).map(|n| sparse(&[(2 * n, 1.0), (2 * n + 1, 1.0)])).collect();
        let long = long_queries(&short);
        assert_eq!((long.len(), long[3].indices.len()), (30, LONG));
        assert!(long[25].indices.contains(&50) && long[25].indices.contains(&0));
        assert_eq!(long_queries(&short[..2])[1].indices, [0, 1, 2, 3]);
    }

    #[test]
    fn a_text_is_all_words_of_a_payload() {
        let payload = json!({"name": "a", "summary": "b c", "tags": ["d", "e"], "size": 3});
        assert_eq!(text(&payload), "a b c d e");
        assert_eq!(text(&json!({})), "");
        let bytes = encoded(&[sparse(&[(5, 1.0)]), Sparse::default()]);
        assert_eq!(bytes, [1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0]);
    }
}
