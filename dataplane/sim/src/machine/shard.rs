//! The real shard, with its payload index, its segments in files, and its background jobs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde_json::json;
use vane_filter::Filter;
use vane_shard::{
    Command, JobKind, NewPoint, Record, Scroll, Search, SearchParams, Selection, Shard,
    ShardSettings, Want, WantPayload, WantVectors, Write as ShardWrite, check,
};
use vane_storage::ShardStore;
use vane_types::command::RequestId;
use vane_types::{
    CollectionConfig, Distance, FieldType, HnswConfig, JsonPath, OptimizerConfig, Payload, PointId,
    VectorParams,
};

use super::{AnyMachine, Machine};
use crate::random::Random;
use crate::write::{Write, class_of};

/// Dimensions of the points' vectors.
const SIZE: usize = 2;
/// Name of a point's number in its payload.
const NUMBER: &str = "number";
/// Name of the number's class, which filters ask for.
const CLASS: &str = "class";
/// More points than a run has.
const POINTS_MAX: usize = 10_000;
/// Time for a scan, which takes microseconds: reached only by a machine that stands still.
const SCAN_MAX: Duration = Duration::from_secs(600);

/// How a seed's shards keep their rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShardRates {
    /// Rows after which a growing segment is set aside; so few that jobs have work.
    pub(crate) growing_rows_max: usize,
    /// Whether pauses of writes are seen. Time is not simulated in there: always or never.
    pub(crate) seals_tail: bool,
}

impl ShardRates {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let growing_rows_max =
            if random.chance(400_000) { 4 + random.below(60) as usize } else { 1 << 20 };
        Self { growing_rows_max, seals_tail: random.chance(300_000) }
    }

    fn settings(self) -> ShardSettings {
        let idle_after =
            if self.seals_tail { Duration::ZERO } else { Duration::from_secs(1 << 30) };
        ShardSettings {
            growing_rows_max: self.growing_rows_max,
            growing_bytes_max: 1 << 30,
            idle_after,
        }
    }
}

/// The configuration of every collection.
pub(crate) fn collection_config() -> CollectionConfig {
    let params = VectorParams { size: SIZE, distance: Distance::Euclid, hnsw: None, on_disk: None };
    CollectionConfig {
        vectors: BTreeMap::from([(String::new(), params)]),
        hnsw: HnswConfig { m: 4, ef_construct: 16, full_scan_threshold: 0 },
        // Bytes of 64 rows: some hundred writes come to graphs, merges and vacuums.
        optimizer: OptimizerConfig {
            indexing_threshold: 1,
            vacuum_min_vector_number: 4,
            ..OptimizerConfig::default()
        },
        payload_schema: BTreeMap::new(),
        metadata: Payload::new(),
    }
}

/// Opens what is there.
pub(crate) fn open_shard(store: ShardStore, rates: ShardRates) -> Result<AnyMachine, String> {
    let shard = Shard::open(store, rates.settings(), true).map_err(|error| error.to_string())?;
    Ok(Arc::new(shard))
}

fn selection(points: &[u64]) -> Selection {
    Selection::Ids(points.iter().copied().map(PointId::Num).collect())
}

fn payload_of(number: u64) -> Payload {
    let class = class_of(number);
    [(NUMBER.to_owned(), json!(number)), (CLASS.to_owned(), json!(class))].into_iter().collect()
}

fn class_filter(class: u64) -> Filter {
    let filter = json!({"must": [{"key": CLASS, "match": {"value": class}}]});
    Filter::parse(filter).expect("the filter is valid")
}

fn path(name: &str) -> JsonPath {
    name.parse().expect("a plain name is a path")
}

fn point(point: u64, number: u64) -> NewPoint {
    let vector = vec![number as f32, point as f32].into();
    let vectors = [(String::new(), vector)].into();
    NewPoint { id: PointId::Num(point), vectors, payload: payload_of(number) }
}

/// The write as a request of a client.
fn request(write: &Write) -> ShardWrite {
    match write {
        Write::Put(points) => {
            ShardWrite::Upsert(points.iter().map(|(id, number)| point(*id, *number)).collect())
        }
        Write::Remove(points) => ShardWrite::Delete(selection(points)),
        Write::RemoveClass(class) => ShardWrite::Delete(Selection::Filter(class_filter(*class))),
        Write::Merge(points, number) => ShardWrite::SetPayload {
            points: selection(points),
            payload: payload_of(*number),
            key: None,
        },
        Write::Replace(points, number) => {
            ShardWrite::OverwritePayload { points: selection(points), payload: payload_of(*number) }
        }
        Write::Erase(points) => ShardWrite::DeletePayload {
            points: selection(points),
            keys: vec![path(NUMBER), path(CLASS)],
        },
        Write::Clear(points) => ShardWrite::ClearPayload(selection(points)),
        Write::Turn(points) => {
            let turned = |id: &u64| (PointId::Num(*id), point(*id, *id).vectors);
            ShardWrite::UpdateVectors(points.iter().map(turned).collect())
        }
        Write::Strip(points) => {
            ShardWrite::DeleteVectors { points: selection(points), names: vec![String::new()] }
        }
        Write::MakeIndex => {
            ShardWrite::CreateIndex { field: path(CLASS), field_type: FieldType::Integer }
        }
        Write::DropIndex => ShardWrite::DropIndex { field: path(CLASS) },
    }
}

