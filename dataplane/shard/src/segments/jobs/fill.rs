//! Fills payload indexes that were made while points were there, a slice at a time.
//!
//! The keys of a slice are found in a view, without any lock. Under the lock of writers they are
//! put in for those points that were not written since; the others' writers have put theirs in.

use std::sync::Arc;

use vane_types::{FieldSchema, JsonPath, LogIndex, Slot};

use crate::error::Error;
use crate::shard::Shard;
use crate::stored::{decode_payload, encode_slot, filling_name};

/// Bytes of payloads after which a slice ends.
const SLICE_BYTES: usize = 1 << 20;

/// A payload index that lacks points.
struct Filling {
    path: Arc<JsonPath>,
    number: u16,
    schema: Arc<FieldSchema>,
    /// The least slot that it may lack.
    from: Slot,
}

/// What the points of a slice have in the field.
struct Slice {
    /// Index of the last entry that is seen in it.
    at: LogIndex,
    keys: Vec<(Slot, Vec<Vec<u8>>)>,
    /// Where the next slice begins; `None` behind the last.
    next: Option<Slot>,
}

impl Shard {
    /// Puts the next slice of points into a payload index that lacks some; says whether one
    /// was due.
    ///
    /// # Errors
    /// Of the disk; the index is as it was, and still being filled.
    pub(crate) fn fill_index(&self) -> Result<bool, Error> {
        self.let_dropped_go();
        let Some(filling) = self.next_filling() else { return Ok(false) };
        let slice = self.read_slice(&filling)?;
        self.put_slice(&filling, &slice)?;
        Ok(true)
    }

    /// Whether a payload index lacks points.
    pub(crate) fn is_filling(&self) -> bool {
        self.state.read().fields.values().any(|field| !field.is_whole())
    }

    /// Indexes of millions of values take long to let go: nobody waits for it here.
    fn let_dropped_go(&self) {
        if !self.state.read().dropped.is_empty() {
            let dropped = std::mem::take(&mut self.state.write().dropped);
            drop(dropped);
        }
    }

    fn next_filling(&self) -> Option<Filling> {
        let state = self.state.read();
        state.fields.iter().find_map(|(path, field)| {
            let schema = Arc::clone(field.index.schema());
            let (path, number) = (Arc::clone(path), field.number);
            Some(Filling { path, number, schema, from: field.next? })
        })
    }

    fn read_slice(&self, filling: &Filling) -> Result<Slice, Error> {
        let view = self.view(None)?;
        let (mut keys, mut bytes, mut next) = (Vec::new(), 0, None);
        view.snapshot.records_from(filling.from, |slot, record| {
            if keys.len() == self.settings.fill_points || bytes >= SLICE_BYTES {
                next = Some(slot);
                return Ok(false);
            }
            bytes += record.payload.len();
            let payload = decode_payload(&record.payload)?;
            keys.push((slot, vane_filter::index_keys(&filling.path, &filling.schema, &payload)));
            Ok(true)
        })?;
        Ok(Slice { at: view.at, keys, next })
    }

    fn put_slice(&self, filling: &Filling, slice: &Slice) -> Result<(), Error> {
        let Filling { path, number, from, .. } = filling;
        let only_writer = self.writer.lock();
        if self.is_out_of_use() {
            return Err(Error::Cancelled);
        }
        let mut batch = self.store.batch();
        let unchanged: Vec<&(Slot, Vec<Vec<u8>>)> = {
            let state = self.state.read();
            let is_same = |number: u16, next| number == filling.number && next == Some(*from);
            let known = state.fields.get(path);
            // Dropped meanwhile, perhaps made anew: its next slice is another one.
            if !known.is_some_and(|field| is_same(field.number, field.next)) {
                return Ok(());
            }
            let is_unchanged =
                |slot| state.live.contains(slot) && state.ids.at(slot, slice.at).is_some();
            slice.keys.iter().filter(|(slot, _)| is_unchanged(*slot)).collect()
        };
        for (slot, keys) in &unchanged {
            keys.iter().for_each(|key| batch.put_index(*number, key, *slot));
        }
        match slice.next {
            Some(next) => batch.put_attribute(&filling_name(*number), &encode_slot(next)),
            None => batch.delete_attribute(&filling_name(*number)),
        }
        // Before memory, and outside the readers' lock: no reader looks at these keys on disk.
        batch.write()?;
        let mut state = self.state.write();
        if let Some(field) = state.fields.get_mut(path) {
            for (slot, keys) in unchanged {
                keys.iter().for_each(|key| field.index.insert(key, *slot));
            }
            field.next = slice.next;
        }
        drop(state);
        // To a writer that waits, and not back to this thread, which is there again at once.
        parking_lot::MutexGuard::unlock_fair(only_writer);
        Ok(())
    }
}
