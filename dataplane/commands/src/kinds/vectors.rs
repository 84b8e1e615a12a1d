//! Sets and removes vectors of points that exist.

use std::collections::BTreeMap;

use prost::Message;
use vane_types::{CollectionConfig, FeatureLevel, NamedVectors, PointId};

use crate::checked::Checked;
use crate::command::Change;
use crate::error::Error;
use crate::kinds::condition::Condition;
use crate::kinds::upsert::{Point, Upsert};
use crate::targets::{Selection, Targets, check_count};
use crate::vector::{check_vectors, known_vector, logged};

/// Vectors to remove, by name.
#[derive(Clone, PartialEq, Message)]
pub struct DeleteVectors {
    #[prost(message, optional, tag = "1")]
    pub targets: Option<Targets>,
    #[prost(string, repeated, tag = "2")]
    pub names: Vec<String>,
    /// Which of all vectors that had the names, in their order, as of
    /// [`CollectionConfig::logged_id_of`]. None where all are of those that the collection was made
    /// with.
    #[prost(uint32, repeated, tag = "3")]
    pub ids: Vec<u32>,
}

impl DeleteVectors {
    /// The vectors, by their names and what entries say of them beside.
    pub fn vectors(&self) -> impl Iterator<Item = (&str, u32)> {
        let ids = self.ids.iter().copied().chain(std::iter::repeat(0));
        self.names.iter().map(String::as_str).zip(ids)
    }

    /// The level from which on members can read it.
    pub(crate) fn level(&self) -> FeatureLevel {
        if self.ids.is_empty() { FeatureLevel::FIRST } else { FeatureLevel::CHANGING }
    }
}

/// An update leaves a point's other vectors alone, so of two updates of one point both
/// count, and only of one vector the later.
pub(crate) fn check_update(
    config: &CollectionConfig,
    points: Vec<(PointId, NamedVectors)>,
    condition: Option<&Condition>,
) -> Result<Checked, Error> {
    check_count(points.len())?;
    let mut by_id: BTreeMap<PointId, NamedVectors> = BTreeMap::new();
    for (id, mut vectors) in points {
        // Each is checked, also one that a later takes the place of.
        check_vectors(config, id, &mut vectors)?;
        by_id.entry(id).or_default().extend(vectors);
    }
    let point = |(id, vectors): (PointId, _)| {
        (id, Point { id: id.to_key(), vectors: logged(config, vectors), payload: Vec::new() })
    };
    let update = Upsert::all_if(condition);
    let change = move |points| Change::UpdateVectors(update(points));
    Ok(Checked::points(by_id.into_iter().map(point).collect(), change))
}

pub(crate) fn check_delete(
    config: &CollectionConfig,
    points: Selection,
    names: Vec<String>,
) -> Result<Checked, Error> {
    for name in &names {
        // A misspelt name must not pass for a vector that was removed.
        known_vector(config, name)?;
    }
    let ids = names.iter().map(|name| config.logged_id_of(name).unwrap_or_default());
    let mut ids: Vec<u32> = ids.collect();
    if ids.iter().all(|id| *id == 0) {
        ids.clear();
    }
    Checked::each(points, 0, move |targets| {
        let (targets, names, ids) = (Some(targets), names.clone(), ids.clone());
        Change::DeleteVectors(DeleteVectors { targets, names, ids })
    })
}
