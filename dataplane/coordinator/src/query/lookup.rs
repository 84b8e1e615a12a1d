//! Points that a query names: whose they are, where they are looked up, and their vectors.

use std::sync::Arc;

use vane_shard::{Sought, Want, WantVectors};
use vane_types::limits::EXAMPLES_MAX;
use vane_types::{Error, ErrorKind, PointId, VectorSpec};

use super::examples::{ByExamples, Example, Known, Lookup, Place};
use super::{By, Prefetch, Query};
use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

/// Other places where points are looked up.
pub(super) type Places<S> = Vec<(Place, Arc<Collection<S>>)>;

/// Why points cannot be looked up there; a collection that is missing is so in Qdrant's words.
pub(super) fn not_there(collection: &str, error: Error) -> Error {
    match error.kind {
        ErrorKind::NotFound => Error::not_found(format!("Collection {collection} not found")),
        _ => error,
    }
}

impl By {
    /// The points that it names.
    fn points_mut(&mut self) -> Vec<&mut PointId> {
        match self {
            Self::Point(id) => vec![id],
            Self::Examples(by) => by.examples_mut().into_iter().filter_map(point).collect(),
            Self::Diverse(diverse) => point(&mut diverse.near).into_iter().collect(),
            Self::Vector(_)
            | Self::Rrf { .. }
            | Self::Dbsf
            | Self::Order(_)
            | Self::Formula(_)
            | Self::Sample
            | Self::Id => Vec::new(),
        }
    }

    fn examples(&mut self) -> usize {
        match self {
            Self::Examples(by) => by.examples_mut().len(),
            _ => 0,
        }
    }
}

fn point(example: &mut Example) -> Option<&mut PointId> {
    match example {
        Example::Point(id) => Some(id),
        Example::Vector(_) => None,
    }
}

/// Calls `visit` with each point that a stage and those below it name.
pub(super) fn each_point(
    stage: &mut Prefetch,
    visit: &mut impl FnMut(Option<&Lookup>, &mut PointId) -> Result<(), Error>,
) -> Result<(), Error> {
    let Prefetch { by, lookup, prefetch, .. } = stage;
    by.points_mut().into_iter().try_for_each(|id| visit(lookup.as_ref(), id))?;
    prefetch.iter_mut().try_for_each(|below| each_point(below, visit))
}

/// Adds the places that a stage and those below it name, each once.
fn add_places(stage: &Prefetch, places: &mut Vec<Place>) {
    if let Some(Lookup { place, vector: _ }) = &stage.lookup
        && !places.contains(place)
    {
        places.push(place.clone());
    }
    stage.prefetch.iter().for_each(|below| add_places(below, places));
}

/// Examples of a stage and of those below it.
fn examples(stage: &mut Prefetch) -> usize {
    stage.by.examples() + stage.prefetch.iter_mut().map(examples).sum::<usize>()
}

/// The collection that a lookup names.
fn place_of<'a, S>(places: &'a Places<S>, lookup: &Lookup) -> Option<&'a Arc<Collection<S>>> {
    places.iter().find(|(place, _)| *place == lookup.place).map(|(_, collection)| collection)
}

impl<S: Shards> Collection<S> {
    /// Makes the points that a stage and those below it name those of the tenant that is meant, and
    /// finds the collections in which they are looked up. Those of this one are `named`.
    pub(super) async fn bind(
        &self,
        stage: &mut Prefetch,
        options: &RequestOptions,
    ) -> Result<(Places<S>, Vec<PointId>), Error> {
        let count = examples(stage);
        if count > EXAMPLES_MAX {
            return Err(Error::bad_input(format!(
                "the query has {count} examples, the limit is {EXAMPLES_MAX}, all levels together"
            )));
        }
        // Also of stages that name no points: whoever names a collection means one that is there.
        let mut wanted = Vec::new();
        add_places(stage, &mut wanted);
        let mut places = Places::<S>::new();
        for place in wanted {
            let collection = self.coordinator.collection(&place.collection, options.deadline).await;
            let collection = collection.map_err(|error| not_there(&place.collection, error))?;
            let collection = collection.among(place.keys.as_ref(), options.deadline).await?;
            places.push((place, collection));
        }
        let mut named = Vec::new();
        each_point(stage, &mut |lookup, id| {
            let elsewhere = lookup.and_then(|lookup| place_of(&places, lookup));
            *id = elsewhere.map_or_else(|| self.the_one(*id), |other| other.the_one(*id))?;
            let is_here = elsewhere.is_none_or(|other| other.name() == self.name());
            if is_here && !named.contains(id) {
                named.push(*id);
            }
            Ok(())
        })?;
        Ok((places, named))
    }

