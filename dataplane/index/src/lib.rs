//! Nearest neighbours over rows of f32, behind one trait: graphs that code of our own builds and
//! searches, and exact scores by FAISS's kernels.
//!
//! A [`VectorIndex`] answers searches: a [`Graph`] by walking links and comparing codes of one byte
//! per dimension, or of less, then rows; [`Flat`] by scoring every row. A graph is a file of links
//! and codes.
//! Rows and files stay where their owner keeps them (memory, a mapped file) and are read through
//! [`Rows`] and [`GraphFile`].
//!
//! [`Postings`] find sparse rows, and [`max_sim`] compares vectors of vectors.
//!
//! Graphs and exact scores are in C++ below `shim/`; `ffi` is the one module with unsafe code. This
//! crate must never start threads but for a build, as many as it is told, never let FAISS start
//! any, and never write to the rows.

mod cpu;
mod error;
mod exact;
mod ffi;
mod flat;
mod graph;
mod metric;
mod multi;
mod params;
mod select;
mod sparse;
mod stock;
mod top;
mod vector_index;

pub use cpu::{check_cpu, single_threaded_here, trim_memory, trim_thread};
pub use error::Error;
pub use exact::scores;
pub use flat::Flat;
pub use graph::{Base, Graph, Walk, compared_here};
pub use metric::Metric;
pub use multi::max_sim;
pub use params::{CodeBits, GraphParams};
pub use select::Select;
pub use sparse::{Matcher, Postings, SparseRow, SparseSearch, write_postings};
pub use stock::Stock;
pub use top::Top;
pub use vector_index::{GraphFile, Hit, Rows, StoredIndex, VectorIndex};
