//! The real shard, with its growing rows in memory. Its background jobs do not run: the
//! layout of segments is local and no part of what replicas share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vane_raft::{Conf, INITIAL_INDEX};
use vane_shard::{
    Checked, Command, NewPoint, Selection, Shard as RealShard, ShardSettings, Want, WantPayload,
    check,
};
use vane_storage::ShardStore;
use vane_types::command::RequestId;
use vane_types::{
    CollectionConfig, Distance, HnswConfig, OptimizerConfig, Payload, PointId, VectorParams,
};

use super::{Kind, Machine, Write};

/// Dimensions of the points' vectors.
const SIZE: usize = 2;
/// Name of the value in a point's payload.
const VALUE: &str = "value";

const SETTINGS: ShardSettings = ShardSettings {
    growing_rows_max: 1 << 20,
    growing_bytes_max: 1 << 30,
    idle_after: Duration::from_secs(1 << 30),
};

/// The kind.
pub(crate) struct Shard;

fn config() -> CollectionConfig {
    let params = VectorParams { size: SIZE, distance: Distance::Euclid, hnsw: None, on_disk: None };
    CollectionConfig {
        vectors: BTreeMap::from([(String::new(), params)]),
        hnsw: HnswConfig::default(),
        optimizer: OptimizerConfig::default(),
        payload_schema: BTreeMap::new(),
        metadata: serde_json::Map::new(),
    }
}

/// The write as a request of a client.
fn request(write: Write) -> vane_shard::Write {
    let id = PointId::Num(write.point);
    match write.value {
        None => vane_shard::Write::Delete(Selection::Ids(vec![id])),
        Some(value) => {
            let vector = vec![value as f32, write.point as f32];
            let payload: Payload = [(VALUE.to_owned(), json!(value))].into_iter().collect();
            vane_shard::Write::Upsert(vec![NewPoint {
                id,
                vectors: [(String::new(), vector)].into(),
                payload,
            }])
        }
    }
}

impl Kind for Shard {
    fn create(&self, store: &ShardStore, first: Option<&Conf>) -> Result<(), String> {
        let nobody = Conf::default();
        let (applied, conf) = first.map_or((0, &nobody), |it| (INITIAL_INDEX, it));
        RealShard::create(store, &config(), applied, conf).map_err(|e| e.to_string())
    }

    fn open(&self, store: ShardStore) -> Result<Arc<dyn Machine>, String> {
        Ok(Arc::new(RealShard::open(store, SETTINGS, true).map_err(|e| e.to_string())?))
    }

    fn encode(&self, write: Write, id: Option<RequestId>) -> Vec<u8> {
        let commands = check(&config(), request(write))
            .and_then(|it: Checked| it.commands(1, |_| 0, Vec::new()));
        let (_, mut commands) =
            commands.expect("the write is valid").pop().expect("there is one shard");
        let command: Command = commands.pop().expect("a point makes a command");
        match id {
            Some(id) => command.with_request(id).encode_stored(),
            None => command.encode_stored(),
        }
    }

    fn request_of(&self, command: &[u8]) -> Option<RequestId> {
        Command::decode_stored(command).ok()?.1
    }

    fn without_request(&self, command: &[u8]) -> Vec<u8> {
        match Command::decode_stored(command) {
            Ok((change, _)) => Command::new(change).encode_stored(),
            Err(_) => command.to_vec(),
        }
    }
}

impl Machine for RealShard {
    fn digest(&self) -> Result<u64, String> {
        Ok(RealShard::digest(self).1)
    }

    fn scrub(&self) -> Result<u64, String> {
        self.recompute_digest().map(|(_, digest)| digest).map_err(|e| e.to_string())
    }

    fn read(&self, point: u64) -> Result<Option<u64>, String> {
        let want = Want { payload: WantPayload::All, ..Want::default() };
        let found = self.retrieve(&[PointId::Num(point)], &want).map_err(|e| e.to_string())?;
        let Some(record) = found.into_iter().next() else { return Ok(None) };
        let value = record
            .payload
            .as_ref()
            .and_then(|it| it.get(VALUE))
            .and_then(serde_json::Value::as_u64);
        value.map(Some).ok_or_else(|| format!("it has no value: {record:?}"))
    }
}
