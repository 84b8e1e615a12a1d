//! `POST /collections/{collection}/cluster`: what is to become of a collection's replicas.

use std::num::NonZeroU32;

use serde::Deserialize;
use serde_json::Value;
use vane_types::NodeId;

use super::shard_key::{CreateShardKey, DeleteShardKey};
use crate::engine::ReplicaRequest;
use crate::error::{Error, Kind};

/// The body: one operation by its name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterOperation {
    /// Has a replica on another node in place of the one that it is on.
    MoveShard(Way),
    /// Adds a replica.
    ReplicateShard(Way),
    /// Ends a transfer that has not ended.
    AbortTransfer(Way),
    /// Begins a transfer anew.
    RestartTransfer(Way),
    /// Takes a replica away.
    DropReplica(Place),
    /// Makes a shard key.
    CreateShardingKey(CreateShardKey),
    /// Deletes a shard key with its points.
    DropShardingKey(DeleteShardKey),
    /// Not in this version.
    ReplicatePoints(Value),
    /// Not in this version.
    StartResharding(Value),
    /// There is none to end.
    AbortResharding(Value),
    /// There is none to end.
    FinishResharding(Value),
    /// There is none to end.
    FinishMigratingPoints(Value),
    /// There is none to end.
    CommitReadHashRing(Value),
    /// There is none to end.
    CommitWriteHashRing(Value),
}

/// From which node to which a replica goes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    shard_id: u32,
    to_shard_id: Option<u32>,
    from_peer_id: u64,
    to_peer_id: u64,
    method: Option<Method>,
}

/// How the data gets there. The log says it: entries where it reaches back, else files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    StreamRecords,
    Snapshot,
    WalDelta,
    ReshardingStreamRecords,
}

/// A replica.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    shard_id: u32,
    peer_id: u64,
    min_other_active_replicas: Option<NonZeroU32>,
}

/// What is asked for.
#[derive(Debug)]
pub enum Asked {
    /// Of the replicas of the shard at a place of its collection.
    Replicas(u32, ReplicaRequest),
    /// A new shard key.
    CreateKey(CreateShardKey),
    /// An end of a shard key.
    DeleteKey(DeleteShardKey),
}

impl ClusterOperation {
    /// What is asked for of a collection.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] where both ends are one, [`Kind::BadRequest`], [`Kind::Unsupported`].
    pub fn into_asked(self, collection: &str) -> Result<Asked, Error> {
        match self {
            Self::MoveShard(way) => {
                way.into_asked("move_shard", |from, to| ReplicaRequest::Move { from, to })
            }
            Self::ReplicateShard(way) => {
                way.into_asked("replicate_shard", |from, to| ReplicaRequest::Replicate { from, to })
            }
            Self::AbortTransfer(way) => {
                way.into_asked("abort_transfer", |from, to| ReplicaRequest::Abort { from, to })
            }
            Self::RestartTransfer(way) => {
                way.into_asked("restart_transfer", |from, to| ReplicaRequest::Restart { from, to })
            }
            Self::DropReplica(Place { shard_id, peer_id, min_other_active_replicas }) => {
                let others_min = min_other_active_replicas.map(NonZeroU32::get);
                let request = ReplicaRequest::Drop { node: NodeId(peer_id), others_min };
                Ok(Asked::Replicas(shard_id, request))
            }
            Self::CreateShardingKey(body) => Ok(Asked::CreateKey(body)),
            Self::DropShardingKey(body) => Ok(Asked::DeleteKey(body)),
            Self::ReplicatePoints(_) => Err(unsupported(
                "replicate_points",
                "scroll through the points of one shard key and upsert them under the other",
            )),
            Self::StartResharding(_) => Err(unsupported(
                "start_resharding",
                "a collection keeps the number of shards that it was made with: make one with \
                 more, copy the points and give it the alias",
            )),
            Self::AbortResharding(_)
            | Self::FinishResharding(_)
            | Self::FinishMigratingPoints(_)
            | Self::CommitReadHashRing(_)
            | Self::CommitWriteHashRing(_) => Err(Error::bad_request(format_args!(
                "resharding is not in progress for collection {collection}"
            ))),
        }
    }
}

fn unsupported(operation: &str, instead: &str) -> Error {
    Error::new(Kind::Unsupported, format_args!("`{operation}`"), instead)
}

