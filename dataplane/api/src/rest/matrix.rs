//! How near some points are to each other.

use serde::{Deserialize, Serialize};
use vane_types::PointId;

use super::read::limit;
use super::select::{RawFilter, filter};
use super::shard_key::{NamedKeys, keyed};
use crate::engine::{Matrix, MatrixRow};
use crate::error::Error;

/// Points when the request does not say.
const SAMPLE: usize = 10;
/// Neighbours of each when the request does not say.
const LIMIT: usize = 3;
/// Points of one matrix: each is searched for among the others.
const SAMPLE_MAX: usize = 10_000;

/// `POST points/search/matrix/pairs` and `…/offsets`.
#[derive(Debug, Deserialize)]
pub struct MatrixRequest {
    filter: Option<RawFilter>,
    sample: Option<u64>,
    limit: Option<u64>,
    using: Option<String>,
    shard_key: Option<NamedKeys>,
}

keyed!(MatrixRequest);

impl MatrixRequest {
    /// The matrix that it asks for.
    ///
    /// # Errors
    ///
    /// `Kind::Invalid` where a number is out of its range, `Kind::Malformed` where the filter is
    /// none.
    pub fn into_matrix(self) -> Result<Matrix, Error> {
        let sample = limit("sample", self.sample, SAMPLE)?;
        if sample < 2 {
            return Err(Error::invalid("sample", "value 1 invalid, must be 2 or larger"));
        }
        if sample > SAMPLE_MAX {
            return Err(Error::out_of_range("sample", sample, &(2..=SAMPLE_MAX)));
        }
        let limit = limit("limit", self.limit, LIMIT)?;
        let using = self.using.unwrap_or_default();
        Ok(Matrix { filter: filter(self.filter)?, sample, limit, using })
    }
}

/// `{"pairs": […]}`.
#[derive(Debug, Serialize)]
pub struct Pairs {
    pairs: Vec<Pair>,
}

/// Two points, and how near they are.
#[derive(Debug, Serialize)]
pub(crate) struct Pair {
    pub(crate) a: PointId,
    pub(crate) b: PointId,
    pub(crate) score: f32,
}

/// The same by places in a list of points.
#[derive(Debug, Serialize)]
pub struct Offsets {
    pub(crate) offsets_row: Vec<u64>,
    pub(crate) offsets_col: Vec<u64>,
    pub(crate) scores: Vec<f32>,
    pub(crate) ids: Vec<PointId>,
}

impl Pairs {
    /// A matrix row by row.
    pub fn of(rows: &[MatrixRow]) -> Self {
        Self { pairs: pairs(rows).collect() }
    }
}

/// Each pair of a matrix, row by row.
pub(crate) fn pairs(rows: &[MatrixRow]) -> impl Iterator<Item = Pair> {
    rows.iter().flat_map(|row| {
        let pair = |(b, score): &(PointId, f32)| Pair { a: row.id, b: *b, score: *score };
        row.nearest.iter().map(pair)
    })
}

impl Offsets {
    /// A matrix whose rows come by id.
    pub fn of(rows: &[MatrixRow]) -> Self {
        let ids: Vec<PointId> = rows.iter().map(|row| row.id).collect();
        let (mut offsets_row, mut offsets_col, mut scores) = (Vec::new(), Vec::new(), Vec::new());
        for (place, row) in rows.iter().enumerate() {
            for (id, score) in &row.nearest {
                // Each is one of them: it was looked for among them.
                if let Ok(other) = ids.binary_search(id) {
                    offsets_row.push(place as u64);
                    offsets_col.push(other as u64);
                    scores.push(*score);
                }
            }
        }
        Self { offsets_row, offsets_col, scores, ids }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{assert_refused, parse_text};
    use super::*;

    #[test]
    fn requests_have_defaults_and_bounds() {
        let read = |json| parse_text::<MatrixRequest>(json).and_then(MatrixRequest::into_matrix);
        let matrix = read("{}").unwrap();
        assert_eq!((matrix.sample, matrix.limit, matrix.using.as_str()), (10, 3, ""));
        for (json, code, named) in [
            (r#"{"sample": 1}"#, 422, "sample"),
            (r#"{"sample": 0}"#, 422, "sample"),
            (r#"{"sample": 10001}"#, 422, "sample"),
            (r#"{"limit": 0}"#, 422, "limit"),
        ] {
            assert_refused(json, &read(json).unwrap_err(), code, named);
        }
    }

    #[test]
    fn both_forms_are_of_the_same_rows() {
        let id = PointId::num;
        let rows = [
            MatrixRow { id: id(2), nearest: vec![(id(9), 0.5), (id(5), 0.25)] },
            MatrixRow { id: id(5), nearest: vec![] },
            MatrixRow { id: id(9), nearest: vec![(id(2), 0.5)] },
        ];
        let pair = |a, b, score| json!({ "a": a, "b": b, "score": score });
        assert_eq!(
            serde_json::to_value(Pairs::of(&rows)).unwrap(),
            json!({ "pairs": [pair(2, 9, 0.5), pair(2, 5, 0.25), pair(9, 2, 0.5)] })
        );
        assert_eq!(
            serde_json::to_value(Offsets::of(&rows)).unwrap(),
            json!({ "offsets_row": [0, 0, 2], "offsets_col": [2, 1, 0],
                "scores": [0.5, 0.25, 0.5], "ids": [2, 5, 9] })
        );
    }
}
