//! Weights of a sparse query by how rare its indices are: the inverse document frequency, in the
//! form of BM25 (Robertson, Zaragoza: "The Probabilistic Relevance Framework: BM25 and Beyond",
//! 2009, with 1 added within the logarithm, so that none is negative).

use std::collections::{BTreeMap, BTreeSet};

use vane_filter::Filter;
use vane_shard::{Examples, Frequencies, Search, Sought};
use vane_transport::reads::FrequenciesOf;
use vane_types::{Error, FeatureLevel, SparseVector, Vector};

use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

impl<S: Shards> Collection<S> {
    /// Weighs what a search looks for, where its vector is one whose rare indices count more. They
    /// are counted in all shards that are meant, so that scores of two shards compare: among the
    /// points of the corpus, or among all.
    pub(super) async fn weigh(
        &self,
        search: &mut Search,
        corpus: Option<Filter>,
        options: &RequestOptions,
    ) -> Result<(), Error> {
        let has_idf = self.config().sparse.get(&search.using).is_some_and(|params| params.idf);
        let indices = if has_idf { indices_of(&search.sought) } else { Vec::new() };
        if indices.is_empty() {
            return Ok(());
        }
        let filter = match corpus {
            None => None,
            Some(corpus) => {
                // A member below would count all.
                self.coordinator.catalog.level().check(FeatureLevel::CHANGING)?;
                self.scoped(Some(corpus))
            }
        };
        let asked = FrequenciesOf { using: search.using.clone(), indices, filter };
        let mut sum = Frequencies::default();
        for shard in self.ask_meant(&asked, options).await? {
            sum.add(&shard.answer);
        }
        let weights = Weights::new(&asked.indices, &sum);
        search.sought = match &search.sought {
            Sought::Near(vector) => weights.weighed(vector)?.into(),
            Sought::Examples(examples) => {
                let vectors = examples.vectors().iter().map(|vector| weights.weighed(vector));
                let vectors = vectors.collect::<Result<_, _>>()?;
                let examples = Examples::new(examples.rule().clone(), vectors);
                Sought::Examples(examples.map_err(|error| Error::internal(error.to_string()))?)
            }
        };
        Ok(())
    }
}

/// The indices of all sparse vectors that are searched by, rising.
fn indices_of(sought: &Sought) -> Vec<u32> {
    let vectors = match sought {
        Sought::Near(vector) => std::slice::from_ref(vector),
        Sought::Examples(examples) => examples.vectors(),
    };
    let sparse = vectors.iter().filter_map(|vector| match vector {
        Vector::Sparse(sparse) => Some(sparse.indices()),
        Vector::Dense(_) | Vector::Multi(_) => None,
    });
    sparse.flatten().copied().collect::<BTreeSet<u32>>().into_iter().collect()
}

/// What a number counts more, by its index.
struct Weights(BTreeMap<u32, f32>);

impl Weights {
    fn new(indices: &[u32], frequencies: &Frequencies) -> Self {
        let Frequencies { points, with } = frequencies;
        let weights = indices.iter().zip(with);
        Self(weights.map(|(index, with)| (*index, idf(*points, *with))).collect())
    }

    fn weighed(&self, vector: &Vector) -> Result<Vector, Error> {
        let Vector::Sparse(query) = vector else { return Ok(vector.clone()) };
        let numbers = query.indices().iter().zip(query.values());
        let weight = |index| self.0.get(index).copied().unwrap_or(1.0);
        let values = numbers.map(|(index, value)| value * weight(index)).collect();
        SparseVector::new(query.indices().to_vec(), values)
            .map(Vector::from)
            .map_err(|error| Error::internal(error.to_string()))
    }
}

/// What a number counts more, where so many of the points have one at its index.
fn idf(points: u64, with: u64) -> f32 {
    let (points, with) = (points as f64, with as f64);
    // Counted at two moments there may be more with it than there are.
    let without = (points - with).max(0.0);
    ((without + 0.5) / (with + 0.5)).ln_1p() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_indices_count_more() {
        let query = Vector::from(SparseVector::new(vec![1, 5, 9], vec![1.0, 2.0, -1.0]).unwrap());
        let frequencies = Frequencies { points: 100, with: vec![100, 10, 0] };
        let indices = indices_of(&query.clone().into());
        assert_eq!(indices, [1, 5, 9]);
        let weighed = Weights::new(&indices, &frequencies).weighed(&query).unwrap();
        // ln((n - df + 0.5) / (df + 0.5) + 1)
        let by_hand = [(0.5_f64 / 100.5 + 1.0).ln(), 2.0 * (90.5_f64 / 10.5 + 1.0).ln()];
        for (value, expected) in weighed.values().iter().zip(by_hand) {
            assert!((f64::from(*value) - expected).abs() < 1e-6);
        }
        assert!((f64::from(weighed.values()[2]) + (201.0_f64 + 1.0).ln()).abs() < 1e-5);
        assert!(idf(3, 5) > 0.0);
    }
}