impl Way {
    fn into_asked(
        self,
        operation: &str,
        request: impl Fn(NodeId, NodeId) -> ReplicaRequest,
    ) -> Result<Asked, Error> {
        let Self { shard_id, to_shard_id, from_peer_id: from, to_peer_id: to, method } = self;
        if from == to {
            let detail =
                format_args!("value \"{to}\" must not match \"{from}\" in \"from_peer_id\"");
            return Err(Error::invalid(format_args!("{operation}.to_peer_id"), detail));
        }
        if method == Some(Method::ReshardingStreamRecords) {
            return Err(Error::bad_request("Target shard is not set for resharding transfer"));
        }
        if let Some(other) = to_shard_id {
            return Err(Error::bad_request(format_args!(
                "Target shard {other} can only be set for ReshardingStreamRecords transfers"
            )));
        }
        Ok(Asked::Replicas(shard_id, request(NodeId(from), NodeId(to))))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::rest::parse::read_value;
    use crate::rest::text::text;

    fn asked(json: Value) -> Result<Asked, String> {
        let read = read_value::<ClusterOperation>(json, "");
        read.and_then(|operation| operation.into_asked("c")).map_err(|error| text(&error))
    }

    fn request(json: Value) -> (u32, ReplicaRequest) {
        match asked(json) {
            Ok(Asked::Replicas(shard, request)) => (shard, request),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_operation_is_read_whatever_method_it_names() {
        let (from, to) = (NodeId(1), NodeId(2));
        let way = |method: Value| {
            let (shard, from, to) = (3, 1, 2);
            json!({"shard_id": shard, "from_peer_id": from, "to_peer_id": to, "method": method})
        };
        for method in [json!("stream_records"), json!("snapshot"), json!("wal_delta"), Value::Null]
        {
            let of = |name: &str| request(json!({ name: way(method.clone()) }));
            assert_eq!(of("move_shard"), (3, ReplicaRequest::Move { from, to }));
            assert_eq!(of("replicate_shard"), (3, ReplicaRequest::Replicate { from, to }));
            assert_eq!(of("restart_transfer"), (3, ReplicaRequest::Restart { from, to }));
        }
        let way = json!({"shard_id": 3, "from_peer_id": 1, "to_peer_id": 2});
        let aborted = request(json!({ "abort_transfer": way }));
        assert_eq!(aborted, (3, ReplicaRequest::Abort { from, to }));
        let dropped = json!({"shard_id": 0, "peer_id": 2, "min_other_active_replicas": 1});
        let expected = ReplicaRequest::Drop { node: to, others_min: Some(1) };
        assert_eq!(request(json!({ "drop_replica": dropped })), (0, expected));
        let key = json!({"create_sharding_key": {"shard_key": "a"}});
        assert!(matches!(asked(key), Ok(Asked::CreateKey(_))));
        let key = json!({"drop_sharding_key": {"shard_key": 7}});
        assert!(matches!(asked(key), Ok(Asked::DeleteKey(_))));
    }

    #[test]
    fn what_cannot_be_says_why() {
        let same = json!({"move_shard": {"shard_id": 0, "from_peer_id": 1, "to_peer_id": 1}});
        assert_eq!(
            asked(same).unwrap_err(),
            "Validation error in JSON body: [move_shard.to_peer_id: value \"1\" must not match \
             \"1\" in \"from_peer_id\"]"
        );
        let mut way = json!({"shard_id": 0, "from_peer_id": 1, "to_peer_id": 2, "to_shard_id": 4});
        let refused = asked(json!({ "move_shard": way })).unwrap_err();
        assert!(refused.contains("Target shard 4 can only be set"), "{refused}");
        way["method"] = json!("resharding_stream_records");
        let refused = asked(json!({ "move_shard": way })).unwrap_err();
        assert!(refused.contains("Target shard is not set"), "{refused}");
        for name in ["start_resharding", "replicate_points"] {
            let refused = asked(json!({ name: {"direction": "up"} })).unwrap_err();
            assert!(refused.contains(name) && refused.contains("not supported"), "{refused}");
        }
        for name in ["abort_resharding", "finish_resharding", "commit_read_hash_ring"] {
            assert_eq!(
                asked(json!({ name: {} })).unwrap_err(),
                "Bad request: resharding is not in progress for collection c"
            );
        }
    }

    #[test]
    fn what_is_no_operation_is_refused() {
        let way = json!({"shard_id": 0, "from_peer_id": 1, "to_peer_id": 2});
        for wrong in [
            json!({}),
            json!([]),
            json!("move_shard"),
            json!({"move_shard": null}),
            json!({"move_shard": {}}),
            json!({"move_shard": way, "replicate_shard": way}),
            json!({"move_shard": {"shard_id": -1, "from_peer_id": 1, "to_peer_id": 2}}),
            json!({"move_shard": {"shard_id": 0, "from_peer_id": 1, "to_peer_id": 2, "x": 1}}),
            json!({"move_shard": {"shard_id": 0, "from_peer_id": 1, "to_peer_id": 2,
                "method": "by_mail"}}),
            json!({"drop_replica": {"shard_id": 0, "peer_id": 1, "min_other_active_replicas": 0}}),
            json!({"paint_shard": {}}),
        ] {
            let refused = asked(wrong.clone()).unwrap_err();
            assert!(refused.starts_with("Format error in JSON body"), "{wrong}: {refused}");
        }
    }
}