pub(super) fn encode(write: &Write, resolved: &[u64], id: RequestId) -> Vec<u8> {
    let checked = check(&collection_config(), request(write)).expect("the write is valid");
    let resolved = match checked.filter() {
        Some(_) => vec![resolved.iter().copied().map(PointId::Num).collect()],
        None => Vec::new(),
    };
    let by_shard = checked.commands(1, |_| 0, resolved).expect("the write is small");
    let command = by_shard.into_iter().flat_map(|(_, commands)| commands).next();
    let command: Command = command.expect("every write makes a command");
    command.with_request(id).encode_stored()
}

pub(super) fn request_of(command: &[u8]) -> Option<RequestId> {
    Command::decode_stored(command).ok()?.request
}

pub(super) fn without_request(command: &[u8]) -> Vec<u8> {
    match Command::decode_stored(command) {
        Ok(logged) => Command::new(logged.change).encode_stored(),
        Err(_) => command.to_vec(),
    }
}

/// Points that a search over all rows finds, each as often as it is found.
fn searched(shard: &Shard) -> Result<Vec<PointId>, String> {
    let search = Search {
        using: String::new(),
        vector: vec![0.0; SIZE].into(),
        filter: None,
        params: SearchParams { exact: true, ..SearchParams::default() },
        score_threshold: None,
        limit: POINTS_MAX,
        exclude: None,
        want: Want::default(),
    };
    let found = shard.search(&search, Instant::now() + SCAN_MAX);
    let found = found.map_err(|error| error.to_string())?;
    let mut ids: Vec<PointId> = found.into_iter().map(|scored| scored.record.id).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// Points that have a vector, as their records say.
fn with_vectors(shard: &Shard) -> Result<Vec<PointId>, String> {
    let want = Want { vectors: WantVectors::All, ..Want::default() };
    let scroll = Scroll { limit: POINTS_MAX, want, ..Scroll::default() };
    let page = shard.scroll(&scroll, Instant::now() + SCAN_MAX);
    let records = page.map_err(|error| error.to_string())?.records.into_iter();
    let has_vector = |record: &Record| record.vectors.as_ref().is_some_and(|it| !it.is_empty());
    let mut ids: Vec<PointId> = records.filter(has_vector).map(|record| record.id).collect();
    ids.sort_unstable();
    Ok(ids)
}

impl Machine for Shard {
    fn digest(&self) -> Result<u64, String> {
        Ok(Shard::digest(self).1)
    }

    fn scrub(&self) -> Result<u64, String> {
        let (searched, recorded) = (searched(self)?, with_vectors(self)?);
        if searched != recorded {
            return Err(format!("a search finds {searched:?}, vectors are of {recorded:?}"));
        }
        self.recompute_digest().map(|(_, digest)| digest).map_err(|error| error.to_string())
    }

    fn read(&self, point: u64) -> Result<Option<u64>, String> {
        let want = Want { payload: WantPayload::All, ..Want::default() };
        let found = self.retrieve(&[PointId::Num(point)], &want);
        let Some(record) = found.map_err(|error| error.to_string())?.into_iter().next() else {
            return Ok(None);
        };
        let payload = record.payload.unwrap_or_default();
        let number = payload.get(NUMBER).map_or(Some(0), serde_json::Value::as_u64);
        number.map(Some).ok_or_else(|| format!("it has no number: {payload:?}"))
    }

    fn of_class(&self, class: u64) -> Result<Vec<u64>, String> {
        let found = self.matching_ids(&class_filter(class), Instant::now() + SCAN_MAX);
        let number_of = |id| match id {
            PointId::Num(point) => Ok(point),
            other => Err(format!("point {other} was never written")),
        };
        let points = found.map_err(|error| error.to_string())?.into_iter().map(number_of);
        let mut points: Vec<u64> = points.collect::<Result<_, _>>()?;
        points.sort_unstable();
        Ok(points)
    }

    fn run_job(&self) -> Result<bool, String> {
        for kind in [JobKind::Seal, JobKind::Build] {
            let did = self.run_job(kind, &|_| true, &AtomicBool::new(false));
            if did.map_err(|error| error.to_string())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn close(&self) {
        Shard::close(self);
    }
}
