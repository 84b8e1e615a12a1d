//! What people and tools are shown of the cluster: its nodes, collections and shards. It
//! changes nothing.

mod balance;
mod here;
mod memory;
mod moves;
mod nodes;
mod quotas;
mod safety;
mod shards;
mod summary;

pub use balance::BalanceOverview;
pub use here::{CollectionHere, JobsHere, ReplicaHere, ShardHere};
pub use memory::MemoryOverview;
pub use moves::{MoveOverview, MovePhase};
pub use nodes::NodeOverview;
pub use quotas::{PeerQuota, QuotaOverview};
pub use safety::Safety;
pub use shards::{CollectionOverview, ShardOverview, ShardReplica};
pub use summary::{Problem, Summary};
