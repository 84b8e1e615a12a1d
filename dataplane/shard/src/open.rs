//! A shard from its files: nothing is rebuilt, everything is read once.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;
use vane_filter::PayloadIndex;
use vane_storage::{Error, SegmentFiles, ShardStore, segment_file};
use vane_types::{CollectionConfig, FieldType, JsonPath, LogIndex, Slot};

use crate::apply::{CONFIG, FIELD, NEXT_SLOT};
use crate::heads::Heads;
use crate::rows::{ALIVE, Growing, Loc};
use crate::sealed::{Deaths, Sealed, open_graph};
use crate::state::{Field, State, VectorState};

/// Stores a new shard's configuration.
pub(crate) fn create(store: &ShardStore, config: &CollectionConfig) -> Result<(), Error> {
    let mut batch = store.batch();
    batch.put_meta(CONFIG, &serde_json::to_vec(config).expect("a configuration is plain data"));
    batch.write()
}

/// Reads a shard.
pub(crate) fn open(store: &ShardStore, verify: bool) -> Result<State, Error> {
    let config = store.meta(CONFIG)?.ok_or_else(|| damaged(store, "it has no configuration"))?;
    let mut config: CollectionConfig =
        serde_json::from_slice(&config).map_err(|e| damaged(store, &format!("its configuration: {e}")))?;
    let next_slot = match store.meta(NEXT_SLOT)? {
        Some(bytes) => u32::from_be_bytes(bytes.try_into().map_err(|_| damaged(store, "its next slot"))?),
        None => 0,
    };
    let fields = open_fields(store)?;
    config.payload_schema = fields.iter().map(|(path, it)| (path.clone(), it.index.ty())).collect();
    let Points { live, heads, versions } = read_records(store, config.vectors.len())?;
    let mut keep = Vec::new();
    let mut vectors = Vec::new();
    for (ordinal, (name, params)) in config.vectors.iter().enumerate() {
        let mut vector = VectorState::new(name, *params);
        open_sealed(store, ordinal as u8, &mut vector, &versions[ordinal], verify)?;
        open_growing(store, ordinal as u8, &mut vector, &versions[ordinal])?;
        keep.extend(vector.sealed.iter().map(|it| it.dir.clone()));
        let present = versions[ordinal].iter().filter(|it| **it != 0).count();
        let found = vector.locs.iter().filter(|it| **it != Loc::NONE).count();
        if present != found {
            return Err(damaged(store, &format!("vector \"{name}\" should have {present} rows, {found} are there")));
        }
        vectors.push(vector);
    }
    let orphans = segment_file::remove_orphans(store.dir(), &keep)?;
    if orphans > 0 {
        tracing::info!(group = %store.group(), orphans, "removed segments of jobs that were cut short");
    }
    Ok(State { applied: store.applied()?, config, next_slot, live, heads, vectors, fields })
}

fn open_fields(store: &ShardStore) -> Result<BTreeMap<JsonPath, Field>, Error> {
    let mut fields = BTreeMap::new();
    for (name, value) in store.metas(FIELD)? {
        let number = name.strip_prefix(FIELD).and_then(|it| it.try_into().ok()).map(u16::from_be_bytes);
        let number = number.ok_or_else(|| damaged(store, "the number of a payload index"))?;
        let (path, field_type): (JsonPath, FieldType) =
            serde_json::from_slice(&value).map_err(|e| damaged(store, &format!("a payload index: {e}")))?;
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
        for (ordinal, version) in record.vectors {
            let of_vector: &mut Vec<LogIndex> =
                versions.get_mut(ordinal as usize).ok_or_else(|| damaged(store, "a point has an unknown vector"))?;
            if of_vector.len() <= slot as usize {
                of_vector.resize(slot as usize + 1, 0);
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
            let alive = lives(versions, *slot, *version);
            deaths.push(if alive { ALIVE } else { 0 });
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

fn open_growing(store: &ShardStore, ordinal: u8, vector: &mut VectorState, versions: &[LogIndex]) -> Result<(), Error> {
    let mut segments: Vec<Growing> = Vec::new();
    store.rows(ordinal, |segment, row, stored| {
        if segments.last().is_none_or(|it| it.id != segment) {
            segments.push(Growing::new(segment, vector.params.size));
        }
        let growing = segments.last_mut().expect("one was pushed if there was none");
        if row as usize != growing.rows() || stored.values.len() != vector.params.size {
            return Err(damaged(store, &format!("row {row} of growing segment {segment} does not fit")));
        }
        growing.push(stored.slot, stored.version, &stored.values);
        if lives(versions, stored.slot, stored.version) {
            vector.set_loc(stored.slot, Loc { segment, row });
        } else {
            growing.kill(row, 0);
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
    Error::Damaged { what: format!("shard {} in data.db", store.group()), detail: detail.to_owned() }
}
