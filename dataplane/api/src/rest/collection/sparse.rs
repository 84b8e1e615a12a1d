//! Sparse vectors of a collection.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vane_types::limits::NAMED_VECTORS_MAX;
use vane_types::{Residence, SparseParams};

use super::hints::{add, given};
use crate::engine::SparseChange;
use crate::error::Error;

/// Sparse vectors by name.
pub(super) type Sparse = BTreeMap<String, SparseRequest>;

/// Parameters of one; in a change those that are given.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SparseRequest {
    #[serde(default)]
    pub(super) index: Option<IndexRequest>,
    pub(super) modifier: Option<Modifier>,
}

/// How it is indexed. What it is written with are hints: postings find the same, exactly, whatever
/// is said here.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IndexRequest {
    full_scan_threshold: Option<usize>,
    datatype: Option<Datatype>,
    #[serde(skip_serializing)]
    on_disk: Option<bool>,
    #[serde(skip_serializing)]
    memory: Option<Residence>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Datatype {
    Float32,
    Float16,
    Uint8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Modifier {
    None,
    Idf,
}

impl IndexRequest {
    /// One of numbers of a kind.
    pub(super) fn of_datatype(datatype: Datatype) -> Self {
        Self { datatype: Some(datatype), ..Self::default() }
    }
}

/// What is made of one: its parameters, and those without effect.
pub(super) struct Made {
    pub(super) params: SparseParams,
    pub(super) hints: Map<String, Value>,
}

/// Reads the sparse vectors of a new collection.
///
/// # Errors
///
/// `Kind::Invalid` where there are too many.
pub(super) fn sparse_vectors(requests: Sparse) -> Result<BTreeMap<String, Made>, Error> {
    Error::check_most("sparse_vectors", requests.len(), "vectors", NAMED_VECTORS_MAX)?;
    let made = |(name, request): (String, SparseRequest)| {
        let (change, hints) = request.into_change();
        let SparseChange { idf, on_disk, memory } = change;
        let params = SparseParams { idf: idf.unwrap_or_default(), on_disk, memory };
        (name, Made { params, hints })
    };
    Ok(requests.into_iter().map(made).collect())
}

impl SparseRequest {
    /// The change it asks for, and what of it has no effect.
    pub(super) fn into_change(self) -> (SparseChange, Map<String, Value>) {
        let index = self.index.unwrap_or_default();
        let mut hints = Map::new();
        add(&mut hints, "index", given(&index));
        let idf = self.modifier.map(|modifier| modifier == Modifier::Idf);
        (SparseChange { idf, on_disk: index.on_disk, memory: index.memory }, hints)
    }
}
