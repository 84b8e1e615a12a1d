//! A shard from its files: nothing is rebuilt, everything is read once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use roaring::RoaringBitmap;
use vane_filter::PayloadIndex;
use vane_raft::Conf;
use vane_storage::records::VectorRecord;
use vane_storage::{Error, SegmentFiles, ShardStore, segment_file};
use vane_types::{
    CollectionConfig, FieldType, HnswConfig, JsonPath, LogIndex, OptimizerConfig, Payload, Slot,
};

use crate::apply::{CONF, CONFIG, DIGEST, FIELD, NEXT_SLOT, encode_conf};
use crate::heads::Heads;
use crate::requests::{self, Requests};
use crate::rows::{ALIVE, Growing, Loc};
use crate::sealed::{Deaths, Sealed, open_graph};
use crate::state::{Field, State, VectorState};

/// Stores what a shard begins with; what an earlier one of the group left goes.
pub(crate) fn create(
    store: &ShardStore,
    config: &CollectionConfig,
    applied: LogIndex,
    conf: &Conf,
) -> Result<(), Error> {
    store.destroy()?;
    let mut batch = store.batch();
    batch
        .put_attribute(CONFIG, &serde_json::to_vec(config).expect("a configuration is plain data"));
    batch.put_attribute(CONF, &encode_conf(conf));
    batch.put_applied(applied);
    batch.write()
}

/// Reads a shard. One that nothing was applied to is empty, whatever else lies there: an
/// installation that was cut short leaves points without an applied index.
pub(crate) fn open(store: &ShardStore, verify: bool) -> Result<State, Error> {
    let applied = store.applied()?;
    if applied == LogIndex::ZERO {
        return open_empty(store);
    }
    let mut config =
        read_config(store)?.ok_or_else(|| damaged(store, "it has no configuration"))?;
    let next_slot = match store.attribute(NEXT_SLOT)? {
        Some(bytes) => {
            u32::from_be_bytes(bytes.try_into().map_err(|_| damaged(store, "its next slot"))?)
        }
        None => 0,
    };
    let digest = match store.attribute(DIGEST)? {
        Some(bytes) => {
            u64::from_be_bytes(bytes.try_into().map_err(|_| damaged(store, "its digest"))?)
        }
        None => 0,
    };
    let fields = open_fields(store)?;
    config.payload_schema = fields.iter().map(|(path, it)| (path.clone(), it.index.ty())).collect();
    let Points { live, heads, versions } = read_records(store, config.vectors.len())?;
    let vectors = open_vectors(store, &config, &versions, verify)?;
    let keep: Vec<_> = vectors.iter().flat_map(|it| &it.sealed).map(|it| it.dir.clone()).collect();
    remove_orphans(store, &keep)?;
    let (conf, requests) = (read_conf(store)?, read_requests(store)?);
    Ok(State { applied, config, next_slot, digest, conf, requests, live, heads, vectors, fields })
}

fn open_empty(store: &ShardStore) -> Result<State, Error> {
    remove_orphans(store, &[])?;
    let nothing = CollectionConfig {
        vectors: BTreeMap::new(),
        hnsw: HnswConfig::default(),
        optimizer: OptimizerConfig::default(),
        payload_schema: BTreeMap::new(),
        metadata: Payload::new(),
    };
    let config = CollectionConfig {
        payload_schema: BTreeMap::new(),
        ..read_config(store)?.unwrap_or(nothing)
    };
    // A membership beside points is part of a snapshot that is not there in full.
    let cut_short = store.attribute(NEXT_SLOT)?.is_some();
    let conf = if cut_short { Conf::default() } else { read_conf(store)? };
    Ok(State { conf, ..State::empty(config) })
}

fn read_config(store: &ShardStore) -> Result<Option<CollectionConfig>, Error> {
    let config = store.attribute(CONFIG)?.map(|it| serde_json::from_slice(&it));
    config.transpose().map_err(|e| damaged(store, &format!("its configuration: {e}")))
}

fn open_vectors(
    store: &ShardStore,
    config: &CollectionConfig,
    versions: &[Vec<LogIndex>],
    verify: bool,
) -> Result<Vec<VectorState>, Error> {
    let mut vectors = Vec::with_capacity(config.vectors.len());
    for (ordinal, (name, params)) in config.vectors.iter().enumerate() {
        let mut vector = VectorState::new(name, *params);
        open_sealed(store, ordinal as u8, &mut vector, &versions[ordinal], verify)?;
        open_growing(store, ordinal as u8, &mut vector, &versions[ordinal])?;
        let present = versions[ordinal].iter().filter(|it| **it != LogIndex::ZERO).count();
        let found = vector.locs.iter().filter(|it| **it != Loc::NONE).count();
        if present != found {
            return Err(damaged(
                store,
                &format!("vector \"{name}\" should have {present} rows, {found} are there"),
            ));
        }
        vectors.push(vector);
    }
    Ok(vectors)
}

fn remove_orphans(store: &ShardStore, keep: &[PathBuf]) -> Result<(), Error> {
    let orphans = segment_file::remove_orphans(store.dir(), keep)?;
    if orphans > 0 {
        tracing::info!(group = %store.group(), orphans, "removed segments that the shard does not name");
    }
    Ok(())
}

