//! Fields that requests looked for in the payloads of many points, as no payload index told where
//! they are. Noted where the payloads are read: a filter that indexes answer costs nothing here.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use vane_types::{FieldSchema, JsonPath};

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

/// A field, and the kinds of indexes that would answer for it.
type Field = (JsonPath, Vec<FieldSchema>);

/// What was noted of a shard since it was opened.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<BTreeMap<JsonPath, Unindexed>>);

impl Notes {
    /// A request read so many payloads for conditions on these fields, which indexes of these
    /// kinds would answer.
    pub(crate) fn add(&self, fields: impl IntoIterator<Item = Field>, payloads: u64) {
        let mut noted = self.0.lock();
        for (path, schemas) in fields {
            if let Some(known) = noted.get_mut(&path) {
                known.requests += 1;
                known.payloads += payloads;
                // The conditions of now may be of another kind.
                let others = schemas.into_iter().filter(|kind| !known.schemas.contains(kind));
                let others: Vec<FieldSchema> = others.collect();
                known.schemas.extend(others);
            } else if noted.len() < FIELDS_MAX {
                let since_ms = now_ms();
                noted.insert(path, Unindexed { schemas, requests: 1, payloads, since_ms });
            }
        }
    }

    /// Fields that were noted and have no index of the kind, as `has_index` says.
    pub(crate) fn still_missed(
        &self,
        has_index: impl Fn(&JsonPath, &[FieldSchema]) -> bool,
    ) -> BTreeMap<JsonPath, Unindexed> {
        let mut noted = self.0.lock();
        noted.retain(|path, noted| !has_index(path, &noted.schemas));
        noted.clone()
    }

    /// Forgets what was noted.
    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_noted_with_all_that_was_read_for_it() {
        let notes = Notes::default();
        let color = || ("color".parse().unwrap(), vec![FieldSchema::Keyword]);
        notes.add([color()], 10);
        notes.add([color()], 5);
        let noted = notes.still_missed(|_, _| false);
        let color = &noted[&"color".parse().unwrap()];
        assert_eq!((color.requests, color.payloads), (2, 15));
        assert_eq!(color.schemas, [FieldSchema::Keyword]);
        let is_keyword = |_: &JsonPath, kinds: &[FieldSchema]| kinds == [FieldSchema::Keyword];
        assert!(notes.still_missed(is_keyword).is_empty(), "it has its index");
    }

    #[test]
    fn no_more_fields_are_noted_than_may_be() {
        let notes = Notes::default();
        for n in 0..FIELDS_MAX + 9 {
            notes.add([(format!("f{n}").parse().unwrap(), vec![FieldSchema::Integer])], 1);
        }
        assert_eq!(notes.still_missed(|_, _| false).len(), FIELDS_MAX);
    }
}
