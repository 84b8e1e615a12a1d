//! Filters, indexes and evaluator together, on shards of payloads.

pub(crate) mod fixture;
mod properties;
