//! Clusters of real processes under faults: what was acknowledged is there, through every
//! node, and what cannot be promised is refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cuts;
mod kills;
mod load;
mod moves;
mod world;
