//! Vectors that a collection gets and loses after it was made.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::collection::{CollectionConfig, VectorParams, VectorSpec};
use crate::limits::NAMED_VECTORS_MAX;
use crate::vector_ids::{OutOfIds, VectorIds};

/// A vector that a collection is to get.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVector {
    /// What it is.
    pub spec: VectorSpec,
    /// What was said of it that has no effect: see [`Hints`](crate::Hints).
    pub hints: Map<String, Value>,
}

/// A vector that a collection cannot get. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VectorRefusal {
    /// There is another one of the name.
    #[error(
        "{} `{name}` already exists with a different configuration",
        if *is_sparse { "Sparse vector" } else { "Vector" }
    )]
    Differs {
        /// As both are called.
        name: String,
        /// Both are sparse; else both are not.
        is_sparse: bool,
    },
    /// There is one of another kind.
    #[error(
        "Vector `{name}` already exists as a {} vector",
        if *is_sparse { "sparse" } else { "dense" }
    )]
    OtherKind {
        /// As both are called.
        name: String,
        /// The one that is there is sparse, the other is not.
        is_sparse: bool,
    },
    /// One more than a collection may have.
    #[error("the collection has {NAMED_VECTORS_MAX} vectors, which is the most; remove one first")]
    TooMany,
    /// It has had so many that none can be told from all before.
    #[error(
        "the collection has had as many vectors as it can tell apart; copy it into another one"
    )]
    OutOfIds,
}

impl CollectionConfig {
    /// Gives the collection a vector, which its points do not have yet; says whether that changed
    /// anything: one that is there already as it should be stays, with how it is tuned.
    ///
    /// # Errors
    /// [`VectorRefusal`].
    pub fn add_vector(&mut self, name: &str, spec: VectorSpec) -> Result<bool, VectorRefusal> {
        if let Some(known) = self.vector(name) {
            return same(name, known, spec).map(|()| false);
        }
        if self.vectors_len() >= NAMED_VECTORS_MAX {
            return Err(VectorRefusal::TooMany);
        }
        let mut ids = self.kept_ids();
        ids.add(name).map_err(|OutOfIds| VectorRefusal::OutOfIds)?;
        self.ids = ids;
        match spec {
            VectorSpec::Dense(params) => {
                self.vectors.insert(name.to_owned(), VectorParams { multi: false, ..params });
            }
            VectorSpec::Multi(params) => {
                self.vectors.insert(name.to_owned(), VectorParams { multi: true, ..params });
            }
            VectorSpec::Sparse(params) => {
                self.sparse.insert(name.to_owned(), params);
            }
        }
        Ok(true)
    }

    /// Takes a vector away; says whether there was one.
    pub fn remove_vector(&mut self, name: &str) -> bool {
        if self.vector(name).is_none() {
            return false;
        }
        let mut ids = self.kept_ids();
        ids.remove(name);
        self.ids = ids;
        self.vectors.remove(name);
        self.sparse.remove(name);
        self.hints.vectors.remove(name);
        true
    }

    /// Other parameters in place of these. Which vectors there are is said by whichever of the two
    /// has them of later: who changes parameters may not have heard of a vector that came, or went.
    #[must_use]
    pub fn reconfigured(&self, mut newer: Self) -> Self {
        if newer.ids.revision() >= self.ids.revision() {
            return newer;
        }
        let mut hints = BTreeMap::new();
        let mut kept = Self { ids: self.ids.clone(), ..Self::default() };
        for (id, name, spec) in self.identified() {
            let is_same = newer.id_of(name) == Some(id);
            let spec = newer.vector(name).filter(|_| is_same).unwrap_or(spec);
            let said = if is_same { &newer.hints } else { &self.hints };
            hints.extend(said.vectors.get(name).map(|said| (name.clone(), said.clone())));
            match spec {
                VectorSpec::Dense(params) | VectorSpec::Multi(params) => {
                    kept.vectors.insert(name.clone(), params);
                }
                VectorSpec::Sparse(params) => {
                    kept.sparse.insert(name.clone(), params);
                }
            }
        }
        newer.hints.vectors = hints;
        Self { vectors: kept.vectors, sparse: kept.sparse, ids: kept.ids, ..newer }
    }

    /// The ids of its vectors, also where they are only places so far.
    fn kept_ids(&self) -> VectorIds {
        match self.ids.is_untouched() {
            true => VectorIds::founded(self.all_vectors().map(|(name, _)| name)),
            false => self.ids.clone(),
        }
    }
}

/// Refuses what is not the same kind of vector. How it is tuned, which may be changed, is not
/// compared.
fn same(name: &str, known: VectorSpec, wanted: VectorSpec) -> Result<(), VectorRefusal> {
    let name = name.to_owned();
    let is_same = match (known, wanted) {
        (VectorSpec::Sparse(known), VectorSpec::Sparse(wanted)) => known.idf == wanted.idf,
        (VectorSpec::Sparse(_), _) => {
            return Err(VectorRefusal::OtherKind { name, is_sparse: true });
        }
        (_, VectorSpec::Sparse(_)) => {
            return Err(VectorRefusal::OtherKind { name, is_sparse: false });
        }
        (
            VectorSpec::Dense(known) | VectorSpec::Multi(known),
            VectorSpec::Dense(params) | VectorSpec::Multi(params),
        ) => {
            known.multi == matches!(wanted, VectorSpec::Multi(_))
                && (known.size, known.distance, known.datatype)
                    == (params.size, params.distance, params.datatype)
        }
    };
    let is_sparse = matches!(known, VectorSpec::Sparse(_));
    if is_same { Ok(()) } else { Err(VectorRefusal::Differs { name, is_sparse }) }
}

#[cfg(test)]
mod tests;
