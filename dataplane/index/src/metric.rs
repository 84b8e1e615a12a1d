/// How two rows are compared.
///
/// Cosine similarity is [`Metric::InnerProduct`] over rows and queries of unit length;
/// see [`normalise`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Score is the inner product, higher is better.
    InnerProduct,
    /// Score is the squared Euclidean distance, lower is better.
    L2,
}

/// Scales `v` to unit length. A vector of zeros stays as it is.
pub fn normalise(v: &mut [f32]) {
    // In f64, where neither the squares nor their sum can overflow or vanish.
    let square: f64 = v.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    if square > 0.0 {
        let scale = square.sqrt().recip();
        for x in v {
            *x = (f64::from(*x) * scale) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn normalised_vectors_have_unit_length() {
        for magnitude in [1e-38_f32, 1e-3, 1.0, 1e38] {
            let mut v = [magnitude, -2.0 * magnitude, 0.5 * magnitude];
            normalise(&mut v);
            let length: f32 = v.iter().map(|x| x * x).sum();
            assert!((length - 1.0).abs() < 1e-6, "{magnitude}: {length}");
        }
    }

    #[test]
    fn zero_vector_stays_zero() {
        let mut v = [0.0; 4];
        normalise(&mut v);
        assert_eq!(v, [0.0; 4]);
    }
}
