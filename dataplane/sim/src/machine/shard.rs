//! The real shard, with its payload index, its segments in files, and its background jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use vane_shard::{
    Alone, BuildCores, Command, JobKind, Record, Scroll, Search, SearchParams, Shard,
    ShardSettings, SpareTime, Want, WantPayload, WantVectors,
};
use vane_storage::ShardStore;
use vane_types::command::RequestId;
use vane_types::{
    CollectionConfig, Hints, HnswConfig, OptimizerConfig, Payload, PointId, ShardRange, Vector,
};

use super::requests::{CLASS, among_tenants, class_filter, id_of, number_of, number_of_id, path};
use super::{AnyMachine, Machine, vectors};
use crate::random::Random;

/// More points than a run has.
pub(crate) const POINTS_MAX: usize = 10_000;
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

/// Until when a scan may go on.
pub(super) fn scan_deadline() -> Instant {
    Instant::now() + SCAN_MAX
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
            // Few, so that all kinds of writes come in between.
            fill_points: 4,
            build_cores: Arc::new(BuildCores::new(1)),
            build_bytes_max: 1 << 30,
            spare_time: Arc::new(SpareTime::default()),
            stirred: Arc::default(),
            may_have_few_bits: Arc::default(),
        }
    }
}

fn classes_are_tenants() -> Hints {
    let mut hints = Hints::default();
    let options = [("is_tenant".to_owned(), true.into())].into_iter().collect();
    hints.indexes.insert(path(CLASS), options);
    hints
}

/// The configuration of every collection.
pub(crate) fn collection_config(by_tenant: bool) -> CollectionConfig {
    let mut config = CollectionConfig {
        hnsw: HnswConfig {
            m: 4,
            ef_construct: 16,
            full_scan_threshold: 0,
            ..HnswConfig::default()
        },
        // Bytes of 64 rows: some hundred writes come to graphs, merges and vacuums.
        optimizer: OptimizerConfig {
            indexing_threshold: 1,
            vacuum_min_vector_number: 4,
            ..OptimizerConfig::default()
        },
        payload_schema: BTreeMap::new(),
        metadata: Payload::new(),
        // Rows of merged segments lie by class.
        hints: classes_are_tenants(),
        by_tenant,
        ..CollectionConfig::default()
    };
    vectors::put_into(&mut config);
    config
}

/// Opens what is there, and verifies it at once, which real nodes do beside requests; nothing where
/// its files are damaged. `range` is the shard's own where its
/// files do not say.
pub(crate) fn open_shard(
    store: ShardStore,
    rates: ShardRates,
    range: Option<ShardRange>,
) -> Result<Option<AnyMachine>, String> {
    let shard = Shard::open(store, rates.settings()).map_err(|error| error.to_string())?;
    if let Some(range) = range {
        shard.set_first_range(range).map_err(|error| error.to_string())?;
    }
    match shard.scrub(&mut |_| true) {
        Ok(_) => Ok(Some(Arc::new(shard) as AnyMachine)),
        Err(_) if shard.damaged().is_some() => Ok(None),
        Err(error) => Err(error.to_string()),
    }
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

/// Points that a search over all rows of a vector finds, each as often as it is found.
fn searched(shard: &Shard, using: &str, near: Vector) -> Result<Vec<PointId>, String> {
    let search = Search {
        using: using.to_owned(),
        sought: near.into(),
        filter: among_tenants(None, shard.config().by_tenant),
        params: SearchParams { exact: true, ..SearchParams::default() },
        score_threshold: None,
        limit: POINTS_MAX,
        exclude: Vec::new(),
        want: Want::default(),
    };
    let found = shard.search(&search, scan_deadline(), &Alone);
    let found = found.map_err(|error| error.to_string())?;
    let mut ids: Vec<PointId> = found.into_iter().map(|scored| scored.record.id).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// All points with their vectors.
fn records(shard: &Shard) -> Result<Vec<Record>, String> {
    let want = Want { vectors: WantVectors::All, ..Want::default() };
    let scroll = Scroll { limit: POINTS_MAX, want, ..Scroll::default() };
    let page = shard.scroll(&scroll, scan_deadline());
    Ok(page.map_err(|error| error.to_string())?.records)
}

/// Points that a search by this name is to find, as their records say.
fn with_vector(records: &[Record], name: &str) -> Vec<PointId> {
    let has_vector = |record: &&Record| {
        let vector = record.vectors.as_ref().and_then(|vectors| vectors.get(name));
        vector.is_some_and(vectors::is_found)
    };
    let mut ids: Vec<PointId> = records.iter().filter(has_vector).map(|each| each.id).collect();
    ids.sort_unstable();
    ids
}

/// Compares what searches find with what records have, for each of the vectors.
fn searches_find_what_is_there(shard: &Shard) -> Result<(), String> {
    let records = records(shard)?;
    let config = shard.config();
    for record in &records {
        let mut vectors = record.vectors.iter().flatten();
        if let Some((name, _)) = vectors.find(|(name, it)| !vectors::is_meant(&config, name, it)) {
            return Err(format!("what {:?} has as {name:?} was meant for another", record.id));
        }
    }
    for (name, near) in vectors::queries(&config) {
        let (searched, recorded) = (searched(shard, &name, near)?, with_vector(&records, &name));
        if searched != recorded {
            return Err(format!(
                "a search by {name:?} finds {searched:?}, vectors are of {recorded:?}"
            ));
        }
    }
    Ok(())
}

impl Machine for Shard {
    fn digest(&self) -> Result<u64, String> {
        Ok(Shard::digest(self).1)
    }

    fn scrub(&self) -> Result<u64, String> {
        searches_find_what_is_there(self)?;
        self.recompute_digest().map(|(_, digest)| digest).map_err(|error| error.to_string())
    }

    fn read(&self, point: u64) -> Result<Option<u64>, String> {
        let want = Want { payload: WantPayload::All, ..Want::default() };
        let found = self.retrieve(&[id_of(point, self.config().by_tenant)], &want);
        let found = found.map_err(|error| error.to_string())?;
        found.first().map(|record| number_of(record).map(|(_, number)| number)).transpose()
    }

    fn vectors(&self) -> Result<BTreeMap<u64, BTreeSet<String>>, String> {
        let of_record = |record: Record| -> Result<_, String> {
            let point = number_of_id(record.id);
            let point = point.ok_or_else(|| format!("point {} was never written", record.id))?;
            Ok((point, record.vectors.into_iter().flatten().map(|(name, _)| name).collect()))
        };
        records(self)?.into_iter().map(of_record).collect()
    }

    fn of_class(&self, class: u64) -> Result<Vec<u64>, String> {
        let found = self.matching_ids(&class_filter(class), scan_deadline());
        let point = |id| number_of_id(id).ok_or_else(|| format!("point {id} was never written"));
        let points = found.map_err(|error| error.to_string())?.into_iter().map(point);
        let mut points: Vec<u64> = points.collect::<Result<_, _>>()?;
        points.sort_unstable();
        Ok(points)
    }

    fn run_job(&self) -> Result<bool, String> {
        for kind in [JobKind::Seal, JobKind::Fill, JobKind::Build] {
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

    fn shard(self: Arc<Self>) -> Option<Arc<Shard>> {
        Some(self)
    }
}
