//! Decides which nodes hold which replicas, who votes, who leads, and what step comes next.
//!
//! Owns the rules: never two replicas of a shard on one node, then spread over zones, then
//! even load; a member gets its vote when it has the data, and a leader hands over before it
//! goes. Pure: facts in (the catalog, a group as its leader sees it, who answers), a plan or a
//! step out, the same for the same facts in whatever order they come. It must never do I/O,
//! read a clock, draw a random number, or change anything: who asks decides whether and how a
//! plan is carried out, and asks again afterwards.
//!
//! Nodes without a zone count as one zone of their own: nothing says that they would not
//! fail together.

mod balance;
mod compare;
mod error;
mod evacuation;
mod facts;
#[cfg(test)]
mod fixture;
mod heir;
mod leader_balance;
mod leaders;
mod meta_step;
mod meta_voters;
mod place_new;
mod places;
mod refill;
mod removal;
mod replica_request;
mod resize;
mod safety;
mod shard_step;
mod transfers;
mod turns;
mod withdrawal;
mod zones;

pub use balance::{
    Balance, BalanceMove, REST_SECONDS, ShardLoad, Standing, Unwell, balance, unwell,
};
pub use compare::{Agreement, compare};
pub use error::Unplaceable;
pub use evacuation::{Evacuation, Stays, StaysWhy, evacuation};
pub use facts::{Load, NodeFacts, node_facts};
pub use heir::heir;
pub use leader_balance::leader_moves;
pub use meta_step::{meta_change, meta_heir, meta_step};
pub use meta_voters::meta_voters;
pub use place_new::{REPLICAS_PER_PLAN_MAX, place_collection, place_new};
pub use refill::{StaysShut, may_refill};
pub use removal::{RemovalRefusal, RemovalStep, Waited, removal_step};
pub use replica_request::{ReplicaPlan, ReplicaRefusal, ReplicaRequest, plan_replicas};
pub use resize::{ResizeRefusal, plan_resize};
pub use safety::{Absence, Harm, absence};
pub use shard_step::{ShardStep, Waiting, is_caught_up, next_step, record};
pub use transfers::{Transfer, transfers};
pub use turns::Turns;
pub use withdrawal::{Ends, MOVE_ATTEMPTS_MAX, withdrawal};
