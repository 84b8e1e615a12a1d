//! Hostile input, drawn from a seed, at each door of a node: its REST API, the calls of other
//! nodes, administration, and the files of its disk.
//!
//! Owns how input is made hostile and what must hold afterwards: nothing panics, no process
//! ends, no answer says that the node failed, all that was stored can be read, and a damaged
//! file is refused. It must never know how the product does what it checks, and nothing that is
//! shipped knows it.

pub mod budget;
pub mod corpus;
pub mod doors;
mod grpc;
pub mod hostile;
mod node;
mod random;

pub use budget::{Budget, Failure, Tally};
pub use node::run_node;
pub use random::Random;
