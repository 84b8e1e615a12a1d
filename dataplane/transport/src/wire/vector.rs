//! Vectors of points and of queries.

use vane_proto::peer;
use vane_proto::peer::vector::Kind;
use vane_types::{MultiVector, SparseVector, Vector};

use super::{Unreadable, need, size};

pub(crate) fn vector_to_wire(vector: Vector) -> peer::Vector {
    let kind = match vector {
        Vector::Dense(values) => Kind::Dense(peer::DenseVector { values }),
        Vector::Sparse(sparse) => {
            let (indices, values) = sparse.into_parts();
            Kind::Sparse(peer::SparseVector { indices, values })
        }
        Vector::Multi(rows) => {
            let (dim, values) = (rows.dim() as u64, rows.into_values());
            Kind::Multi(peer::MultiVector { dim, values })
        }
    };
    peer::Vector { kind: Some(kind) }
}

pub(crate) fn vector_from_wire(vector: Option<peer::Vector>) -> Result<Vector, Unreadable> {
    let kind = vector.and_then(|vector| vector.kind);
    Ok(match need(kind, "the vector")? {
        Kind::Dense(dense) => dense.values.into(),
        Kind::Sparse(sparse) => SparseVector::new(sparse.indices, sparse.values)?.into(),
        Kind::Multi(rows) => MultiVector::new(size(rows.dim)?, rows.values)?.into(),
    })
}
