//! Vectors of a write: whether they fit the collection, and how they are logged.

use prost::{Message, Oneof};
use vane_types::{
    CollectionConfig, MultiVector, NamedVectors, PointId, SparseVector, Vector, VectorError,
    VectorSpec,
};

use crate::error::Error;

/// A vector in its logged form: what [`check_vectors`] made of it.
///
/// Dense ones are written as they always were. Versions that know only those would read another
/// kind as a dense vector without values, so none may be logged before all members know it: a
/// collection takes one only if its configuration says so, and a configuration that does needs
/// [`FeatureLevel::KINDS`](vane_types::FeatureLevel::KINDS) (`MetaCommand::level`).
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
    /// Which of all vectors that had the name: what
    /// [`CollectionConfig::logged_id_of`] said when the write was checked. An older replica would
    /// pass it over.
    #[prost(uint32, tag = "5")]
    pub id: u32,
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
    /// The logged form of a point's vector that its collection was made with.
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
        Self { name, values, other, id: 0 }
    }

    /// Its name and itself.
    ///
    /// # Errors
    /// What was logged is no vector: the log is damaged.
    pub fn into_parts(self) -> Result<(String, Vector), NoVector> {
        let Self { name, values, other, id: _ } = self;
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

/// What the collection says of a vector that it must have.
///
/// # Errors
/// [`Error::UnknownVector`].
pub fn known_vector(config: &CollectionConfig, name: &str) -> Result<VectorSpec, Error> {
    config.vector(name).ok_or_else(|| Error::unknown_vector(config, name.to_owned()))
}

/// What the collection says of the vector of this name, and `vector` as one of its kind; `None`
/// stands for one that is of the kind already.
///
/// # Errors
/// [`Error::UnknownVector`], [`Error::WrongKind`], [`Error::Dimension`].
pub fn fit(
    config: &CollectionConfig,
    name: &str,
    vector: &Vector,
) -> Result<(VectorSpec, Option<Vector>), Error> {
    let spec = known_vector(config, name)?;
    // Nothing of a vector of vectors looks like nothing of a single one.
    if let (VectorSpec::Multi(params), Vector::Dense(values)) = (spec, vector)
        && values.is_empty()
    {
        return Err(Error::Dimension { expected: params.size, got: 0, point: None });
    }
    // One that is of the kind, as all but some vectors of vectors are, is not copied.
    let adopted = match vector.kind() == spec.kind() {
        true => None,
        false => Some(spec.adopt(vector.clone()).map_err(|vector| Error::WrongKind {
            name: name.to_owned(),
            expected: spec.kind(),
            got: vector.kind(),
        })?),
    };
    let got = match adopted.as_ref().unwrap_or(vector) {
        Vector::Dense(values) => values.len(),
        Vector::Multi(rows) => rows.dim(),
        Vector::Sparse(_) => return Ok((spec, adopted)),
    };
    match spec {
        VectorSpec::Dense(params) | VectorSpec::Multi(params) if got != params.size => {
            Err(Error::Dimension { expected: params.size, got, point: None })
        }
        _ => Ok((spec, adopted)),
    }
}

/// Checks a point's vectors and brings them into the form that is stored.
pub(crate) fn check_vectors(
    config: &CollectionConfig,
    point: PointId,
    vectors: &mut NamedVectors,
) -> Result<(), Error> {
    for (name, vector) in vectors {
        let (spec, adopted) = fit(config, name, vector).map_err(|error| error.of_point(point))?;
        if let Some(adopted) = adopted {
            *vector = adopted;
        }
        if let Some((position, value)) = vector.not_finite() {
            return Err(Error::NotFinite { point, value, position });
        }
        // Before it is logged: replicas on different processors may round differently.
        spec.prepare(vector);
    }
    Ok(())
}

/// The logged form of a point's vectors, which were found to fit.
pub(crate) fn logged(config: &CollectionConfig, vectors: NamedVectors) -> Vec<LoggedVector> {
    let one = |(name, vector): (String, _)| {
        let id = config.logged_id_of(&name).unwrap_or_default();
        LoggedVector { id, ..LoggedVector::new(name, vector) }
    };
    vectors.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests;
