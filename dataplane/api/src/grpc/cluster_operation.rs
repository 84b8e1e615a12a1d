//! What is to become of a collection's replicas.

use serde_json::Value;
use vane_wire::qdrant::update_collection_cluster_setup_request::Operation;
use vane_wire::qdrant::{ShardTransferMethod, UpdateCollectionClusterSetupRequest};

use super::alias::{new_key, old_key};
use super::config::{in_json, word};
use super::{Fields, Form, Lists, needed, put};
use crate::error::Error;
use crate::rest::cluster_operation::ClusterOperation;

impl Form for UpdateCollectionClusterSetupRequest {
    type Body = ClusterOperation;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        let (name, fields) = match needed(self.operation, "operation")? {
            Operation::MoveShard(it) => (
                "move_shard",
                way(it.shard_id, it.to_shard_id, it.from_peer_id, it.to_peer_id, it.method)?,
            ),
            Operation::ReplicateShard(it) => (
                "replicate_shard",
                way(it.shard_id, it.to_shard_id, it.from_peer_id, it.to_peer_id, it.method)?,
            ),
            Operation::AbortTransfer(it) => (
                "abort_transfer",
                way(it.shard_id, it.to_shard_id, it.from_peer_id, it.to_peer_id, None)?,
            ),
            Operation::RestartTransfer(it) => {
                let method = Some(it.method);
                let (from, to) = (it.from_peer_id, it.to_peer_id);
                ("restart_transfer", way(it.shard_id, it.to_shard_id, from, to, method)?)
            }
            Operation::DropReplica(replica) => {
                let mut fields = Fields::new();
                put(&mut fields, "shard_id", Some(replica.shard_id));
                put(&mut fields, "peer_id", Some(replica.peer_id));
                ("drop_replica", fields)
            }
            Operation::CreateShardKey(asked) => ("create_sharding_key", new_key(asked)?),
            Operation::DeleteShardKey(asked) => ("drop_sharding_key", old_key(asked)?),
            // Its name is enough to refuse it.
            Operation::ReplicatePoints(_) => ("replicate_points", Fields::new()),
        };
        let mut body = Fields::new();
        put(&mut body, name, Some(fields));
        Ok(body.into())
    }
}

fn way(
    shard: u32,
    to_shard: Option<u32>,
    from: u64,
    to: u64,
    method: Option<i32>,
) -> Result<Fields, Error> {
    let mut fields = Fields::new();
    put(&mut fields, "shard_id", Some(shard));
    put(&mut fields, "to_shard_id", to_shard);
    put(&mut fields, "from_peer_id", Some(from));
    put(&mut fields, "to_peer_id", Some(to));
    let method =
        method.map(|part| word(part, "method", ShardTransferMethod::as_str_name)).transpose()?;
    put(&mut fields, "method", method.map(in_json));
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use vane_wire::qdrant as wire;

    use super::*;
    use crate::engine::ReplicaRequest;
    use crate::grpc::read;
    use crate::rest::cluster_operation::Asked;

    fn asked(operation: Operation) -> Result<Asked, Error> {
        let operation = Some(operation);
        let message = UpdateCollectionClusterSetupRequest { operation, ..Default::default() };
        read(message)?.into_asked("c")
    }

    #[test]
    fn messages_ask_for_what_bodies_of_rest_ask_for() {
        let (shard_id, from_peer_id, to_peer_id) = (3, 1, 2);
        let (from, to) = (vane_types::NodeId(1), vane_types::NodeId(2));
        let moved = |method, to_shard_id| {
            let message =
                wire::MoveShard { shard_id, from_peer_id, to_peer_id, method, to_shard_id };
            asked(Operation::MoveShard(message))
        };
        for method in [None, Some(0), Some(1), Some(2)] {
            let Ok(Asked::Replicas(3, request)) = moved(method, None) else { panic!() };
            assert_eq!(request, ReplicaRequest::Move { from, to });
        }
        assert!(moved(Some(3), None).is_err());
        assert!(moved(Some(9), None).is_err(), "there is no such method");
        assert!(moved(None, Some(1)).is_err());
        let dropped = asked(Operation::DropReplica(wire::Replica { shard_id, peer_id: 2 }));
        let Ok(Asked::Replicas(3, request)) = dropped else { panic!() };
        assert_eq!(request, ReplicaRequest::Drop { node: to, others_min: None });
        let abort =
            wire::AbortShardTransfer { shard_id, from_peer_id, to_peer_id, to_shard_id: None };
        let Ok(Asked::Replicas(3, request)) = asked(Operation::AbortTransfer(abort)) else {
            panic!()
        };
        assert_eq!(request, ReplicaRequest::Abort { from, to });
        let nothing = UpdateCollectionClusterSetupRequest::default();
        assert!(read(nothing).is_err());
    }
}