fn read_conf(store: &ShardStore) -> Result<Conf, Error> {
    let Some(bytes) = store.attribute(CONF)? else { return Ok(Conf::default()) };
    serde_json::from_slice(&bytes).map_err(|e| damaged(store, &format!("its membership: {e}")))
}

fn read_requests(store: &ShardStore) -> Result<Requests, Error> {
    let mut requests = Requests::default();
    // In the order of their entries: the names are ordered as their indexes are.
    for (name, value) in store.attributes(requests::PREFIX)? {
        let read = requests.insert_stored(&name, &value);
        read.ok_or_else(|| damaged(store, "the outcome of a request"))?;
    }
    Ok(requests)
}

fn open_fields(store: &ShardStore) -> Result<BTreeMap<JsonPath, Field>, Error> {
    let mut fields = BTreeMap::new();
    for (name, value) in store.attributes(FIELD)? {
        let number =
            name.strip_prefix(FIELD).and_then(|it| it.try_into().ok()).map(u16::from_be_bytes);
        let number = number.ok_or_else(|| damaged(store, "the number of a payload index"))?;
        let (path, field_type): (JsonPath, FieldType) = serde_json::from_slice(&value)
            .map_err(|e| damaged(store, &format!("a payload index: {e}")))?;
        let mut index = PayloadIndex::new(field_type);
        store.index_entries(number, |key, slot| {
            index.insert(key, slot);
        })?;
        fields.insert(path, Field { number, index });
    }
    Ok(fields)
}

/// What the records say.
struct Points {
    live: RoaringBitmap,
    heads: Heads,
    /// By vector and slot the version of the point's vector; 0 for none.
    versions: Vec<Vec<LogIndex>>,
}

fn read_records(store: &ShardStore, vectors: usize) -> Result<Points, Error> {
    let (mut live, mut heads) = (RoaringBitmap::new(), Heads::default());
    let mut versions = vec![Vec::new(); vectors];
    store.records(|slot, record| {
        live.insert(slot);
        heads.set(slot, record.id, record.version);
        for VectorRecord { ordinal, version, .. } in record.vectors {
            let of_vector: &mut Vec<LogIndex> = versions
                .get_mut(ordinal as usize)
                .ok_or_else(|| damaged(store, "a point has an unknown vector"))?;
            if of_vector.len() <= slot as usize {
                of_vector.resize(slot as usize + 1, LogIndex::ZERO);
            }
            of_vector[slot as usize] = version;
        }
        Ok(())
    })?;
    Ok(Points { live, heads, versions })
}

/// A row lives if its point's record says so: it names the entry that set the vector.
fn lives(versions: &[LogIndex], slot: Slot, version: LogIndex) -> bool {
    versions.get(slot as usize) == Some(&version)
}

fn open_sealed(
    store: &ShardStore,
    ordinal: u8,
    vector: &mut VectorState,
    versions: &[LogIndex],
    verify: bool,
) -> Result<(), Error> {
    for manifest in store.manifests(ordinal)? {
        let dir = store.segment_dir(ordinal, manifest.segment);
        let files = Arc::new(SegmentFiles::open(&dir, &manifest, verify)?);
        let mut deaths = Vec::with_capacity(files.len());
        for (row, (slot, version)) in files.slots().iter().zip(files.versions()).enumerate() {
            let alive = lives(versions, *slot, LogIndex(*version));
            deaths.push(if alive { ALIVE } else { LogIndex::ZERO });
            if alive {
                vector.set_loc(*slot, Loc { segment: manifest.segment, row: row as u32 });
            }
        }
        let graph = open_graph(&dir, &manifest, &files, vector.params.distance, verify);
        vector.next_segment = vector.next_segment.max(manifest.segment + 1);
        let deaths = Arc::new(Deaths::new(deaths.into_iter()));
        vector.sealed.push(Arc::new(Sealed { manifest, dir, files, deaths, graph }));
    }
    Ok(())
}

fn open_growing(
    store: &ShardStore,
    ordinal: u8,
    vector: &mut VectorState,
    versions: &[LogIndex],
) -> Result<(), Error> {
    let mut segments: Vec<Growing> = Vec::new();
    store.rows(ordinal, |segment, row, stored| {
        if segments.last().is_none_or(|it| it.id != segment) {
            segments.push(Growing::new(segment, vector.params.size));
        }
        let growing = segments.last_mut().expect("one was pushed if there was none");
        if row as usize != growing.rows() || stored.values.len() != vector.params.size {
            return Err(damaged(
                store,
                &format!("row {row} of growing segment {segment} does not fit"),
            ));
        }
        growing.push(stored.slot, stored.version, &stored.values);
        if lives(versions, stored.slot, stored.version) {
            vector.set_loc(stored.slot, Loc { segment, row });
        } else {
            growing.kill(row, LogIndex::ZERO);
        }
        Ok(())
    })?;
    vector.next_segment = vector.next_segment.max(segments.last().map_or(0, |it| it.id + 1));
    // The last goes on growing; those before it were full.
    vector.growing = match segments.pop() {
        Some(last) => last,
        None => Growing::new(vector.take_segment_id(), vector.params.size),
    };
    vector.frozen = segments.into_iter().map(Arc::new).collect();
    Ok(())
}

fn damaged(store: &ShardStore, detail: &str) -> Error {
    Error::Damaged {
        what: format!("shard {} in data.db", store.group()),
        detail: detail.to_owned(),
    }
}
