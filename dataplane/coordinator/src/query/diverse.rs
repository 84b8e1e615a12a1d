//! Results that are near to a query and not alike: maximal marginal relevance, as in Carbonell and
//! Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and Producing
//! Summaries", SIGIR 1998.

use std::task::Poll;

use futures_util::future::poll_fn;
use vane_filter::Filter;
use vane_shard::{Record, Scored, Search, Sought, Want, WantVectors};
use vane_types::limits::DIVERSE_CANDIDATES_MAX;
use vane_types::{Distance, Error, Vector, VectorSpec};

use super::examples::Example;
use super::similarity::similarity;
use crate::answer::check_size;
use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

/// Nearness to an example, less likeness to what is taken already.
#[derive(Debug, Clone, PartialEq)]
pub struct Diverse {
    /// What results are near to.
    pub near: Example,
    /// From 0, nearness alone, to 1, unlikeness alone.
    pub diversity: f32,
    /// Nearest points that are chosen from; as many as are asked for when absent.
    pub candidates: Option<usize>,
}

/// How candidates are chosen from.
pub(super) struct Choice {
    pub(super) diversity: f32,
    pub(super) candidates: usize,
    /// Points that are taken.
    pub(super) limit: usize,
}

impl<S: Shards> Collection<S> {
    /// What is taken of the nearest that a search finds, in that order, with scores of the search.
    pub(super) async fn choose(
        &self,
        mut search: Search,
        corpus: Option<Filter>,
        choice: Choice,
        options: &RequestOptions,
    ) -> Result<Vec<Scored>, Error> {
        let using = search.using.clone();
        let want = search.want.clone();
        let Sought::Near(mut query) = search.sought.clone() else {
            return Err(Error::internal("results are chosen near to a vector only"));
        };
        // One that is unknown is refused by the search.
        let spec = self.config().vector(&using);
        let distance = spec.map_or(Distance::Dot, VectorSpec::distance);
        if let Some(spec) = spec {
            query = spec.adopt(query).unwrap_or_else(|misfit| misfit);
            spec.prepare(&mut query);
            // Where others keep their length cosines are taken of what has length 1.
            query.prepare(distance);
        }
        search.limit = choice.candidates.min(DIVERSE_CANDIDATES_MAX);
        search.want.vectors = with(&want.vectors, &using);
        let mut found = self.search(search, corpus, options).await?;
        // With the vectors, also where those are not wanted: each shard has its own bound.
        check_size(found.iter().map(|scored| &scored.record))?;
        let vectors = found.iter().map(|scored| vector_of(&scored.record, &using));
        let Some(vectors) = vectors.collect::<Option<Vec<_>>>() else {
            return Err(Error::internal("a point was found by a vector that it does not have"));
        };
        let of_length_1 = |vector: &Vector| {
            let mut vector = vector.clone();
            vector.prepare(distance);
            vector
        };
        let keeps_length = spec.is_some_and(VectorSpec::keeps_length);
        let prepared: Vec<Vector> = match keeps_length {
            true => vectors.iter().copied().map(of_length_1).collect(),
            false => Vec::new(),
        };
        let vectors = if keeps_length { prepared.iter().collect() } else { vectors };
        let mut left = Left::new(vectors, &query, distance);
        let mut places = Vec::new();
        while places.len() < choice.limit
            && let Some(place) = left.take_best(choice.diversity)
        {
            places.push(place);
            // A step takes a millisecond or two; others are let in, and time is kept.
            yield_now().await;
            if self.coordinator.shards.now() > options.deadline {
                return Err(Error::timeout(
                    "no answer within the time limit; ask for less, or raise `timeout`",
                ));
            }
        }
        drop(left);
        let mut taken = Vec::with_capacity(places.len());
        for place in places {
            let Scored { record, score } = &mut found[place];
            let record =
                std::mem::replace(record, Record { payload: None, vectors: None, ..*record });
            taken.push(Scored { record: stripped(record, &want, &using), score: *score });
        }
        Ok(taken)
    }
}

/// What is wanted and this vector.
fn with(wanted: &WantVectors, using: &str) -> WantVectors {
    let mut names = match wanted {
        WantVectors::All => return WantVectors::All,
        WantVectors::Nothing => Vec::new(),
        WantVectors::Named(names) => names.clone(),
    };
    if !names.iter().any(|name| name == using) {
        names.push(using.to_owned());
    }
    WantVectors::Named(names)
}

/// Without the vector, where it was not wanted.
fn stripped(mut record: Record, want: &Want, using: &str) -> Record {
    match &want.vectors {
        WantVectors::All => {}
        WantVectors::Nothing => record.vectors = None,
        WantVectors::Named(names) => {
            if let Some(vectors) = &mut record.vectors
                && !names.iter().any(|name| name == using)
            {
                vectors.remove(using);
            }
        }
    }
    record
}

fn vector_of<'a>(record: &'a Record, using: &str) -> Option<&'a Vector> {
    record.vectors.as_ref()?.get(using)
}

/// Candidates that were not taken.
struct Left<'a> {
    distance: Distance,
    candidates: Vec<Candidate<'a>>,
    taken: Option<&'a Vector>,
}

struct Candidate<'a> {
    place: usize,
    vector: &'a Vector,
    /// To what is searched for.
    near: f32,
    /// To the most similar of those that were taken.
    alike: f32,
}

