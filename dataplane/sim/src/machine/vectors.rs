//! The vectors of the points: one of each kind, so that everything that is done to rows is done to
//! rows of one length and of any.

use std::collections::BTreeMap;

use vane_types::{
    CollectionConfig, Distance, MultiVector, NamedVectors, SparseParams, SparseVector, Vector,
    VectorParams,
};

/// Dimensions of a dense vector, and of each in one of several.
pub(crate) const SIZE: usize = 2;
/// The name of the dense vector.
const DENSE: &str = "";
/// The name of the sparse one.
const SPARSE: &str = "words";
/// The name of the one of several.
const MULTI: &str = "parts";
/// At this index every sparse vector has a number that is not empty, so that one search finds all.
const COMMON_INDEX: u32 = 0;
/// One sparse vector of so many is empty: it is a point's, and no search finds it.
const EMPTY_EVERY: u64 = 7;

/// What a collection says of them.
pub(super) fn put_into(config: &mut CollectionConfig) {
    let dense = VectorParams::new(SIZE, Distance::Euclid);
    let multi = VectorParams { multi: true, ..dense };
    config.vectors = BTreeMap::from([(DENSE.to_owned(), dense), (MULTI.to_owned(), multi)]);
    // Frequencies change no set of points, and are counted beside the rows.
    let sparse = SparseParams { idf: true, ..SparseParams::default() };
    config.sparse = BTreeMap::from([(SPARSE.to_owned(), sparse)]);
}

/// The vectors of a point as a write with this number gives them. Points lie apart, and so do
/// writes of one.
pub(super) fn of(point: u64, number: u64) -> NamedVectors {
    let dense = vec![number as f32, point as f32];
    // Rows of several lengths, in one segment.
    let rows: Vec<[f32; SIZE]> = (0..=number % 3).map(|row| [row as f32, point as f32]).collect();
    let multi = MultiVector::of_rows(&rows).expect("rows of one length");
    [(DENSE, dense.into()), (SPARSE, sparse(point, number).into()), (MULTI, multi.into())]
        .map(|(name, vector): (&str, Vector)| (name.to_owned(), vector))
        .into()
}

fn sparse(point: u64, number: u64) -> SparseVector {
    if number.is_multiple_of(EMPTY_EVERY) {
        return SparseVector::new(Vec::new(), Vec::new()).expect("nothing is a sparse vector");
    }
    let indices = vec![COMMON_INDEX, 1 + (point % 5) as u32, 6 + (number % 11) as u32];
    SparseVector::new(indices, vec![1.0, 2.0, 0.5]).expect("indices that differ")
}

/// Names that a write takes vectors of points by: the dense one alone, or all.
pub(super) fn stripped(points: &[u64]) -> Vec<String> {
    match points.first().is_some_and(|point| point.is_multiple_of(2)) {
        true => vec![DENSE.to_owned()],
        false => [DENSE, SPARSE, MULTI].map(str::to_owned).into(),
    }
}

/// For each name, a query that finds every point that can be found by it.
pub(super) fn queries() -> [(&'static str, Vector); 3] {
    let all = SparseVector::new(vec![COMMON_INDEX], vec![1.0]).expect("one index");
    let near = MultiVector::new(SIZE, vec![0.0; SIZE]).expect("one row");
    [(DENSE, vec![0.0; SIZE].into()), (SPARSE, all.into()), (MULTI, near.into())]
}

/// Whether a search can find a point with this vector.
pub(super) fn is_found(vector: &Vector) -> bool {
    !vector.values().is_empty()
}
