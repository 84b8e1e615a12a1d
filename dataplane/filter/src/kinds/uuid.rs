//! Strings that are UUIDs: their 16 bytes, the same for all spellings of one.

use serde_json::Value;

use super::Kind;
use crate::filter::{Match, Scalar, Scalars};
use crate::payload_index::PayloadIndex;
use crate::resolve::Resolved;
use crate::stored_value::Stored;

pub(super) struct Uuid;

impl Kind for Uuid {
    fn key(&self, value: &Value) -> Option<Vec<u8>> {
        key(value.as_str()?)
    }

    fn stored(&self, key: &[u8]) -> Stored {
        let uuid = ::uuid::Uuid::from_slice(key);
        uuid.map_or(Stored::Untold, |uuid| Stored::Text(uuid.to_string()))
    }

    fn matching(&self, matching: &Match, index: &PayloadIndex) -> Option<Resolved> {
        match matching {
            Match::Value(Scalar::String(text)) => any_of([text], index),
            Match::Any(Scalars::Strings(list)) => any_of(list.iter(), index),
            Match::Value(_)
            | Match::Any(_)
            | Match::Except(_)
            | Match::Text(_)
            | Match::TextAny(_)
            | Match::Phrase(_)
            | Match::Prefix(_)
            | Match::Substring(_) => None,
        }
    }
}

/// Slots with one of the UUIDs; nothing is known where one of the strings is none. `match`
/// compares text while the index holds all spellings of one UUID together, so that each slot
/// is still to be checked.
fn any_of<'a>(
    texts: impl IntoIterator<Item = &'a String>,
    index: &PayloadIndex,
) -> Option<Resolved> {
    let keys: Vec<Vec<u8>> = texts.into_iter().map(|text| key(text)).collect::<Option<_>>()?;
    Some(Resolved { slots: index.any_of(keys), exact: false })
}

fn key(text: &str) -> Option<Vec<u8>> {
    ::uuid::Uuid::parse_str(text).ok().map(|uuid| uuid.into_bytes().to_vec())
}
