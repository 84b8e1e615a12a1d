//! Messages between nodes, and the admin interface, as generated from `proto/*.proto`.
//!
//! Owns the wire format and nothing else: no conversion to other layers' types, no
//! transport, no decision. Fields are only ever added.

/// Administration: what an operator, a command line or a script needs.
#[allow(
    clippy::all,
    clippy::wildcard_imports,
    unreachable_pub,
    missing_docs,
    unused_qualifications,
    reason = "generated"
)]
pub mod admin {
    tonic::include_proto!("vane.admin.v1");
}

/// Between nodes.
#[allow(
    clippy::all,
    clippy::wildcard_imports,
    unreachable_pub,
    missing_docs,
    unused_qualifications,
    reason = "generated"
)]
pub mod peer {
    tonic::include_proto!("vane.peer.v2");
}
