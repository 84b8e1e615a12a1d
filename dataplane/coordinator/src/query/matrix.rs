//! How near points that are drawn at random are to each other.

use futures_util::{StreamExt, TryStreamExt, stream};
use vane_commands::known_vector;
use vane_filter::Filter;
use vane_shard::{Record, Search, SearchParams, Want, WantVectors};
use vane_types::{Error, PointId};

use super::filters::{only, with_vector};
use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

/// Searches of one matrix that are on their way at a time.
const SEARCHES_AT_ONCE: usize = 8;

/// Points to draw, and how many neighbours of each to find among them.
#[derive(Debug, Clone)]
pub struct Matrix {
    /// Points to draw from.
    pub filter: Option<Filter>,
    /// Points to draw.
    pub sample: usize,
    /// Neighbours of each.
    pub limit: usize,
    /// Name of the vector; `""` for the unnamed one.
    pub using: String,
}

/// A point of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixRow {
    /// It.
    pub id: PointId,
    /// Its neighbours with their scores, best first.
    pub nearest: Vec<(PointId, f32)>,
}

impl<S: Shards> Collection<S> {
    /// The neighbours of points that are drawn at random, among themselves; rows come by id. None
    /// where there are fewer than two.
    ///
    /// # Errors
    /// `BadInput` for a vector that the collection lacks, and for more than an answer may hold;
    /// that of a shard that does not answer, see [`RequestOptions::partial`].
    pub async fn matrix(
        &self,
        matrix: Matrix,
        options: RequestOptions,
    ) -> Result<Vec<MatrixRow>, Error> {
        let Matrix { filter, sample, limit, using } = matrix;
        known_vector(self.config(), &using)?;
        let filter = with_vector(&using, filter)?;
        let drawn = self.drawn(Some(filter), sample, Want::default(), &options).await?;
        let ids: Vec<PointId> = drawn.into_iter().map(|scored| scored.record.id).collect();
        let vectors = WantVectors::Named(vec![using.clone()]);
        let want = Want { vectors, ..Want::default() };
        let mut points = self.retrieve(ids, want, options.clone()).await?;
        points.sort_by_key(|record| record.id);
        if points.len() < 2 {
            return Ok(Vec::new());
        }
        let among = only(points.iter().map(|record| record.id), None)?;
        let row = |Record { id, vectors, .. }: Record| {
            let vector = vectors.and_then(|mut vectors| vectors.remove(&using));
            let search = vector.map(|vector| Search {
                using: using.clone(),
                sought: vector.into(),
                filter: Some(among.clone()),
                // All of them are compared: they are few.
                params: SearchParams { exact: true, ..SearchParams::default() },
                score_threshold: None,
                limit,
                exclude: vec![id],
                want: Want::default(),
            });
            let options = &options;
            async move {
                let nearest = match search {
                    Some(search) => self.search(search, None, options).await?,
                    // It lost its vector since it was drawn.
                    None => Vec::new(),
                };
                let nearest = nearest.into_iter().map(|scored| (scored.record.id, scored.score));
                Ok(MatrixRow { id, nearest: nearest.collect() })
            }
        };
        stream::iter(points).map(row).buffered(SEARCHES_AT_ONCE).try_collect().await
    }
}
