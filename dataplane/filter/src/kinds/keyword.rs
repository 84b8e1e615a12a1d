//! Strings, matched whole: their bytes, cut where they are long.

use std::ops::Bound;

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::Kind;
use crate::filter::{Match, Scalar, Scalars};
use crate::payload_index::PayloadIndex;
use crate::resolve::Resolved;
use crate::stored_value::Stored;

/// Bytes of a keyword that stand in its key; of a longer one a hash follows.
const BYTES_MAX: usize = 256;

pub(super) struct Keyword;

impl Kind for Keyword {
    fn key(&self, value: &Value) -> Option<Vec<u8>> {
        value.as_str().map(key)
    }

    fn stored(&self, key: &[u8]) -> Stored {
        read(key)
    }

    fn matching(&self, matching: &Match, index: &PayloadIndex) -> Option<Resolved> {
        match matching {
            Match::Value(Scalar::String(text)) => Some(any_of([text], index)),
            Match::Any(Scalars::Strings(list)) => Some(any_of(list.iter(), index)),
            Match::Prefix(text) => Some(beginning_with(text, index)),
            // The index does not hold the values of other types that `except` passes.
            Match::Value(_) | Match::Any(_) | Match::Except(_) => None,
            // Texts are taken apart by text indexes only.
            Match::Text(_) | Match::TextAny(_) | Match::Phrase(_) => None,
            // All of its keys would be looked at, and the longest are cut.
            Match::Substring(_) => None,
        }
    }
}

/// Slots with one of the strings. Cut keywords are told apart by a hash alone, so that their
/// slots are still to be checked.
fn any_of<'a>(texts: impl IntoIterator<Item = &'a String>, index: &PayloadIndex) -> Resolved {
    let mut exact = true;
    let keys = texts.into_iter().map(|text| {
        exact &= !is_cut(text);
        key(text)
    });
    let slots = index.any_of(keys);
    Resolved { slots, exact }
}

/// Slots with a string that begins so. Of a beginning that is cut itself the rest is still to be
/// looked at.
fn beginning_with(text: &str, index: &PayloadIndex) -> Resolved {
    let from = kept(text);
    let mut end = from.clone();
    // What comes behind all that begin so: the last byte that can be raised is.
    while end.pop_if(|byte| *byte == u8::MAX).is_some() {}
    let to = match end.last_mut() {
        Some(byte) => {
            *byte += 1;
            Bound::Excluded(&end[..])
        }
        None => Bound::Unbounded,
    };
    Resolved { slots: index.between(Bound::Included(&from), to), exact: !is_cut(text) }
}

/// Whether two different keywords can have this one's key.
pub(super) fn is_cut(text: &str) -> bool {
    text.len() > BYTES_MAX
}

/// A zero byte becomes `00 FF`. Then `00 00` ends a whole keyword, `00 01` and the hash of
/// all its bytes one that was cut.
pub(super) fn key(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut key = kept(text);
    if is_cut(text) {
        key.extend([0, 1]);
        key.extend(xxh3_128(bytes).to_be_bytes());
    } else {
        key.extend([0, 0]);
    }
    key
}

/// What of a keyword stands in its key, with zero bytes as they are there.
fn kept(text: &str) -> Vec<u8> {
    // Cut anywhere, also within a character: keys are never turned back into text.
    let kept = &text.as_bytes()[..text.len().min(BYTES_MAX)];
    let mut key = Vec::with_capacity(kept.len() + 2);
    for &byte in kept {
        key.push(byte);
        if byte == 0 {
            key.push(0xff);
        }
    }
    key
}

/// The text of a key.
fn read(key: &[u8]) -> Stored {
    let mut bytes = Vec::with_capacity(key.len());
    let mut key = key.iter();
    while let Some(byte) = key.next() {
        match (byte, key.as_slice().first()) {
            (0, Some(0xff)) => drop(key.next()),
            (0, Some(0)) => break,
            (0, _) => return Stored::Cut,
            _ => {}
        }
        bytes.push(*byte);
    }
    String::from_utf8(bytes).map_or(Stored::Untold, Stored::Text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_order_as_strings(s in "[\0a]{0,4}", t in "[\0a]{0,4}") {
            prop_assert_eq!(key(&s).cmp(&key(&t)), s.cmp(&t));
            prop_assert!(s == t || !key(&s).starts_with(&key(&t)));
            prop_assert_eq!(read(&key(&s)), Stored::Text(s));
        }
    }

    #[test]
    fn long_keywords_have_short_keys_of_their_own() {
        let (a, b) = ("a".repeat(1000), "a".repeat(999) + "b");
        assert_ne!(key(&a), key(&b));
        assert_eq!(read(&key(&a)), Stored::Cut);
        let whole = "é".repeat(128);
        assert_eq!(read(&key(&whole)), Stored::Text(whole));
        assert_eq!(key(&a).len(), BYTES_MAX + 2 + 16);
        assert!(key(&"a".repeat(256)) < key(&a));
        // Cut inside a character.
        assert!(key(&("a".repeat(255) + "éé")).len() <= BYTES_MAX + 18);
    }
}
