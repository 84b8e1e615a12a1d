//! Nearest neighbours over rows of f32: HNSW graphs and exact scores, both by FAISS.
//!
//! A [`Graph`] holds links only. The rows stay where their owner keeps them (memory, a
//! mapped file) and are read through [`Rows`]. A graph is immutable: new rows mean a new
//! graph, removed rows are passed over with [`Select`].
//!
//! FAISS is reached through a shim of our own in `shim/`; `ffi` is the one module with
//! unsafe code. This crate must never start threads, never let FAISS start any, and
//! never write to the rows.

mod cpu;
mod error;
mod exact;
mod ffi;
mod graph;
mod metric;
mod select;

pub use cpu::{check_cpu, single_threaded_here};
pub use error::Error;
pub use exact::{scores, scores_of_block};
pub use graph::{Graph, GraphParams, Hit, Rows};
pub use metric::{Metric, normalise};
pub use select::Select;
