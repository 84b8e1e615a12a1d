//! Disks: `raft.db`, `data.db`, segment files, the marker, and how much room is left.
//!
//! Owns every byte format on disk, the order of writes and syncs, and the checksums; snapshots
//! on their way between nodes lie in directories that `raft` and the transport tend. It must
//! never decide what is written (that is the shard's state machine) nor when a
//! segment is sealed or merged; it holds no state of a shard beyond what a call needs.
//!
//! Layout of a data directory:
//!
//! ```text
//! VANE                  marker: format, cluster id, node id (data_dir.rs)
//! LOCK                  held while a process uses the directory
//! CLEAN                 present only after a clean stop
//! raft.db/              logs of all groups, synced before anything is promised (log_db.rs)
//! data.db/              points, payloads, indexes, growing rows; synced every second (data_db.rs)
//! shards/<group>/v<vector>-s<segment>/  sealed rows and their graph (segment_file.rs)
//! snapshots/            raft snapshots on their way in or out
//! ballast               room to free when the disk is full (space.rs)
//! ```

pub mod data_db;
pub mod data_dir;
mod error;
pub mod held;
mod keys;
pub mod kv;
pub mod log_db;
pub mod memory;
mod memory_limit;
pub mod records;
pub mod segment_file;
pub mod shard_store;
pub mod space;
mod steady_file;

pub use data_db::DataDb;
pub use data_dir::DataDir;
pub use error::Error;
pub use held::Held;
pub use kv::{Kv, KvRead};
pub use log_db::LogDb;
pub use memory::MemoryKv;
pub use memory_limit::{memory_bytes, share_of_memory};
pub use segment_file::{SegmentFiles, SegmentWriter};
pub use shard_store::{Batch, ReadView, ShardStore};
pub use space::Space;
