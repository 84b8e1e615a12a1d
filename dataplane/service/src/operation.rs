//! What can be asked for, by name.

use crate::engine::Write;

/// What a call asks of the service, as metrics and the audit log tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Upsert,
    UpdateVectors,
    DeletePoints,
    DeleteVectors,
    SetPayload,
    OverwritePayload,
    DeletePayload,
    ClearPayload,
    CreateIndex,
    DropIndex,
    Retrieve,
    Scroll,
    Count,
    Query,
    ListCollections,
    GetCollection,
    LocateReplicas,
    CreateCollection,
    UpdateCollection,
    DeleteCollection,
    ListAliases,
    ChangeAliases,
    GetCluster,
    ListNodes,
    ListShards,
    Bootstrap,
    SetNodeZone,
    ReconfigureShard,
    TransferLeader,
}

impl Operation {
    /// The operation of a change of points.
    pub(crate) fn of_write(write: &Write) -> Self {
        match write {
            Write::Upsert(_) => Self::Upsert,
            Write::UpdateVectors(_) => Self::UpdateVectors,
            Write::Delete(_) => Self::DeletePoints,
            Write::DeleteVectors { .. } => Self::DeleteVectors,
            Write::SetPayload { .. } => Self::SetPayload,
            Write::OverwritePayload { .. } => Self::OverwritePayload,
            Write::DeletePayload { .. } => Self::DeletePayload,
            Write::ClearPayload(_) => Self::ClearPayload,
            Write::CreateIndex { .. } => Self::CreateIndex,
            Write::DropIndex { .. } => Self::DropIndex,
        }
    }

    /// Whether it changes something, and so is written down.
    pub(crate) fn is_change(self) -> bool {
        // No `_`: a new operation must say whether it is written down.
        match self {
            Self::Upsert
            | Self::UpdateVectors
            | Self::DeletePoints
            | Self::DeleteVectors
            | Self::SetPayload
            | Self::OverwritePayload
            | Self::DeletePayload
            | Self::ClearPayload
            | Self::CreateIndex
            | Self::DropIndex
            | Self::CreateCollection
            | Self::UpdateCollection
            | Self::DeleteCollection
            | Self::ChangeAliases
            | Self::Bootstrap
            | Self::SetNodeZone
            | Self::ReconfigureShard
            | Self::TransferLeader => true,
            Self::Retrieve
            | Self::Scroll
            | Self::Count
            | Self::Query
            | Self::ListCollections
            | Self::GetCollection
            | Self::LocateReplicas
            | Self::ListAliases
            | Self::GetCluster
            | Self::ListNodes
            | Self::ListShards => false,
        }
    }
}
