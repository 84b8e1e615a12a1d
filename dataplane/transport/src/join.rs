//! Becoming a member: what the new node says of itself, and what a member answers.

use std::collections::HashMap;

use uuid::Uuid;
use vane_types::NodeId;

/// A disk that asks to be a member's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRequest {
    /// Names the disk.
    pub disk_id: Uuid,
    /// What people call the node.
    pub name: String,
    /// host:port of the peer listener, as others reach it.
    pub address: String,
    /// host:port of the REST listener, as others reach it.
    pub rest_address: String,
    /// Version of Vane that it runs.
    pub version: String,
    /// Protocol that it speaks.
    pub protocol: u32,
    /// Newest feature level that it reads; 0 for one that has heard of no levels.
    pub feature_level: u32,
}

/// The disk is a member's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinReply {
    /// The cluster that the disk belongs to from now on.
    pub cluster_id: Uuid,
    /// Which member it is.
    pub node_id: NodeId,
    /// Peer addresses of all members.
    pub members: HashMap<NodeId, String>,
}
