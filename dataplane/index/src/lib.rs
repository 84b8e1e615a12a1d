//! Nearest neighbours over rows of f32: HNSW graphs and exact scores, both by FAISS, behind
//! one trait.
//!
//! A [`VectorIndex`] answers searches: a [`Graph`] by walking links, [`Flat`] by scoring every
//! row. A graph holds links only. The rows stay where their owner keeps them (memory, a
//! mapped file) and are read through [`Rows`].
//!
//! FAISS is reached through a shim of our own in `shim/`; `ffi` is the one module with
//! unsafe code. This crate must never start threads, never let FAISS start any, and
//! never write to the rows.

mod cpu;
mod error;
mod exact;
mod ffi;
mod flat;
mod graph;
mod metric;
mod params;
mod select;
mod vector_index;

pub use cpu::{check_cpu, single_threaded_here};
pub use error::Error;
pub use flat::Flat;
pub use graph::Graph;
pub use metric::Metric;
pub use params::GraphParams;
pub use select::Select;
pub use vector_index::{Hit, Rows, StoredIndex, VectorIndex};
