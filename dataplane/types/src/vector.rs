//! Vectors as points have them.

use std::collections::BTreeMap;

/// Vectors of a point by name; `""` is the unnamed one. Values are f32, as many as the
/// collection's `size` says, and for [`crate::Distance::Cosine`] of unit length once stored.
pub type NamedVectors = BTreeMap<String, Vec<f32>>;
