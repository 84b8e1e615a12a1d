//! A cluster of five nodes in one thread, under a scheduler that a seed decides.
//!
//! Runs the real Raft core and the real state machines; owns what is around them: time,
//! network, disks, crashes, clients, and the checks of everything that was promised. One
//! seed is one run, event by event, on every machine.
//!
//! It must never look at a clock, a thread's timing, an address or the order of a hash map,
//! and never contain a copy of what it is there to test.

mod bug;
mod checks;
mod disk;
mod env;
mod event;
mod faults;
mod files;
mod finish;
mod history;
mod kv;
mod linearizable;
mod machine;
mod members;
mod network;
mod node;
mod process;
mod queue;
mod random;
mod run;
mod swarm;
mod sweep;
mod trace;
mod witness;
mod world;

pub use bug::Bug;
pub use run::{Options, Report, run};
pub use sweep::sweep;
