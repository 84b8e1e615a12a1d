//! What can be asked for, by name.

use crate::engine::Write;

macro_rules! operations {
    (changes: $($change:ident),*; reads: $($read:ident),*;) => {
        /// What a call asks of the service, as metrics and the audit log tell it apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Operation {
            $($change,)*
            $($read,)*
        }

        impl Operation {
            /// Whether it changes something, and so is written down.
            pub(crate) fn is_change(self) -> bool {
                matches!(self, $(Self::$change)|*)
            }
        }
    };
}

operations! {
    changes:
        Upsert, UpdateVectors, DeletePoints, DeleteVectors, SetPayload, OverwritePayload,
        DeletePayload, ClearPayload, CreateIndex, DropIndex, CreateCollection, UpdateCollection,
        CreateShardKey, DeleteShardKey, AddVector, RemoveVector,
        DeleteCollection, ChangeAliases, Bootstrap, SetNodeZone, SetNodeLeaving, EvacuateNode,
        RemoveNode, SetNodeFollowsOnly, HoldFeatureLevel, RaiseFeatureLevel, SetSettings,
        ReconfigureShard, PinShard, SetPolicy, ChangeReplicas, TransferLeader, SetMetadata,
        SetQuotas, ClearIssues;
    reads:
        Retrieve, Scroll, Count, Query, Facet, Matrix,
        ListCollections, GetCollection, LocateReplicas,
        ListAliases, ListShardKeys, GetCluster, ListNodes, GetSafety, GetBalance, ListMemory,
        ListShards, RecoverCatalog, GetMetadata, GetTelemetry, ListIssues, GetQuotas;
}

impl Operation {
    /// The operation of a change of points.
    pub(crate) fn of_write(write: &Write) -> Self {
        match write {
            Write::Upsert(_) | Write::UpsertIf(..) => Self::Upsert,
            Write::UpdateVectors(_) | Write::UpdateVectorsIf(..) => Self::UpdateVectors,
            Write::Delete(_) => Self::DeletePoints,
            Write::DeleteVectors { .. } => Self::DeleteVectors,
            Write::SetPayload { .. } => Self::SetPayload,
            Write::OverwritePayload { .. } => Self::OverwritePayload,
            Write::DeletePayload { .. } => Self::DeletePayload,
            Write::ClearPayload(_) => Self::ClearPayload,
            Write::CreateIndex { .. } => Self::CreateIndex,
            Write::DropIndex { .. } => Self::DropIndex,
            Write::CloseTenant(_) => Self::DeleteShardKey,
        }
    }
}