    /// Looks up the points that a query names, and searches for nothing.
    ///
    /// # Errors
    /// As those of [`Collection::query`] for what it names: a collection, a point or a vector that
    /// is not there.
    pub async fn find_named(&self, query: Query, options: &RequestOptions) -> Result<(), Error> {
        let mut stage = query.into_stage();
        let (places, _) = self.bind(&mut stage, options).await?;
        let mut stages = vec![stage];
        while let Some(mut stage) = stages.pop() {
            let ids = stage.by.points_mut().into_iter().map(|id| *id).collect();
            self.known(ids, &stage.using, (&places, stage.lookup.as_ref()), options).await?;
            stages.extend(stage.prefetch.into_iter().rev());
        }
        Ok(())
    }

    /// What shards are to look for by examples.
    pub(super) async fn sought_by(
        &self,
        mut by: ByExamples,
        using: &str,
        from: (&Places<S>, Option<&Lookup>),
        options: &RequestOptions,
    ) -> Result<Sought, Error> {
        let ids = by.examples_mut().into_iter().filter_map(point).map(|id| *id).collect();
        let known = self.known(ids, using, from, options).await?;
        let size = self.config().vector(using).and_then(VectorSpec::row_len);
        by.into_sought(&known, size)
    }

    /// What shards are to look for near to an example.
    pub(super) async fn sought_near(
        &self,
        near: Example,
        using: &str,
        from: (&Places<S>, Option<&Lookup>),
        options: &RequestOptions,
    ) -> Result<Sought, Error> {
        let ids = match &near {
            Example::Vector(_) => Vec::new(),
            Example::Point(id) => vec![*id],
        };
        let known = self.known(ids, using, from, options).await?;
        known.needed(near).map(Sought::Near)
    }

    /// Vectors of the points that a stage names, by one read of each shard that has some.
    async fn known(
        &self,
        ids: Vec<PointId>,
        using: &str,
        (places, lookup): (&Places<S>, Option<&Lookup>),
        options: &RequestOptions,
    ) -> Result<Known, Error> {
        let elsewhere = lookup.and_then(|lookup| place_of(places, lookup));
        let name = lookup.and_then(|lookup| lookup.vector.as_deref()).unwrap_or(using).to_owned();
        let mut known = Known { name, ..Known::default() };
        if ids.is_empty() {
            return Ok(known);
        }
        let source = elsewhere.map_or(self, Arc::as_ref);
        let is_there = source.config().vector(&known.name).is_some();
        let vectors = match is_there {
            true => WantVectors::Named(vec![known.name.clone()]),
            false => WantVectors::Nothing,
        };
        // Not without a shard that has some of them: they would seem to be gone.
        let whole = RequestOptions { partial: None, ..options.clone() };
        let want = Want { vectors, ..Want::default() };
        let records = source.retrieve(ids.clone(), want, whole).await?;
        // Once a point is there: of those that are not, this is said first.
        if !is_there && !records.is_empty() {
            let lacking = format!("Not existing vector name error: {}", known.name);
            return Err(Error::bad_input(lacking));
        }
        let mut missing: std::collections::HashSet<PointId> = ids.iter().copied().collect();
        for record in records {
            missing.remove(&record.id);
            let vector = record.vectors.and_then(|mut vectors| vectors.remove(&known.name));
            known.vectors.extend(vector.map(|vector| (record.id, vector)));
        }
        match ids.iter().find(|id| missing.contains(id)) {
            Some(id) => Err(Error::not_found(format!("No point with id {id} found"))),
            None => Ok(known),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(by: By, prefetch: Vec<Prefetch>) -> Prefetch {
        Prefetch {
            by,
            using: String::new(),
            filter: None,
            params: Default::default(),
            corpus: None,
            score_threshold: None,
            limit: 10,
            prefetch,
            lookup: None,
        }
    }

    #[test]
    fn points_named_anywhere_in_a_query_are_visited() {
        let point = |id| By::Point(PointId::num(id));
        let deep = by(point(3), vec![by(point(1), Vec::new()), by(By::Id, Vec::new())]);
        let mut query = by(By::Dbsf, vec![by(point(1), Vec::new()), deep]);
        let mut named = Vec::new();
        each_point(&mut query, &mut |_, id| {
            named.push(*id);
            Ok(())
        })
        .unwrap();
        assert_eq!(named, [1, 3, 1].map(PointId::num));
    }
}
