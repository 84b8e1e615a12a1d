//! A shard from its files: nothing is rebuilt, everything is read once.

mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use vane_filter::{PayloadIndex, SlotSet, TenantIndex};
use vane_raft::Conf;
use vane_storage::records::VectorRecord;
use vane_storage::{Error, ShardStore, segment_file};
use vane_types::{
    CollectionConfig, FieldSchema, JsonPath, LogIndex, ShardRange, TenantId, VectorId, json,
};

use crate::shard::{Shard, ShardSettings};
use crate::state::State;
use crate::state::field::Field;
use crate::state::id_table::IdTable;
use crate::state::requests::{self, Requests};
use crate::state::sums::KeptSums;
use crate::state::totals::Totals;
use crate::stored::{
    CLOSED, CONF, CONFIG, DIGEST, FIELD, NEXT_SLOT, RANGE, closed_tenant, decode_slot, encode_conf,
    encode_range, filling_name,
};
use crate::{damage, quarantine};

impl Shard {
    /// Writes what a shard begins with: the index and the membership that the first replicas
    /// of its group share, or 0 and nobody for one that joins later and waits for a snapshot.
    /// What an earlier shard of the group left is removed. Durable after the store's next
    /// sync; if that does not come to pass, the store has no applied index and the caller
    /// does it again.
    ///
    /// # Errors
    /// [`crate::Error::Storage`]; what was there before may be gone in part.
    pub fn create(
        store: &ShardStore,
        config: &CollectionConfig,
        applied: LogIndex,
        conf: &Conf,
    ) -> Result<(), crate::Error> {
        store.destroy()?;
        let mut batch = store.batch();
        batch.put_attribute(
            CONFIG,
            &serde_json::to_vec(config).expect("a configuration is plain data"),
        );
        batch.put_attribute(CONF, &encode_conf(conf));
        batch.put_applied(applied);
        Ok(batch.write()?)
    }

    /// Opens a shard from its files, whose rows are not compared with their checksums: that is
    /// [`Shard::scrub`]'s, beside requests. One that was found to be damaged opens where it can
    /// be read all the same, and is out of use: see [`Shard::damaged`].
    ///
    /// # Errors
    /// [`crate::Error::Storage`] when the disk fails or something is damaged,
    /// [`crate::Error::Quarantined`] where this version could not read its log. Only files that
    /// the shard does not name may have been removed.
    pub fn open(store: ShardStore, settings: ShardSettings) -> Result<Self, crate::Error> {
        if let Some(mark) = quarantine::check(&store)? {
            return Err(crate::Error::Quarantined { group: store.group(), why: mark.text() });
        }
        let damage = damage::read(&store)?;
        if let Some(what) = &damage {
            tracing::error!(
                group = %store.group(), what, "a replica is damaged and answers nothing"
            );
        }
        let state = read(&store, false)?;
        let shard = Self::new(store, state, settings);
        if damage.is_some() {
            shard.settings.stirred.doubt(shard.store.group());
        }
        *shard.damaged.write() = damage;
        Ok(shard)
    }

    /// Tells the shard which hashes belong to it, by the catalog. Nothing happens where its
    /// files say it already: those are as of its own log, which the catalog may be ahead of.
    ///
    /// # Errors
    /// [`crate::Error::Storage`]; it has the range in its files or not, and can be told again.
    pub fn set_first_range(&self, range: ShardRange) -> Result<(), crate::Error> {
        let _only_writer = self.writer.lock();
        if self.state.read().own.is_some() {
            return Ok(());
        }
        put_range(&self.store, range)?;
        self.state.write().own = Some(range);
        Ok(())
    }
}

