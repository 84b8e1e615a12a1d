//! A vector that a collection gets after it was made.

use serde::Deserialize;
use vane_types::{HnswConfig, NewVector, SparseParams, VectorSpec, names};

use super::sparse::{IndexRequest, Modifier, SparseRequest};
use super::{Datatype, Metric, MultiRequest, VectorRequest};
use crate::engine::SparseChange;
use crate::error::{Error, Kind};

/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 200;

/// `PUT /collections/{collection}/vectors/{vector}`: one of both.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateVector {
    dense: Option<Dense>,
    sparse: Option<NewSparse>,
}

/// What cannot be changed of it later.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dense {
    size: u64,
    distance: Metric,
    multivector_config: Option<MultiRequest>,
    datatype: Option<Datatype>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSparse {
    modifier: Option<Modifier>,
    datatype: Option<super::sparse::Datatype>,
}

impl CreateVector {
    /// What it is, and what was said of it that has no effect.
    ///
    /// # Errors
    ///
    /// [`Kind::Malformed`] where it says not exactly one kind, [`Kind::Invalid`] where a number is
    /// out of its range.
    pub fn into_vector(self) -> Result<NewVector, Error> {
        match (self.dense, self.sparse) {
            (Some(Dense { size, distance, multivector_config, datatype }), None) => {
                let (hnsw_config, quantization_config) = (None, None);
                let (on_disk, memory) = (None, None);
                let request = VectorRequest {
                    size,
                    distance,
                    hnsw_config,
                    on_disk,
                    memory,
                    datatype,
                    quantization_config,
                    multivector_config,
                };
                let (params, hints) = request.into_params("dense", HnswConfig::default())?;
                Ok(NewVector { spec: VectorSpec::of(params), hints })
            }
            (None, Some(NewSparse { modifier, datatype })) => {
                let index = datatype.map(IndexRequest::of_datatype);
                let (change, hints) = SparseRequest { index, modifier }.into_change();
                let SparseChange { idf, on_disk, memory } = change;
                let params = SparseParams { idf: idf.unwrap_or_default(), on_disk, memory };
                Ok(NewVector { spec: VectorSpec::Sparse(params), hints })
            }
            _ => Err(Error::malformed("expected either `dense` or `sparse`, with its parameters")),
        }
    }
}

/// Refuses a name that no vector may have that is named after its collection was made.
///
/// # Errors
///
/// [`Kind::InvalidParameter`].
pub fn check_vector_name(name: &str) -> Result<(), Error> {
    let invalid = |detail: String| Error::new(Kind::InvalidParameter, "vector_name", detail);
    if name.len() > NAME_BYTES_MAX {
        let detail = format!("vector name must be at most {NAME_BYTES_MAX} bytes long");
        return Err(invalid(detail));
    }
    names::check_vector_name(name).map_err(|error| invalid(error.to_string()))
}
