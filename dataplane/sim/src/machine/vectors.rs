//! The vectors of the points: at first one of each kind, so that everything that is done to rows is
//! done to rows of one length and of any; then others that come and go.

use std::collections::BTreeMap;

use vane_types::{
    CollectionConfig, Distance, MultiVector, NamedVectors, SparseParams, SparseVector, Vector,
    VectorParams, VectorSpec,
};

/// Dimensions of a dense vector, and of each in one of several.
pub(crate) const SIZE: usize = 2;
/// The name of the dense vector.
const DENSE: &str = "";
/// The name of the sparse one.
const SPARSE: &str = "words";
/// The name of the one of several.
const MULTI: &str = "parts";
/// Vectors that come and go; one of them is there at first.
pub(crate) const PASSING: [&str; 2] = [MULTI, "late"];
/// At this index every sparse vector has a number that is not empty, so that one search finds all.
const COMMON_INDEX: u32 = 0;
/// Behind it, a sparse vector has a number that says which of all of its name it is.
const FIRST_TAG: u32 = 100;
/// One sparse vector of so many is empty: it is a point's, and no search finds it.
const EMPTY_EVERY: u64 = 7;
/// One point of so many lacks a vector that came later.
const LACKING_EVERY: u64 = 3;

/// What a collection says of them.
pub(super) fn put_into(config: &mut CollectionConfig) {
    let dense = VectorParams::new(SIZE, Distance::Euclid);
    let multi = VectorParams { multi: true, ..dense };
    config.vectors = BTreeMap::from([(DENSE.to_owned(), dense), (MULTI.to_owned(), multi)]);
    // Frequencies change no set of points, and are counted beside the rows.
    let sparse = SparseParams { idf: true, ..SparseParams::default() };
    config.sparse = BTreeMap::from([(SPARSE.to_owned(), sparse)]);
}

/// One that comes later, by a number that was drawn: of any kind, also where the one before had
/// another.
pub(crate) fn drawn(number: u64) -> VectorSpec {
    let params = |size| VectorParams::new(size, Distance::Euclid);
    match number % 4 {
        0 => VectorSpec::Dense(params(SIZE)),
        1 => VectorSpec::Dense(params(SIZE + 1)),
        2 => VectorSpec::Multi(params(SIZE)),
        _ => VectorSpec::Sparse(SparseParams::default()),
    }
}

/// The vectors of a point as a write with this number gives them. Points lie apart, and so do
/// writes of one.
pub(super) fn of(config: &CollectionConfig, point: u64, number: u64) -> NamedVectors {
    let given = config.all_vectors().filter_map(|(name, spec)| {
        let tag = config.logged_id_of(name)?;
        let is_lacking = tag > 0 && (point + number).is_multiple_of(LACKING_EVERY);
        (!is_lacking).then(|| (name.clone(), vector(spec, tag, point, number)))
    });
    given.collect()
}

/// `tag` says which of all vectors of the name it is, so that none is taken for another.
fn vector(spec: VectorSpec, tag: u32, point: u64, number: u64) -> Vector {
    match spec {
        VectorSpec::Dense(_) if tag == 0 => vec![number as f32, point as f32].into(),
        VectorSpec::Dense(params) => {
            let mut values = vec![tag as f32, number as f32, point as f32];
            values.truncate(params.size);
            values.into()
        }
        VectorSpec::Multi(_) => {
            // Rows of several lengths, in one segment.
            let rest = (1..=number % 3).map(|row| [row as f32, point as f32]);
            let rows: Vec<[f32; SIZE]> =
                std::iter::once([tag as f32, point as f32]).chain(rest).collect();
            MultiVector::of_rows(&rows).expect("rows of one length").into()
        }
        VectorSpec::Sparse(_) => sparse(tag, point, number).into(),
    }
}

fn sparse(tag: u32, point: u64, number: u64) -> SparseVector {
    if tag == 0 && number.is_multiple_of(EMPTY_EVERY) {
        return SparseVector::new(Vec::new(), Vec::new()).expect("nothing is a sparse vector");
    }
    let mut indices = vec![COMMON_INDEX, 1 + (point % 5) as u32, 6 + (number % 11) as u32];
    let mut values = vec![1.0, 2.0, 0.5];
    if tag > 0 {
        indices.push(FIRST_TAG + tag);
        values.push(1.0);
    }
    SparseVector::new(indices, values).expect("indices that differ")
}

/// Whether a vector that is found under a name was written for the one that has it.
pub(super) fn is_meant(config: &CollectionConfig, name: &str, vector: &Vector) -> bool {
    // The others are always the same.
    if !PASSING.contains(&name) {
        return true;
    }
    let tag = match vector {
        Vector::Sparse(sparse) => {
            let last = sparse.indices().last().copied().unwrap_or_default();
            last.saturating_sub(FIRST_TAG)
        }
        Vector::Dense(_) | Vector::Multi(_) => {
            vector.values().first().copied().unwrap_or_default() as u32
        }
    };
    config.logged_id_of(name) == Some(tag)
}

/// Names that a write takes vectors of points by: the dense one alone, or all.
pub(super) fn stripped(config: &CollectionConfig, points: &[u64]) -> Vec<String> {
    match points.first().is_some_and(|point| point.is_multiple_of(2)) {
        true => vec![DENSE.to_owned()],
        false => config.all_vectors().map(|(name, _)| name.clone()).collect(),
    }
}

/// For each name, a query that finds every point that can be found by it.
pub(super) fn queries(config: &CollectionConfig) -> Vec<(String, Vector)> {
    config.all_vectors().map(|(name, spec)| (name.clone(), query(spec))).collect()
}

fn query(spec: VectorSpec) -> Vector {
    match spec {
        VectorSpec::Dense(params) => vec![0.0; params.size].into(),
        VectorSpec::Multi(_) => MultiVector::new(SIZE, vec![0.0; SIZE]).expect("one row").into(),
        VectorSpec::Sparse(_) => {
            SparseVector::new(vec![COMMON_INDEX], vec![1.0]).expect("one index").into()
        }
    }
}

/// Whether a search can find a point with this vector.
pub(super) fn is_found(vector: &Vector) -> bool {
    !vector.values().is_empty()
}
