//! Vectors of points and of queries.

use vane_proto::peer;
use vane_proto::peer::vector::Kind;
use vane_types::{MultiVector, SparseVector, Vector};

use super::{Unreadable, Wire, message, need};

impl Wire for Vector {
    type Message = peer::Vector;

    fn into_message(self) -> peer::Vector {
        let kind = match self {
            Self::Dense(values) => Kind::Dense(peer::DenseVector { values }),
            Self::Sparse(sparse) => {
                let (indices, values) = sparse.into_parts();
                Kind::Sparse(peer::SparseVector { indices, values })
            }
            Self::Multi(rows) => {
                let (dim, values) = (rows.dim() as u64, rows.into_values());
                Kind::Multi(peer::MultiVector { dim, values })
            }
        };
        peer::Vector { kind: Some(kind) }
    }

    fn from_message(vector: peer::Vector) -> Result<Self, Unreadable> {
        Ok(match need(vector.kind, "the vector")? {
            Kind::Dense(dense) => dense.values.into(),
            Kind::Sparse(sparse) => SparseVector::new(sparse.indices, sparse.values)?.into(),
            Kind::Multi(rows) => {
                MultiVector::new(usize::from_message(rows.dim)?, rows.values)?.into()
            }
        })
    }
}

message!((String, Vector) as ((name, vector)) => NamedVector { name, vector = "the vector" });
