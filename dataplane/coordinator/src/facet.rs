//! How many points have each value of a field.

use std::collections::HashMap;

use vane_filter::{FacetValue, Filter};
use vane_shard::FacetHit;
use vane_transport::reads::Facet;
use vane_types::limits::{ANSWER_BYTES_MAX, POINT_BYTES};
use vane_types::{Error, JsonPath};

use crate::answer::too_large;
use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

impl<S: Shards> Collection<S> {
    /// The most frequent values of a field, with how many of the points that pass a filter have
    /// each: the more frequent first, then the smaller.
    ///
    /// # Errors
    /// `BadInput` for a field without an index of values, and for more than an answer may hold;
    /// that of a shard that does not answer, see [`RequestOptions::partial`].
    pub async fn facet(
        &self,
        field: JsonPath,
        filter: Option<Filter>,
        limit: usize,
        options: RequestOptions,
    ) -> Result<Vec<FacetHit>, Error> {
        // A value that is rare in each of several shards may be frequent in all: they count all.
        let of_one = (self.ordinals().len() == 1).then_some(limit);
        let facet = Facet { field, filter: self.scoped(filter), limit: of_one };
        let answers = self.ask_meant(&facet, &options).await?;
        let mut counts: HashMap<FacetValue, u64> = HashMap::new();
        for FacetHit { value, count } in answers.into_iter().flat_map(|shard| shard.answer) {
            *counts.entry(value).or_default() += count;
        }
        let hits = counts.into_iter().map(|(value, count)| FacetHit { value, count });
        let mut hits: Vec<FacetHit> = hits.collect();
        hits.sort_unstable_by(FacetHit::compare);
        hits.truncate(limit);
        if hits.iter().map(bytes).sum::<usize>() > ANSWER_BYTES_MAX {
            return Err(too_large());
        }
        Ok(hits)
    }
}

fn bytes(hit: &FacetHit) -> usize {
    let text = if let FacetValue::Text(text) = &hit.value { text.len() } else { 0 };
    POINT_BYTES + text
}
