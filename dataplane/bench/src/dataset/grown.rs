//! Data sets with more points, or wider ones, than are real, and exact answers that no file has.
//!
//! Both depend on the vectors alone. What takes long is kept in files whose names are made of the
//! vectors.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytemuck::cast_slice;
use vane_index::Metric;

use super::Dataset;
use crate::error::Error;
use crate::exact::{Rows, ids, nearest};
use crate::grow::{Mixer, widen};

/// Exact answers of a query that are kept.
const ANSWERS: usize = 100;
const SEED: u64 = 1;

/// What a data set is to become.
#[derive(Debug, Clone)]
pub(crate) struct Growth {
    /// Number of points; those that there are where none is given.
    pub(crate) points: Option<usize>,
    /// Dimensions: those that there are, or twice as many.
    pub(crate) dim: Option<usize>,
    /// Folder of files with answers.
    pub(crate) cache: PathBuf,
}

impl Dataset {
    /// Widens and grows a data set as asked, and sees to it that it has answers. Points beyond the
    /// real ones have the payload of a real one. Filters of the data set are gone where its points
    /// change: their answers would be others.
    ///
    /// # Errors
    /// A number of dimensions that cannot be made, or a signal.
    pub(crate) fn grown(mut self, growth: &Growth) -> Result<Self, Error> {
        let points = growth.points.unwrap_or(self.len());
        let dim = growth.dim.unwrap_or(self.dim);
        if dim != self.dim && dim != 2 * self.dim {
            let reason = format!("vectors have {} dimensions, or twice as many", self.dim);
            return Err(Error::node(format!("--dim {dim}"), reason));
        }
        if points == 0 {
            return Err(Error::node("--grow 0", "a data set has a point at least"));
        }
        if dim != self.dim {
            self.widen(&growth.cache)?;
        }
        if points != self.len() {
            self.resize(points);
        }
        if self.truth.is_empty() {
            let queries = self.query_values();
            self.truth = self.answers(&growth.cache, &queries, ANSWERS)?;
        }
        Ok(self)
    }

    /// Each vector gets its nearest other point behind it, each query its nearest point.
    fn widen(&mut self, cache: &Path) -> Result<(), Error> {
        // Of two answers, the point itself and another, or two others where points are equal.
        let of_points = self.answers(cache, &self.rows, 2)?;
        let other = of_points.iter().zip(0..).map(|(near, point)| {
            let other = near.iter().find(|other| **other != point);
            other.map_or(point as usize, |other| *other as usize)
        });
        let queries = self.query_values();
        let of_queries = self.answers(cache, &queries, 1)?;
        let of_queries: Vec<usize> =
            of_queries.iter().map(|near| near.first().map_or(0, |point| *point as usize)).collect();
        let (dim, unit) = (self.dim, self.distance.is_unit());
        let wide = widen(&queries, &self.rows, dim, unit, &of_queries);
        let vectors = wide.chunks_exact(2 * dim).map(<[f32]>::to_vec);
        self.queries.iter_mut().zip(vectors).for_each(|(query, vector)| query.vector = vector);
        let other: Vec<usize> = other.collect();
        self.rows = Arc::new(widen(&self.rows, &self.rows, dim, unit, &other));
        self.dim = 2 * dim;
        self.forget_answers();
        Ok(())
    }

    fn resize(&mut self, points: usize) {
        let (real, dim) = (self.len(), self.dim);
        let mut rows = Vec::with_capacity(points * dim);
        rows.extend_from_slice(&self.rows[..real.min(points) * dim]);
        let mixer = Mixer { rows: &self.rows, dim, unit: self.distance.is_unit(), seed: SEED };
        (real..points).for_each(|point| mixer.push(point as u64, &mut rows));
        self.rows = Arc::new(rows);
        self.payloads.truncate(points);
        for point in real..points {
            self.payloads.push(self.payloads[point % real].clone());
        }
        self.forget_answers();
    }

    fn forget_answers(&mut self) {
        self.truth = Vec::new();
        self.filters.clear();
    }

    /// The exact answers of some vectors, from a file where they were computed before.
    fn answers(&self, cache: &Path, queries: &[f32], k: usize) -> Result<Vec<Vec<u64>>, Error> {
        let metric = self.distance.metric();
        let mut hasher = DefaultHasher::new();
        (self.dim, k, metric == Metric::L2).hash(&mut hasher);
        hasher.write(cast_slice(&self.rows));
        hasher.write(cast_slice(queries));
        let path = cache.join(format!("answers-{:016x}.json", hasher.finish()));
        if let Ok(text) = std::fs::read(&path) {
            return serde_json::from_slice(&text).map_err(|e| Error::data(&path, e));
        }
        println!(
            "looking for the {k} nearest of {} points for each of {} vectors, once",
            self.len(),
            queries.len() / self.dim
        );
        let rows = Rows { values: &self.rows, dim: self.dim };
        let queries = Rows { values: queries, dim: self.dim };
        let found = ids(&nearest((rows, metric), queries, k, &|_| None)?);
        let written = || -> std::io::Result<()> {
            std::fs::create_dir_all(cache)?;
            // Under its name only when it is whole.
            let file = tempfile::NamedTempFile::new_in(cache)?;
            serde_json::to_writer(&file, &found)?;
            file.persist(&path)?;
            Ok(())
        };
        written().map_err(|e| Error::output(&path, e))?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::dataset::{Distance, Query};

    fn data() -> Dataset {
        let rows = vec![1.0, 0.0, 0.0, 1.0, 0.6, 0.8];
        Dataset {
            dim: 2,
            distance: Distance::Cosine,
            rows: Arc::new(rows),
            payloads: (0..3).map(|i| json!({"i": i})).collect(),
            queries: vec![Query { text: String::new(), vector: vec![0.0, 1.0] }],
            truth: vec![vec![1, 2, 0]],
            filters: BTreeMap::new(),
        }
    }

    #[test]
    fn real_points_stay_and_answers_are_those_of_all() {
        let cache = tempfile::tempdir().unwrap();
        let grow = |points, dim| {
            let cache = cache.path().to_owned();
            data().grown(&Growth { points, dim, cache })
        };
        let grown = grow(Some(10), None).unwrap();
        assert_eq!((grown.len(), grown.payloads.len()), (10, 10));
        assert_eq!(grown.rows[..6], data().rows[..]);
        assert_eq!(grown.payloads[7], json!({"i": 1}));
        assert_eq!((grown.truth[0].len(), grown.truth[0][0]), (10, 1));
        // The second time from a file.
        assert_eq!(grow(Some(10), None).unwrap().truth, grown.truth);
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 1);
        assert_eq!(grow(Some(2), None).unwrap().truth, [[1, 0]]);
        assert_eq!(grow(None, None).unwrap().truth, data().truth);
    }

    #[test]
    fn a_wide_point_has_its_nearest_other_behind_it() {
        let cache = tempfile::tempdir().unwrap();
        let grow = |dim| {
            let cache = cache.path().to_owned();
            data().grown(&Growth { points: None, dim: Some(dim), cache })
        };
        let wide = grow(4).unwrap();
        let half = 0.5_f32.sqrt();
        // The second point is nearest to the third.
        let expected = [0.0, 1.0, 0.6, 0.8].map(|value: f32| value * half);
        let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
        assert!(wide.vector(1).iter().zip(&expected).all(near));
        assert_eq!(wide.queries[0].vector.len(), 4);
        assert_eq!(wide.truth[0].len(), 3);
        assert!(grow(3).is_err());
    }
}
