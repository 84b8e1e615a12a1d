//! Vectors of a write: whether they fit the collection, and how they are logged.

use prost::{Message, Oneof};
use vane_types::{
    CollectionConfig, MultiVector, NamedVectors, PointId, SparseVector, Vector, VectorError,
    VectorParams,
};

use crate::error::Error;

/// A vector in its logged form: what [`check_vectors`] made of it.
///
/// Dense ones are written as they always were. Versions that know only those would read another
/// kind as a dense vector without values, so none may be logged before all members know it: a
/// collection takes one only if its configuration says so, and a configuration that does needs a
/// feature level of its own (`MetaCommand::level`), which no version speaks yet.
#[derive(Clone, PartialEq, Message)]
pub struct LoggedVector {
    #[prost(string, tag = "1")]
    pub name: String,
    /// Of a dense vector: four bytes for each number. Protobuf writes a list of floats and a string
    /// of bytes alike, and reads the string at once.
    #[prost(bytes = "vec", tag = "2")]
    values: Vec<u8>,
    /// In place of `values`.
    #[prost(oneof = "OtherKind", tags = "3, 4")]
    other: Option<OtherKind>,
}

/// Kinds that have come since logs hold vectors. A new one takes a new tag.
#[derive(Clone, PartialEq, Oneof)]
enum OtherKind {
    #[prost(message, boxed, tag = "3")]
    Sparse(Box<Sparse>),
    #[prost(message, boxed, tag = "4")]
    Multi(Box<Multi>),
}

#[derive(Clone, PartialEq, Message)]
struct Sparse {
    /// Rising.
    #[prost(uint32, repeated, tag = "1")]
    indices: Vec<u32>,
    /// As many.
    #[prost(float, repeated, tag = "2")]
    values: Vec<f32>,
}

#[derive(Clone, PartialEq, Message)]
struct Multi {
    /// Numbers of each row.
    #[prost(uint32, tag = "1")]
    dim: u32,
    /// The rows, one behind the other.
    #[prost(float, repeated, tag = "2")]
    values: Vec<f32>,
}

/// What was logged is no vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoVector {
    /// By its numbers.
    #[error(transparent)]
    Numbers(#[from] VectorError),
    /// It has bytes that are no number.
    #[error("a vector has {0} bytes, must have four for each number")]
    Bytes(usize),
}

impl LoggedVector {
    /// The logged form of a point's vector.
    pub fn new(name: String, vector: Vector) -> Self {
        let (values, other) = match vector {
            Vector::Dense(values) => (to_bytes(&values), None),
            Vector::Sparse(sparse) => {
                let (indices, values) = sparse.into_parts();
                (Vec::new(), Some(OtherKind::Sparse(Box::new(Sparse { indices, values }))))
            }
            Vector::Multi(rows) => {
                // Bounded by VECTOR_VALUES_MAX.
                let (dim, values) = (rows.dim() as u32, rows.into_values());
                (Vec::new(), Some(OtherKind::Multi(Box::new(Multi { dim, values }))))
            }
        };
        Self { name, values, other }
    }

    /// Its name and itself.
    ///
    /// # Errors
    /// What was logged is no vector: the log is damaged.
    pub fn into_parts(self) -> Result<(String, Vector), NoVector> {
        let Self { name, values, other } = self;
        let vector = match other {
            None => from_bytes(&values)?.into(),
            Some(OtherKind::Sparse(sparse)) => {
                SparseVector::new(sparse.indices, sparse.values)?.into()
            }
            Some(OtherKind::Multi(rows)) => {
                MultiVector::new(rows.dim as usize, rows.values)?.into()
            }
        };
        Ok((name, vector))
    }
}

fn to_bytes(values: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; values.len() * 4];
    for (to, value) in bytes.chunks_exact_mut(4).zip(values) {
        to.copy_from_slice(&value.to_le_bytes());
    }
    bytes
}

fn from_bytes(bytes: &[u8]) -> Result<Vec<f32>, NoVector> {
    let (values, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(NoVector::Bytes(bytes.len()));
    }
    Ok(values.iter().map(|value| f32::from_le_bytes(*value)).collect())
}

/// Parameters of a vector that the collection must have.
///
/// # Errors
/// [`Error::UnknownVector`].
pub fn known_vector<'a>(
    config: &'a CollectionConfig,
    name: &str,
) -> Result<&'a VectorParams, Error> {
    let unknown = || Error::unknown_vector(config, name.to_owned());
    config.vectors.get(name).ok_or_else(unknown)
}

/// Parameters of the vector of this name, and the values that are stored or searched there.
///
/// All vectors of a collection are dense so far. This is the only place that refuses others.
///
/// # Errors
/// [`Error::UnsupportedKind`], [`Error::UnknownVector`].
pub fn fit<'c, 'v>(
    config: &'c CollectionConfig,
    name: &str,
    vector: &'v Vector,
) -> Result<(&'c VectorParams, &'v [f32]), Error> {
    // Before the name, which no collection can have for another kind.
    let values = vector.dense().ok_or(Error::UnsupportedKind(vector.kind()))?;
    Ok((known_vector(config, name)?, values))
}

/// Checks a point's vectors and brings them into the form that is stored.
pub(crate) fn check_vectors(
    config: &CollectionConfig,
    point: PointId,
    vectors: &mut NamedVectors,
) -> Result<(), Error> {
    for (name, vector) in vectors {
        let (params, values) = fit(config, name, vector)?;
        if values.len() != params.size {
            return Err(Error::Dimension { expected: params.size, got: values.len(), point });
        }
        if let Some((position, value)) = vector.not_finite() {
            return Err(Error::NotFinite { point, value, position });
        }
        // Before it is logged: replicas on different processors may round differently.
        vector.prepare(params.distance);
    }
    Ok(())
}

/// The logged form of a point's vectors.
pub(crate) fn logged(vectors: NamedVectors) -> Vec<LoggedVector> {
    vectors.into_iter().map(|(name, vector)| LoggedVector::new(name, vector)).collect()
}

#[cfg(test)]
mod tests;