/// Reads a shard; `verify` compares every file with its checksum, as what was sent by another node
/// needs. One that nothing was applied to is empty, whatever else lies there: an
/// installation that was cut short leaves points without an applied index.
pub(crate) fn read(store: &ShardStore, verify: bool) -> Result<State, Error> {
    let applied = store.applied()?;
    if applied == LogIndex::ZERO {
        return read_empty(store);
    }
    let mut config =
        read_config(store)?.ok_or_else(|| damaged(store, "it has no configuration"))?;
    let next_slot = u32::from_be_bytes(read_number(store, NEXT_SLOT, "its next slot")?);
    let digest = u64::from_be_bytes(read_number(store, DIGEST, "its digest")?);
    let fields = read_fields(store)?;
    // Payload indexes are stored by themselves; the stored configuration lags behind them.
    let schema_of = |field: &Field| FieldSchema::clone(field.index.schema());
    config.payload_schema =
        fields.iter().map(|(path, field)| (JsonPath::clone(path), schema_of(field))).collect();
    // Records before rows: they say which of the rows live.
    let Points { live, ids, tenants, vectors, payload_bytes } = read_records(store, &config)?;
    let vectors = rows::open_vectors(store, &config, &vectors, verify)?;
    // What no vector names is left of a job that was cut short.
    let sealed = vectors.values().flat_map(|vector| &vector.sealed);
    let keep: Vec<_> = sealed.map(|segment| segment.dir.clone()).collect();
    remove_orphans(store, &keep)?;
    let (conf, own, requests) = (read_conf(store)?, read_range(store)?, read_requests(store)?);
    Ok(State {
        sums: KeptSums::default(),
        applied,
        config,
        totals: Totals { next_slot, digest, payload_bytes },
        conf,
        own,
        requests,
        live,
        live_changed: LogIndex::ZERO,
        ids,
        tenants,
        closed: read_closed(store)?,
        vectors,
        fields,
        known_filters: Arc::default(),
        dropped: Vec::new(),
        lost: Vec::new(),
    })
}

/// Removes no files: whether there ought to be nothing is for the log to say, which may hold that
/// entries were applied whose effects are gone. Whoever takes a snapshot clears the place.
fn read_empty(store: &ShardStore) -> Result<State, Error> {
    let stored = read_config(store)?.unwrap_or_default();
    let config = CollectionConfig { payload_schema: BTreeMap::new(), ..stored };
    // A membership beside points is part of a snapshot that is not there in full.
    let cut_short = store.attribute(NEXT_SLOT)?.is_some();
    let conf = if cut_short { Conf::default() } else { read_conf(store)? };
    Ok(State { conf, own: read_range(store)?, ..State::empty(config) })
}

fn read_config(store: &ShardStore) -> Result<Option<CollectionConfig>, Error> {
    let config = store.attribute(CONFIG)?.map(|bytes| json::read(&bytes));
    config.transpose().map_err(|e| damaged(store, &format!("its configuration: {e}")))
}

fn remove_orphans(store: &ShardStore, keep: &[PathBuf]) -> Result<(), Error> {
    let orphans = segment_file::remove_orphans(store.dir(), keep)?;
    if orphans > 0 {
        let group = store.group();
        tracing::info!(%group, orphans, "removed segments that the shard does not name");
    }
    Ok(())
}

/// The bytes of a number; zeros where it was never written.
fn read_number<const N: usize>(
    store: &ShardStore,
    name: &[u8],
    what: &str,
) -> Result<[u8; N], Error> {
    let bytes = store.attribute(name)?.unwrap_or_else(|| vec![0; N]);
    bytes.try_into().map_err(|_| damaged(store, what))
}

/// The members of a shard's group as a disk has them that no process uses.
///
/// # Errors
/// When the database fails or is damaged.
pub fn stored_conf(store: &ShardStore) -> Result<Conf, Error> {
    read_conf(store)
}

/// Puts other members in their place, durably: only a recovery may, of a group that has lost its
/// majority for good.
///
/// # Errors
/// When the database fails; the old members or the new ones are on disk.
pub fn force_conf(store: &ShardStore, conf: &Conf) -> Result<(), Error> {
    let mut batch = store.batch();
    batch.put_attribute(CONF, &encode_conf(conf));
    batch.write()?;
    store.sync()
}

fn read_conf(store: &ShardStore) -> Result<Conf, Error> {
    let Some(bytes) = store.attribute(CONF)? else { return Ok(Conf::default()) };
    serde_json::from_slice(&bytes).map_err(|e| damaged(store, &format!("its membership: {e}")))
}

