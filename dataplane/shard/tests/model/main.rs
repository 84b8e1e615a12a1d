//! The state machine against a map: whatever is written, however segments are sealed,
//! indexed, merged and reopened in between, the shard answers as the map does, and its
//! replicas are alike.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by panicking; its modules are its own"
)]

mod bounds;
mod by_tenant;
mod by_value;
mod changing;
mod codes;
mod conditions;
mod damage;
mod equal_scores;
mod examples;
mod explain;
mod hostile;
mod indexes;
mod kinds;
mod map;
mod memory;
mod on_disk;
mod quick;
mod recall;
mod requests;
mod room;
mod routes;
mod search_context;
mod snapshots;
mod tenants;
mod texts;
mod unreadable;
mod vectors;
mod world;
