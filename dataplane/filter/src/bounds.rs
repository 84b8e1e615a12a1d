//! The `lt`, `gt`, `gte`, `lte` of ranges and counts.

use serde::Serialize;

/// Up to four bounds; a value must keep all that are set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bounds<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lt: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gt: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gte: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lte: Option<T>,
}

impl<T> Bounds<T> {
    /// Whether `value` keeps every bound, each bound being read by `as_value`.
    pub fn admit<V: PartialOrd>(&self, value: V, as_value: impl Fn(&T) -> V) -> bool {
        let Self { lt, gt, gte, lte } = self;
        // All four: a client may set two on one side, and a value must keep both.
        lt.as_ref().is_none_or(|bound| value < as_value(bound))
            && gt.as_ref().is_none_or(|bound| value > as_value(bound))
            && gte.as_ref().is_none_or(|bound| value >= as_value(bound))
            && lte.as_ref().is_none_or(|bound| value <= as_value(bound))
    }
}
