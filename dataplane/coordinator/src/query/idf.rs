//! Weights of a sparse query by how rare its indices are: the inverse document frequency, in the
//! form of BM25 (Robertson, Zaragoza: "The Probabilistic Relevance Framework: BM25 and Beyond",
//! 2009, with 1 added within the logarithm, so that none is negative).

use vane_shard::{Frequencies, Search, Sought};
use vane_transport::reads::FrequenciesOf;
use vane_types::{Error, SparseVector, Vector};

use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

impl<S: Shards> Collection<S> {
    /// Weighs what a search looks for, where its vector is one whose rare indices count more. They
    /// are counted in all shards that are meant: scores of two shards then compare.
    pub(super) async fn weigh(
        &self,
        search: &mut Search,
        options: &RequestOptions,
    ) -> Result<(), Error> {
        let has_idf = self.config().sparse.get(&search.using).is_some_and(|params| params.idf);
        let Sought::Near(Vector::Sparse(query)) = &search.sought else { return Ok(()) };
        if !has_idf || query.indices().is_empty() {
            return Ok(());
        }
        let using = search.using.clone();
        let asked = FrequenciesOf { using, indices: query.indices().to_vec() };
        let mut sum = Frequencies::default();
        for shard in self.ask_meant(&asked, options).await? {
            sum.add(&shard.answer);
        }
        search.sought = Vector::from(weighed(query, &sum)?).into();
        Ok(())
    }
}

fn weighed(query: &SparseVector, frequencies: &Frequencies) -> Result<SparseVector, Error> {
    let Frequencies { points, with } = frequencies;
    let values = query.values().iter().zip(with);
    let values = values.map(|(value, with)| value * idf(*points, *with)).collect();
    SparseVector::new(query.indices().to_vec(), values)
        .map_err(|error| Error::internal(format!("a shard counted other indices: {error}")))
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
        let query = SparseVector::new(vec![1, 5, 9], vec![1.0, 2.0, -1.0]).unwrap();
        let frequencies = Frequencies { points: 100, with: vec![100, 10, 0] };
        let weighed = weighed(&query, &frequencies).unwrap();
        // ln((n - df + 0.5) / (df + 0.5) + 1)
        let by_hand = [(0.5_f64 / 100.5 + 1.0).ln(), 2.0 * (90.5_f64 / 10.5 + 1.0).ln()];
        for (value, expected) in weighed.values().iter().zip(by_hand) {
            assert!((f64::from(*value) - expected).abs() < 1e-6);
        }
        assert!((f64::from(weighed.values()[2]) + (201.0_f64 + 1.0).ln()).abs() < 1e-5);
        assert!(idf(3, 5) > 0.0);
    }
}
