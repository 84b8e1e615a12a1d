//! Fields that requests looked for in the payloads of many points, as no payload index told where
//! they are. Noted where the payloads are read: a filter that indexes answer costs nothing here.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, RwLock};
use vane_filter::{Filter, unindexed};
use vane_types::{FieldSchema, JsonPath};

use crate::shard::Shard;
use crate::state::State;

/// Payloads that one request reads for its filter from which on its fields are noted: some tens of
/// milliseconds' worth.
const PAYLOADS_MIN: u64 = 10_000;
/// Fields that are noted; further ones are not.
const FIELDS_MAX: usize = 32;

/// A field without the index that its conditions ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Unindexed {
    /// What it could be declared as.
    pub schemas: Vec<FieldSchema>,
    /// Requests that read so many payloads since it was noted.
    pub requests: u64,
    /// Payloads that they read.
    pub payloads: u64,
    /// When it was noted, in milliseconds since 1970.
    pub since_ms: u64,
}

/// What was noted of a shard since it was opened.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<BTreeMap<JsonPath, Unindexed>>);

/// Where it is noted what a request missed.
#[derive(Clone, Copy)]
pub(crate) struct Missed<'a> {
    pub(crate) notes: &'a Notes,
    /// Of the shard. Nobody who notes something holds it.
    pub(crate) state: &'a RwLock<State>,
}

impl Missed<'_> {
    /// A request read so many payloads for its filter.
    pub(crate) fn note(self, filter: &Filter, payloads: u64) {
        if payloads < PAYLOADS_MIN {
            return;
        }
        let fields = {
            let state = self.state.read();
            unindexed(filter, |path| state.fields.get(path).map(|field| &**field.index.schema()))
        };
        let mut noted = self.notes.0.lock();
        for (path, schemas) in fields {
            if let Some(known) = noted.get_mut(&path) {
                known.requests += 1;
                known.payloads += payloads;
                // The conditions of now may be of another kind.
                let others = schemas.into_iter().filter(|kind| !known.schemas.contains(kind));
                let others: Vec<FieldSchema> = others.collect();
                known.schemas.extend(others);
            } else if noted.len() < FIELDS_MAX {
                noted
                    .insert(path, Unindexed { schemas, requests: 1, payloads, since_ms: now_ms() });
            }
        }
    }
}

impl Shard {
    /// Fields that were noted and still have no index of the kind.
    pub fn unindexed(&self) -> BTreeMap<JsonPath, Unindexed> {
        let state = self.state.read();
        let mut noted = self.unindexed.0.lock();
        noted.retain(|path, noted| {
            let field = state.fields.get(path);
            let is_there = field.is_some_and(|field| noted.schemas.contains(field.index.schema()));
            !is_there
        });
        noted.clone()
    }

    /// Forgets what was noted.
    pub fn forget_unindexed(&self) {
        self.unindexed.0.lock().clear();
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_noted_once_many_payloads_were_read_for_it() {
        let (notes, state) = (Notes::default(), RwLock::new(State::default()));
        let missed = Missed { notes: &notes, state: &state };
        let red = json!({"must": [{"key": "color", "match": {"value": "red"}}]});
        let red = Filter::parse(red).unwrap();
        missed.note(&red, PAYLOADS_MIN - 1);
        assert!(notes.0.lock().is_empty());
        missed.note(&red, PAYLOADS_MIN);
        missed.note(&red, PAYLOADS_MIN + 5);
        let noted = notes.0.lock();
        let color = &noted[&"color".parse().unwrap()];
        assert_eq!((color.requests, color.payloads), (2, 2 * PAYLOADS_MIN + 5));
        assert_eq!(color.schemas, [FieldSchema::Keyword]);
    }

    #[test]
    fn no_more_fields_are_noted_than_may_be() {
        let (notes, state) = (Notes::default(), RwLock::new(State::default()));
        let missed = Missed { notes: &notes, state: &state };
        for n in 0..FIELDS_MAX + 9 {
            let filter = json!({"must": [{"key": format!("f{n}"), "match": {"value": n}}]});
            missed.note(&Filter::parse(filter).unwrap(), PAYLOADS_MIN);
        }
        assert_eq!(notes.0.lock().len(), FIELDS_MAX);
    }
}
