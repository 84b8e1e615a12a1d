//! Where the rows of a vector lie, and the jobs that move them from memory to files.
//!
//! Owns growing and sealed segments, the deaths of their rows, which job is due next and how
//! it is carried out. It must never change what a search answers: a job moves rows, it
//! neither adds nor drops a living one.

pub(crate) mod growing;
pub(crate) mod jobs;
pub(crate) mod optimize;
pub(crate) mod postings;
pub(crate) mod sealed;
pub(crate) mod slot_order;
