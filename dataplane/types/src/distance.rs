//! How two vectors compare.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// How close two vectors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Distance {
    /// Cosine similarity: vectors are brought to unit length when written.
    Cosine,
    /// Inner product.
    Dot,
    /// Euclidean distance.
    Euclid,
    /// Sum of the distances in each dimension. From
    /// [`FeatureLevel::KINDS`](crate::FeatureLevel::KINDS) on.
    Manhattan,
}

impl Distance {
    /// Whether the smaller of two scores is the better one.
    pub fn smaller_is_better(self) -> bool {
        matches!(self, Self::Euclid | Self::Manhattan)
    }

    /// Orders scores best first: larger for similarities, smaller for distances.
    pub fn best_first(self, a: f32, b: f32) -> Ordering {
        // A total order: a sort comes out the same on every node, whatever the scores are.
        if self.smaller_is_better() { a.total_cmp(&b) } else { b.total_cmp(&a) }
    }

    /// Whether a score is better than the threshold a query asked for; one that equals it is not.
    pub fn passes(self, score: f32, threshold: f32) -> bool {
        if self.smaller_is_better() { score < threshold } else { score > threshold }
    }

    /// Brings a vector into the form that is stored and searched.
    pub fn prepare(self, vector: &mut [f32]) {
        if self != Self::Cosine {
            return;
        }
        // In f64: the squares of large components overflow f32.
        let norm = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        // Already of unit length within f32's precision: a second pass would move the last bits.
        if norm > 0.0 && (norm - 1.0).abs() > 1e-6 {
            vector.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_vectors_get_unit_length_and_zero_stays_zero() {
        let mut v = vec![3e30, 4e30];
        Distance::Cosine.prepare(&mut v);
        assert!((v[0] - 0.6).abs() < 1e-6 && (v[1] - 0.8).abs() < 1e-6);
        let before = v.clone();
        Distance::Cosine.prepare(&mut v);
        assert_eq!(v, before);
        let mut zero = vec![0.0; 3];
        Distance::Cosine.prepare(&mut zero);
        assert_eq!(zero, [0.0; 3]);
    }

    #[test]
    fn length_is_right_where_squares_leave_f32() {
        for magnitude in [1e-38_f32, 1e-3, 1.0, 1e38] {
            let mut v = [magnitude, -2.0 * magnitude, 0.5 * magnitude];
            Distance::Cosine.prepare(&mut v);
            let length: f32 = v.iter().map(|x| x * x).sum();
            assert!((length - 1.0).abs() < 1e-6, "{magnitude}: {length}");
        }
    }

    #[test]
    fn euclid_prefers_small_and_dot_large() {
        assert_eq!(Distance::Euclid.best_first(1.0, 2.0), Ordering::Less);
        assert_eq!(Distance::Dot.best_first(1.0, 2.0), Ordering::Greater);
        assert!(Distance::Euclid.passes(1.0, 1.5) && !Distance::Dot.passes(1.0, 1.5));
        for distance in [Distance::Cosine, Distance::Dot, Distance::Euclid] {
            assert!(!distance.passes(1.0, 1.0), "{distance:?}");
        }
    }
}