impl<'a> Left<'a> {
    fn new(vectors: Vec<&'a Vector>, query: &Vector, distance: Distance) -> Self {
        let candidate = |(place, vector)| {
            let near = similarity(distance, query, vector);
            Candidate { place, vector, near, alike: f32::MIN }
        };
        let candidates = vectors.into_iter().enumerate().map(candidate).collect();
        Self { distance, candidates, taken: None }
    }

    /// The place of the best that is left, which is then taken; of equals the first. At first that
    /// is the nearest.
    fn take_best(&mut self, diversity: f32) -> Option<usize> {
        if let Some(taken) = self.taken {
            for candidate in &mut self.candidates {
                let alike = similarity(self.distance, candidate.vector, taken);
                candidate.alike = candidate.alike.max(alike);
            }
        }
        let is_first = self.taken.is_none();
        let worth = |candidate: &Candidate<'_>| match is_first {
            true => candidate.near,
            false => (1.0 - diversity) * candidate.near - diversity * candidate.alike,
        };
        let mut best: Option<(usize, f32)> = None;
        for (at, candidate) in self.candidates.iter().enumerate() {
            let worth = worth(candidate);
            if best.is_none_or(|(_, most)| worth.total_cmp(&most).is_gt()) {
                best = Some((at, worth));
            }
        }
        let (at, _) = best?;
        // In their order, so that the first of equals stays the first.
        let candidate = self.candidates.remove(at);
        self.taken = Some(candidate.vector);
        Some(candidate.place)
    }
}

/// Lets others have their turn.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(
        diversity: f32,
        vectors: &[Vec<f32>],
        query: &[f32],
        distance: Distance,
    ) -> Vec<usize> {
        let vectors: Vec<Vector> = vectors.iter().cloned().map(Vector::from).collect();
        let mut left = Left::new(vectors.iter().collect(), &query.to_vec().into(), distance);
        std::iter::from_fn(|| left.take_best(diversity)).collect()
    }

    /// The definition, each time over all that were taken.
    fn by_definition(diversity: f64, vectors: &[Vec<f32>], query: &[f32]) -> Vec<usize> {
        let product = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let mut taken: Vec<usize> = Vec::new();
        while taken.len() < vectors.len() {
            let worth = |place: &usize| {
                let near = product(&vectors[*place], query);
                let alike = taken.iter().map(|other| product(&vectors[*place], &vectors[*other]));
                match alike.reduce(f64::max) {
                    None => near,
                    Some(alike) => (1.0 - diversity) * near - diversity * alike,
                }
            };
            let left = (0..vectors.len()).filter(|place| !taken.contains(place));
            let best = left.max_by(|a, b| worth(a).total_cmp(&worth(b))).unwrap();
            taken.push(best);
        }
        taken
    }

    #[test]
    fn what_is_like_another_comes_later() {
        let value = |row: usize, place: usize| ((row * 7 + place * 3) as f32 * 0.61).sin();
        let vectors: Vec<Vec<f32>> =
            (0..30).map(|row| (0..5).map(|place| value(row, place)).collect()).collect();
        let query = [0.3, -0.2, 0.9, 0.1, 0.5];
        for diversity in [0.0, 0.25, 0.5, 0.9, 1.0] {
            let found = order(diversity, &vectors, &query, Distance::Dot);
            assert_eq!(found, by_definition(diversity.into(), &vectors, &query), "{diversity}");
        }
    }

    #[test]
    fn near_is_near_by_a_distance_too() {
        let vectors = [vec![0.0], vec![0.1], vec![5.0]];
        assert_eq!(order(0.0, &vectors, &[0.1], Distance::Euclid), [1, 0, 2]);
        assert_eq!(order(1.0, &vectors, &[0.1], Distance::Euclid), [1, 2, 0]);
        assert_eq!(order(0.5, &[vec![1.0], vec![1.0]], &[1.0], Distance::Dot), [0, 1]);
        assert_eq!(order(0.5, &[], &[1.0], Distance::Dot), [0; 0]);
    }

    #[test]
    fn the_vector_is_fetched_and_shown_only_where_it_is_wanted() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let fetched = |wanted: &WantVectors| match with(wanted, "a") {
            WantVectors::Named(names) => names,
            other => panic!("{other:?}"),
        };
        assert_eq!(fetched(&WantVectors::Nothing), ["a"]);
        assert_eq!(fetched(&WantVectors::Named(names(&["b"]))), ["b", "a"]);
        assert_eq!(fetched(&WantVectors::Named(names(&["a"]))), ["a"]);
        let shown = |vectors| {
            let both = ["a", "b"].map(|name| (name.to_owned(), vec![1.0].into()));
            let record = Record {
                id: vane_types::PointId::num(1),
                version: Default::default(),
                payload: None,
                vectors: Some(both.into()),
                order_value: None,
            };
            let want = Want { vectors, ..Want::default() };
            let vectors = stripped(record, &want, "a").vectors;
            vectors.map(|vectors| vectors.into_keys().collect::<Vec<_>>())
        };
        assert_eq!(shown(WantVectors::Nothing), None);
        assert_eq!(shown(WantVectors::Named(names(&["b"]))).unwrap(), ["b"]);
        assert_eq!(shown(WantVectors::All).unwrap(), ["a", "b"]);
    }
}
