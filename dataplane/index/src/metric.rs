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
    /// Score is the sum of the distances in each dimension, lower is better. Of exact scores alone.
    L1,
    /// Score is the cosine of rows and queries of any length, higher is better; 0 where one has
    /// none. Of exact scores alone.
    Cosine,
}

impl Metric {
    /// Orders scores best first.
    pub fn best_first(self, a: f32, b: f32) -> Ordering {
        if self.smaller_is_better() { a.total_cmp(&b) } else { b.total_cmp(&a) }
    }

    pub(crate) fn smaller_is_better(self) -> bool {
        matches!(self, Self::L2 | Self::L1)
    }

    /// Whether graphs are walked by it.
    pub(crate) fn has_graphs(self) -> bool {
        matches!(self, Self::InnerProduct | Self::L2)
    }
}
