//! What the state machines need of a key-value store, so that they run over RocksDB and
//! over memory alike.
//!
//! A store is five ordered maps of bytes. Writes come in atomic batches and are durable after
//! the next sync; a crash loses a suffix of the unsynced batches, never one from the middle.

#[cfg(test)]
mod tests;

use crate::error::Error;

/// One of the ordered maps. `keys.rs` says what their keys and values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Attributes: what a group keeps under a name.
    Attribute,
    /// Slots by point id.
    Point,
    /// Records by slot.
    Payload,
    /// Payload indexes.
    Index,
    /// Growing rows.
    Row,
}

impl Family {
    /// All families, in the order in which an export writes them.
    pub const ALL: [Self; 5] =
        [Self::Attribute, Self::Point, Self::Payload, Self::Index, Self::Row];
}

/// Sees a key and its value; says whether to go on.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<bool, Error> + 'a;

/// Takes a key and its value.
pub type Sink<'a> = dyn FnMut(Family, Vec<u8>, Vec<u8>) -> Result<(), Error> + 'a;

/// Gives keys, those of one family after those of another and each family's in order.
pub type Source<'a> = dyn FnMut(&mut Sink<'_>) -> Result<(), Error> + 'a;

/// Reads: of now, or of the moment a view was taken.
pub trait KvRead: Send + Sync {
    /// Value of a key.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Values of many keys, in the order asked for.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn multi_get(&self, family: Family, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Error>;

    /// Visits the keys from `from` on and below `to`, in order, as they stood when the scan
    /// began. `visit` may read and write the store.
    ///
    /// # Errors
    /// When the store cannot be read, or `visit` fails; it has seen a part of the keys then.
    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<(), Error>;
}

/// A store that state machines write to, one atomic batch for each entry of a log.
pub trait Kv: KvRead {
    /// Writes a batch: other readers see all of it or nothing.
    ///
    /// # Errors
    /// When the write fails; all of the batch may be there after a restart, or none.
    fn write(&self, batch: KvBatch) -> Result<(), Error>;

    /// Takes in many keys that are not there, however many they are; durable after the next sync.
    /// Not atomic: readers and a crash may find a part of them.
    ///
    /// # Errors
    /// When the write or `source` fails; a part of the keys may be there.
    fn load(&self, source: &mut Source<'_>) -> Result<(), Error> {
        load_in_batches(self, source)
    }

    /// Bytes that the keys from `from` on and below `to` take, about and where that is known.
    fn bytes(&self, _family: Family, _from: &[u8], _to: &[u8]) -> u64 {
        0
    }

    /// The store as it is now, whatever is written later.
    fn view(&self) -> Box<dyn KvRead + '_>;

    /// Makes everything written before durable.
    ///
    /// # Errors
    /// When the sync fails: nothing written since the last one may be counted on.
    fn sync(&self) -> Result<(), Error>;
}

/// Keys and values written at once by a load.
const LOAD_BATCH_BYTES_MAX: usize = 4 << 20;

/// A load for stores that have no better way: a group may not fit into memory.
fn load_in_batches<K: Kv + ?Sized>(kv: &K, source: &mut Source<'_>) -> Result<(), Error> {
    let mut batch = KvBatch::default();
    source(&mut |family, key, value| {
        batch.put(family, key, value);
        if batch.bytes() >= LOAD_BATCH_BYTES_MAX {
            kv.write(std::mem::take(&mut batch))?;
        }
        Ok(())
    })?;
    kv.write(batch)
}

/// Writes that happen together or not at all; of two on one key the later counts.
#[derive(Debug, Clone, Default)]
pub struct KvBatch {
    writes: Vec<KvWrite>,
    bytes: usize,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KvWrite {
    /// Sets a value.
    Put(Family, Vec<u8>, Vec<u8>),
    /// Removes a key, if it is there.
    Delete(Family, Vec<u8>),
    /// Removes the keys from the first on and below the second, which is not less.
    DeleteRange(Family, Vec<u8>, Vec<u8>),
}

impl KvBatch {
    /// Sets a value.
    pub fn put(&mut self, family: Family, key: Vec<u8>, value: Vec<u8>) {
        self.bytes += key.len() + value.len();
        self.writes.push(KvWrite::Put(family, key, value));
    }

    /// Removes a key, if it is there.
    pub fn delete(&mut self, family: Family, key: Vec<u8>) {
        self.bytes += key.len();
        self.writes.push(KvWrite::Delete(family, key));
    }

    /// Removes the keys from `from` on and below `to`.
    pub fn delete_range(&mut self, family: Family, from: Vec<u8>, to: Vec<u8>) {
        debug_assert!(from <= to, "a range ends behind its beginning");
        self.bytes += from.len() + to.len();
        self.writes.push(KvWrite::DeleteRange(family, from, to));
    }

    /// Bytes of its keys and values.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The writes, in order.
    pub fn into_writes(self) -> Vec<KvWrite> {
        self.writes
    }
}
