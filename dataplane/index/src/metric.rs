use std::cmp::Ordering;

/// How two rows are compared.
///
/// Cosine similarity is [`Metric::InnerProduct`] over rows and queries of unit length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Score is the inner product, higher is better.
    InnerProduct,
    /// Score is the squared Euclidean distance, lower is better.
    L2,
}

impl Metric {
    /// Orders scores best first.
    pub(crate) fn best_first(self, a: f32, b: f32) -> Ordering {
        match self {
            Self::InnerProduct => b.total_cmp(&a),
            Self::L2 => a.total_cmp(&b),
        }
    }
}
