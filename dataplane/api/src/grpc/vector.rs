//! Vectors in messages, in the form that old clients send and read, flat, and in that of new ones.

use serde_json::{Value, json};
use vane_types::{NamedVectors as Named, Vector as Ours};
use vane_wire::qdrant::vector::Vector as Kind;
use vane_wire::qdrant::vector_input::Variant;
use vane_wire::qdrant::vector_output::Vector as OutputKind;
use vane_wire::qdrant::{
    DenseVector, Document, MultiDenseVector, NamedVectorsOutput, SparseIndices, SparseVector,
    Vector, VectorInput, VectorOutput, Vectors, VectorsOutput, vectors, vectors_output,
};

use super::select::point_id;
use super::value::payload;
use super::{Fields, Lists, needed};
use crate::error::Error;

impl Lists {
    /// Lays a dense vector aside; what stands in its place.
    pub(super) fn dense(&mut self, values: Vec<f32>) -> Value {
        self.0.put(values)
    }
}

/// The vectors of a point.
pub(super) fn vectors(vectors: Vectors, lists: &mut Lists) -> Result<Value, Error> {
    match needed(vectors.vectors_options, "vectors.vectors_options")? {
        vectors::VectorsOptions::Vector(one) => Ok(match vector(one, lists)? {
            // As objects are read, which have the vectors of a point by name.
            object @ Value::Object(_) => json!({ "": object }),
            list => list,
        }),
        vectors::VectorsOptions::Vectors(named) => {
            let each = |(name, one)| Ok((name, vector(one, lists)?));
            named.vectors.into_iter().map(each).collect::<Result<Fields, _>>().map(Value::from)
        }
    }
}

/// A vector.
pub(super) fn vector(vector: Vector, lists: &mut Lists) -> Result<Value, Error> {
    #[expect(deprecated, reason = "most clients send nothing else")]
    let Vector { data, indices, vectors_count, vector } = vector;
    Ok(match (vector, indices, vectors_count) {
        (Some(Kind::Dense(dense)), ..) => lists.dense(dense.data),
        (Some(Kind::Sparse(part)), ..) => sparse(part.indices, part.values),
        (Some(Kind::MultiDense(part)), ..) => multi(part),
        (Some(Kind::Document(part)), ..) => document(part)?,
        (Some(Kind::Image(_) | Kind::Object(_)), ..) => inference(),
        (None, Some(indices), _) => sparse(indices.data, data),
        (None, None, Some(rows)) => flat_rows(&data, rows)?,
        (None, None, None) => lists.dense(data),
    })
}

/// A vector of a query, or a point that has it; `what` is its place.
pub(super) fn input(input: VectorInput, what: &str, lists: &mut Lists) -> Result<Value, Error> {
    Ok(match needed(input.variant, what)? {
        Variant::Id(id) => point_id(Some(id))?,
        Variant::Dense(dense) => lists.dense(dense.data),
        Variant::Sparse(part) => sparse(part.indices, part.values),
        Variant::MultiDense(part) => multi(part),
        Variant::Document(part) => document(part)?,
        Variant::Image(_) | Variant::Object(_) => inference(),
    })
}

/// A sparse vector.
pub(super) fn sparse(indices: Vec<u32>, values: Vec<f32>) -> Value {
    json!({ "indices": indices, "values": values })
}

fn multi(vector: MultiDenseVector) -> Value {
    vector.vectors.into_iter().map(|row| Value::from(row.data)).collect()
}

/// Rows of one length, one behind the other.
fn flat_rows(data: &[f32], rows: u32) -> Result<Value, Error> {
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    match data.len().checked_div(rows) {
        Some(dim) if dim > 0 && dim * rows == data.len() => {
            Ok(data.chunks_exact(dim).map(|row| Value::from(row.to_vec())).collect())
        }
        _ => Err(Error::malformed(format_args!(
            "vectors_count: {} numbers are not {rows} rows of one length",
            data.len()
        ))),
    }
}

/// A text in place of a vector.
fn document(Document { text, model, options }: Document) -> Result<Value, Error> {
    Ok(json!({ "text": text, "model": model, "options": payload(options)? }))
}

/// In place of an image: an object that has nothing of a vector is refused as one.
fn inference() -> Value {
    Value::Object(Fields::new())
}

/// The vectors of a point in an answer: the unnamed one alone by itself, else all by name.
pub(super) fn output(named: &Named) -> VectorsOutput {
    use vectors_output::VectorsOptions;
    let options = match named.get("") {
        Some(unnamed) if named.len() == 1 => VectorsOptions::Vector(one(unnamed)),
        _ => {
            let vectors = named.iter().map(|(name, vector)| (name.clone(), one(vector)));
            VectorsOptions::Vectors(NamedVectorsOutput { vectors: vectors.collect() })
        }
    };
    VectorsOutput { vectors_options: Some(options) }
}

/// In both forms.
#[expect(deprecated, reason = "most clients read nothing else")]
fn one(vector: &Ours) -> VectorOutput {
    let data = vector.values().to_vec();
    match vector {
        Ours::Dense(values) => VectorOutput {
            data,
            indices: None,
            vectors_count: None,
            vector: Some(OutputKind::Dense(DenseVector { data: values.clone() })),
        },
        Ours::Sparse(sparse) => VectorOutput {
            indices: Some(SparseIndices { data: sparse.indices().to_vec() }),
            vectors_count: None,
            vector: Some(OutputKind::Sparse(SparseVector {
                values: data.clone(),
                indices: sparse.indices().to_vec(),
            })),
            data,
        },
        Ours::Multi(rows) => {
            let row = |row: &[f32]| DenseVector { data: row.to_vec() };
            let vectors: Vec<_> = rows.rows().map(row).collect();
            VectorOutput {
                data,
                indices: None,
                vectors_count: u32::try_from(vectors.len()).ok(),
                vector: Some(OutputKind::MultiDense(MultiDenseVector { vectors })),
            }
        }
    }
}
