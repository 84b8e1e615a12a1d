//! Clusters of real processes under faults: what was acknowledged is there, through every
//! node, and what cannot be promised is refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "what was measured is part of what a test says")]

mod balance;
mod bulk;
mod copies;
mod cuts;
mod damage;
mod disks;
mod follows;
mod identity;
mod indexes;
mod kills;
mod load;
mod moves;
mod partial;
mod pauses;
mod volume;
mod world;