/// Writes the range beside what else the shard keeps; durable after the store's next sync.
pub(crate) fn put_range(store: &ShardStore, range: ShardRange) -> Result<(), Error> {
    let mut batch = store.batch();
    batch.put_attribute(RANGE, &encode_range(range));
    batch.write()
}

/// The range that the shard was told; versions before the feature level wrote none.
fn read_range(store: &ShardStore) -> Result<Option<ShardRange>, Error> {
    let range = store.attribute(RANGE)?.map(|bytes| serde_json::from_slice(&bytes));
    range.transpose().map_err(|e| damaged(store, &format!("its key range: {e}")))
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

fn read_closed(store: &ShardStore) -> Result<BTreeSet<TenantId>, Error> {
    let names = store.attributes(CLOSED)?.into_iter().map(|(name, _)| closed_tenant(&name));
    names.collect::<Option<_>>().ok_or_else(|| damaged(store, "the number of a closed tenant"))
}

fn read_fields(store: &ShardStore) -> Result<BTreeMap<Arc<JsonPath>, Field>, Error> {
    let mut fields = BTreeMap::new();
    for (name, value) in store.attributes(FIELD)? {
        let number = name.strip_prefix(FIELD).and_then(|bytes| bytes.try_into().ok());
        let number = number
            .map(u16::from_be_bytes)
            .ok_or_else(|| damaged(store, "the number of a payload index"))?;
        let (path, schema): (JsonPath, FieldSchema) = serde_json::from_slice(&value)
            .map_err(|e| damaged(store, &format!("a payload index: {e}")))?;
        let mut index = PayloadIndex::new(schema);
        store.index_entries(number, |key, slot| {
            index.insert(key, slot);
        })?;
        // It goes on where it stopped.
        let next = match store.attribute(&filling_name(number))? {
            Some(slot) => {
                Some(decode_slot(&slot).ok_or_else(|| damaged(store, "how far an index is"))?)
            }
            None => None,
        };
        fields.insert(Arc::new(path), Field { number, index, changed: LogIndex::ZERO, next });
    }
    Ok(fields)
}

/// What the records of all points say together.
struct Points {
    live: SlotSet,
    ids: IdTable,
    tenants: TenantIndex,
    vectors: BTreeMap<VectorId, Written>,
    payload_bytes: u64,
}

/// What they say of one vector.
#[derive(Default)]
pub(crate) struct Written {
    /// By slot the version of the point's vector; 0 for none.
    versions: Vec<LogIndex>,
    /// The sum of its parts of the consistency hash.
    digest: u64,
}

fn read_records(store: &ShardStore, config: &CollectionConfig) -> Result<Points, Error> {
    let (mut live, mut ids) = (SlotSet::default(), IdTable::default());
    let mut tenants = TenantIndex::default();
    let mut payload_bytes = 0;
    let mut vectors: BTreeMap<VectorId, Written> =
        config.identified().map(|(id, ..)| (id, Written::default())).collect();
    store.records(|slot, record| {
        live.insert(slot);
        record.id.tenant.into_iter().for_each(|tenant| tenants.insert(tenant, slot));
        ids.set(slot, record.id, record.version);
        payload_bytes += record.payload.len() as u64;
        for VectorRecord { id, version, digest } in record.vectors {
            let Some(of_vector) = vectors.get_mut(&id) else {
                // The collection has lost it since the record was written.
                if id < config.next_id() {
                    continue;
                }
                return Err(damaged(store, "a point has an unknown vector"));
            };
            let Written { versions, digest: sum } = of_vector;
            if versions.len() <= slot as usize {
                versions.resize(slot as usize + 1, LogIndex::ZERO);
            }
            versions[slot as usize] = version;
            *sum = sum.wrapping_add(digest);
        }
        Ok(())
    })?;
    Ok(Points { live, ids, tenants, vectors, payload_bytes })
}

fn damaged(store: &ShardStore, detail: &str) -> Error {
    Error::Damaged {
        what: format!("shard {} in data.db", store.group()),
        detail: detail.to_owned(),
    }
}
