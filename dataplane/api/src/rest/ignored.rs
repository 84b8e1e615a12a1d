//! Fields of a read that this version does not know: they are passed over, as Qdrant does it, and
//! named, so that a misspelling can be seen. In what is written they are refused, but for one or
//! the other that clients are known to send.

use std::cell::RefCell;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_ignored::Path;

/// Fields that are named; the others are passed over without a word.
const NAMES_MAX: usize = 8;
/// Bytes of a name, with its place.
const NAME_BYTES_MAX: usize = 64;

thread_local! {
    // Shapes are read by serde, which hands nothing through from the outside.
    static PASSED_OVER: RefCell<Option<Ignored>> = const { RefCell::new(None) };
}

/// What was passed over, each with its place in the body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ignored(Vec<String>);

impl Ignored {
    /// Each with its place in the body, as `params.hnsw_eff`. Clients choose the letters.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    fn add(&mut self, name: String) {
        if self.0.len() < NAMES_MAX && !self.0.contains(&name) {
            self.0.push(name);
        }
    }
}

/// What `reading` comes to, and what it passed over.
pub(crate) fn noting<R>(reading: impl FnOnce() -> R) -> (R, Ignored) {
    /// Ends the notes, also by a panic.
    struct Notes;
    impl Drop for Notes {
        fn drop(&mut self) {
            PASSED_OVER.take();
        }
    }
    PASSED_OVER.set(Some(Ignored::default()));
    let _notes = Notes;
    let read = reading();
    (read, PASSED_OVER.take().unwrap_or_default())
}

/// Forgets what was noted: the body is read once more.
pub(super) fn begin_again() {
    PASSED_OVER.with_borrow_mut(|notes| notes.iter_mut().for_each(|notes| notes.0.clear()));
}

/// Reads a shape and notes what it does not know; `within` is the place of what is read.
pub(super) fn read<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    json: D,
    within: &str,
) -> Result<T, D::Error> {
    serde_ignored::deserialize(json, |path| note(within, &path))
}

/// Notes what was passed over at `path`, within the place of what is read.
pub(super) fn note(within: &str, path: &Path<'_>) {
    PASSED_OVER.with_borrow_mut(|notes| {
        if let Some(notes) = notes {
            let mut name = within.to_owned();
            add_place(&mut name, path);
            notes.add(name);
        }
    });
}

/// Reads a field that is known and changes nothing, and notes it by that name.
pub(super) fn pass_over<'de, D: Deserializer<'de>>(json: D, name: &str) -> Result<(), D::Error> {
    IgnoredAny::deserialize(json)?;
    PASSED_OVER.with_borrow_mut(|notes| {
        notes.iter_mut().for_each(|notes| notes.add(name.to_owned()));
    });
    Ok(())
}

/// Adds the place of a field. Paths are as deep as JSON is read, which is bounded.
fn add_place(name: &mut String, path: &Path<'_>) {
    let (parent, step) = match path {
        Path::Root => return,
        Path::Seq { parent, index } => (parent, format!("[{index}]")),
        Path::Map { parent, key } => (parent, key.clone()),
        // Not there in JSON.
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => return add_place(name, parent),
    };
    add_place(name, parent);
    if !name.is_empty() && !step.starts_with('[') {
        name.push('.');
    }
    let room = NAME_BYTES_MAX.saturating_sub(name.len());
    let mut bytes = 0;
    name.extend(step.chars().take_while(|character| {
        bytes += character.len_utf8();
        bytes <= room
    }));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::parse::{parse_read, parse_write};
    use super::super::query::QueryRequest;
    use super::super::read::ScrollRequest;
    use super::super::update::UpdateVectors;
    use super::*;
    use crate::engine::Write;

    fn names<T: serde::de::DeserializeOwned>(body: &Value) -> Vec<String> {
        let (_, ignored) = parse_read::<T>(body.to_string().as_bytes()).unwrap();
        ignored.names().to_vec()
    }

    #[test]
    fn fields_are_passed_over_and_named_at_every_level() {
        assert_eq!(names::<ScrollRequest>(&json!({"limit": 3})), Vec::<String>::new());
        let scroll = json!({"limt": 3, "order_by": {"key": "a", "directon": "desc"}});
        assert_eq!(names::<ScrollRequest>(&scroll), ["limt", "order_by.directon"]);
        let decay = json!({"exp_decay": {"x": 1, "midpont": 0.5}});
        for (body, expected) in [
            (
                json!({"query": [1, 2], "limt": 3, "params": {"hnsw_eff": 1}}),
                vec!["limt", "params.hnsw_eff"],
            ),
            (
                json!({"query": {"fusion": "rrf"},
                "prefetch": [{"query": 1}, {"query": {"nearest": 1, "mrm": {}}, "filtr": {}}]}),
                vec!["prefetch[1].filtr", "prefetch[1].query.mrm"],
            ),
            (
                json!({"query": {"recommend": {"positive": [1], "strateegy": "x"}}}),
                vec!["query.recommend.strateegy"],
            ),
            (
                json!({"query": {"indices": [1], "values": [2.5], "sparse": true}}),
                vec!["query.sparse"],
            ),
            (
                json!({"query": {"nearest": {"indices": [1], "values": [2.5], "sparse": true}}}),
                vec!["query.nearest.sparse"],
            ),
            (
                json!({"prefetch": {"query": 1}, "query": {"formula": {"sum": ["$score", decay]}}}),
                vec!["exp_decay.midpont"],
            ),
        ] {
            assert_eq!(names::<QueryRequest>(&body), expected, "{body}");
        }
    }

    #[test]
    fn the_payload_of_new_vectors_is_passed_over_and_no_other_field_is() {
        let read = |body: Value| parse_write::<UpdateVectors>(body.to_string().as_bytes());
        let body = json!({"points": [{"id": 1, "vector": [1], "payload": {"a": 1}},
            {"id": 2, "vector": [2], "payload": null}, {"id": 3, "vector": [3]}]});
        let (vectors, ignored) = read(body).unwrap();
        assert_eq!(ignored.names(), ["points[].payload"]);
        assert!(
            matches!(vectors.into_write().unwrap(), Write::UpdateVectors(all) if all.len() == 3)
        );
        let body = |point: Value| json!({ "points": [point] });
        let (_, ignored) = read(body(json!({"id": 1, "vector": [1]}))).unwrap();
        assert_eq!(ignored, Ignored::default());
        assert!(read(body(json!({"id": 1, "vector": [1], "payloads": {}}))).is_err());
        assert!(read(json!({"points": [], "payload": {}})).is_err());
    }

    #[test]
    fn a_body_that_is_read_twice_is_noted_once() {
        // The list is taken out of the text, nobody asks for it, and the body is read again.
        let list: Vec<f32> = (0..200).map(|i| i as f32 + 0.5).collect();
        let body = json!({"x": {"vector": list}, "y": 1, "query": list});
        assert_eq!(names::<QueryRequest>(&body), ["x", "y"]);
    }

    #[test]
    fn few_and_short_names_are_kept() {
        let many: serde_json::Map<String, Value> =
            (0..100).map(|i| (format!("{i:03}é{}", "é".repeat(500)), json!(1))).collect();
        let named = names::<ScrollRequest>(&many.into());
        assert_eq!(named.len(), NAMES_MAX);
        assert!(named.iter().all(|name| name.len() <= NAME_BYTES_MAX), "{named:?}");
    }
}
