//! A cluster of five nodes in one thread, under a scheduler that a seed decides.
//!
//! Runs the real Raft core, the real shards with their jobs, the real catalog, and the real
//! decisions of the node: which replicas it has (`vane_catalog::replica_plan`), what the meta
//! leader does next (`vane_placement`); and the real coordinator (`vane_coordinator::Coordinator`)
//! between clients and shards, its futures polled one after the other.
//! Owns what is around them: time, network, disks, crashes, clients, administrators, the threads
//! that carry decisions out, and the checks of everything that was promised. One seed is one
//! run, event by event, on every machine.
//!
//! It must never let a clock, a thread's timing, an address or the order of a hash map decide
//! anything, and never contain a copy of a decision that it is there to test.

mod bug;
mod checks;
mod collections;
mod disk;
mod env;
mod event;
mod faults;
mod files;
mod finish;
mod founding;
mod history;
mod kv;
mod leaks;
mod linearizable;
mod liveness;
mod load;
mod losses;
mod machine;
mod network;
mod node;
mod operator;
mod past;
mod process;
mod queue;
mod random;
mod run;
mod swarm;
mod sweep;
mod trace;
mod vectors;
mod witness;
mod world;
mod write;

pub use bug::Bug;
pub use run::{Options, Report, run};
pub use sweep::sweep;
