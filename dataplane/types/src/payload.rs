//! JSON payloads and the ways a request changes them.

use serde_json::{Map, Value};

use crate::json;
use crate::path::{JsonPath, Step};

/// The JSON object of a point.
pub type Payload = Map<String, Value>;

/// Stored form: JSON, and no bytes at all for a payload without members.
pub fn encode(payload: &Payload) -> Vec<u8> {
    if payload.is_empty() {
        return Vec::new();
    }
    serde_json::to_vec(payload).expect("a JSON object can always be written")
}

/// Reads [`encode`].
///
/// # Errors
/// The bytes are not a JSON object.
pub fn decode(bytes: &[u8]) -> Result<Payload, serde_json::Error> {
    if bytes.is_empty() {
        return Ok(Payload::new());
    }
    json::read(bytes)
}

/// About the length of [`encode`], without making it.
pub fn bytes(payload: &Payload) -> usize {
    // Quotes, colon and comma of each member.
    payload.iter().map(|(key, value)| key.len() + 4 + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(elements) => elements.iter().map(|element| value_bytes(element) + 1).sum(),
        Value::Object(object) => bytes(object),
    }
}

/// Merges `patch` into `payload`: its members replace those of the same name, and `null`
/// removes one.
pub fn merge(payload: &mut Payload, patch: &Payload) {
    for (key, value) in patch {
        if value.is_null() {
            payload.remove(key);
        } else {
            payload.insert(key.clone(), value.clone());
        }
    }
}

/// What becomes of a value that a path enters as an array and that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoArray {
    /// An array without elements takes its place.
    Replaced,
    /// It stays, and null stands where nothing was. Only for commands of members that know
    /// nothing else.
    Kept,
}

/// Merges `patch` into the object at `path`. Missing members become objects on the way, or
/// arrays without elements where the path goes on by `[]` or `[i]`; arrays are entered only by
/// these, and what is no object, or no array, there is replaced.
pub fn merge_at(payload: &mut Payload, path: &JsonPath, patch: &Payload, no_array: NoArray) {
    // Null until the next step says what it has to be.
    let target = payload.entry(path.root()).or_insert(Value::Null);
    merge_below(target, path.rest(), patch, no_array);
}

fn merge_below(target: &mut Value, steps: &[Step], patch: &Payload, no_array: NoArray) {
    let enters_array = matches!(steps.first(), Some(Step::Each | Step::At(_)));
    if enters_array && !target.is_array() && no_array == NoArray::Replaced {
        *target = Value::Array(Vec::new());
    }
    match steps.split_first() {
        None => {
            if let Value::Object(object) = target {
                merge(object, patch);
            } else {
                // By way of a merge: nulls in the patch remove here too, rather than being stored.
                let mut object = Payload::new();
                merge(&mut object, patch);
                *target = Value::Object(object);
            }
        }
        Some((Step::Key(key), rest)) => {
            if !target.is_object() {
                *target = Value::Object(Payload::new());
            }
            if let Value::Object(object) = target {
                merge_below(object.entry(key).or_insert(Value::Null), rest, patch, no_array);
            }
        }
        Some((Step::Each, rest)) => {
            if let Value::Array(array) = target {
                array.iter_mut().for_each(|element| merge_below(element, rest, patch, no_array));
            }
        }
        Some((Step::At(i), rest)) => {
            if let Some(element) = target.as_array_mut().and_then(|array| array.get_mut(*i)) {
                merge_below(element, rest, patch, no_array);
            }
        }
    }
}

/// How often [`merge_at`] would merge its patch: more than once where the path enters arrays.
pub fn places(payload: &Payload, path: &JsonPath) -> usize {
    places_below(payload.get(path.root()), path.rest())
}

fn places_below(target: Option<&Value>, steps: &[Step]) -> usize {
    let Some((step, rest)) = steps.split_first() else { return 1 };
    match (step, target) {
        // Made on the way where it is missing.
        (Step::Key(key), target) => places_below(target.and_then(|it| it.get(key)), rest),
        (Step::Each, Some(Value::Array(array))) => {
            array.iter().map(|element| places_below(Some(element), rest)).sum()
        }
        (Step::At(i), Some(Value::Array(array))) => {
            array.get(*i).map_or(0, |element| places_below(Some(element), rest))
        }
        (Step::Each | Step::At(_), _) => 0,
    }
}

/// Removes what the path leads to; nothing happens when it leads nowhere.
pub fn remove(payload: &mut Payload, path: &JsonPath) {
    match path.rest().split_first() {
        None => {
            payload.remove(path.root());
        }
        Some((step, rest)) => {
            if let Some(value) = payload.get_mut(path.root()) {
                remove_below(value, step, rest);
            }
        }
    }
}

fn remove_below(value: &mut Value, step: &Step, rest: &[Step]) {
    match (step, rest.split_first(), value) {
        (Step::Key(key), None, Value::Object(object)) => {
            object.remove(key);
        }
        (Step::Key(key), Some((next, rest)), Value::Object(object)) => {
            if let Some(inner) = object.get_mut(key) {
                remove_below(inner, next, rest);
            }
        }
        // `a[]` names what is in the array: the array itself stays.
        (Step::Each, None, Value::Array(array)) => array.clear(),
        (Step::Each, Some((next, rest)), Value::Array(array)) => {
            array.iter_mut().for_each(|element| remove_below(element, next, rest));
        }
        // `Vec::remove` panics behind the end.
        (Step::At(i), None, Value::Array(array)) if *i < array.len() => {
            array.remove(*i);
        }
        (Step::At(i), Some((next, rest)), Value::Array(array)) => {
            if let Some(element) = array.get_mut(*i) {
                remove_below(element, next, rest);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Payload {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn merge_replaces_members_and_null_removes() {
        let mut payload = object(json!({"a": 1, "b": {"x": 1}, "c": 3}));
        merge(&mut payload, &object(json!({"b": {"y": 2}, "c": null, "d": 4})));
        assert_eq!(Value::Object(payload), json!({"a": 1, "b": {"y": 2}, "d": 4}));
    }

    #[test]
    fn bytes_are_about_those_of_the_text() {
        let payload = object(json!({"a": [1.5, 22, null], "b": {"c": "long enough"}, "d": true}));
        let (estimate, text) = (bytes(&payload), encode(&payload).len());
        assert!(estimate.abs_diff(text) < text / 2, "{estimate} {text}");
    }

    #[test]
    fn merge_at_makes_the_way_and_enters_arrays_only_when_told() {
        let mut payload = object(json!({"l": [{"x": 1}, {"x": 2}]}));
        for (path, patch) in [("l[].in", json!({"y": 1})), ("new.way", json!({"z": 2}))] {
            let path = path.parse().unwrap();
            merge_at(&mut payload, &path, &object(patch), NoArray::Replaced);
        }
        assert_eq!(
            Value::Object(payload),
            json!({
                "l": [{"x": 1, "in": {"y": 1}}, {"x": 2, "in": {"y": 1}}],
                "new": {"way": {"z": 2}}
            })
        );
    }

    #[test]
    fn what_is_entered_as_an_array_and_is_none_becomes_one_without_elements() {
        for (there, path, expected) in [
            (json!({}), "o[]", json!([])),
            (json!({}), "o[].c[].d", json!([])),
            (json!({}), "o[3]", json!([])),
            (json!({}), "o.r[0].t", json!({"r": []})),
            (json!({"o": null}), "o[]", json!([])),
            (json!({"o": {"x": 1}}), "o[0].x", json!([])),
            (json!({"o": "text"}), "o.r[]", json!({"r": []})),
            (json!({"o": [{"x": 1}, 5]}), "o[].c[]", json!([{"x": 1, "c": []}, {"c": []}])),
            (json!({"o": [1, [2]]}), "o[][]", json!([[], [{"y": 1}]])),
            (json!({"o": [1]}), "o[1]", json!([1])),
        ] {
            let mut payload = object(there);
            merge_at(
                &mut payload,
                &path.parse().unwrap(),
                &object(json!({"y": 1})),
                NoArray::Replaced,
            );
            assert_eq!(payload["o"], expected, "{path}");
        }
        // As members of an older level have it.
        let mut payload = object(json!({"o": {"x": 1}}));
        for path in ["o[]", "new[0]"] {
            let path = path.parse().unwrap();
            merge_at(&mut payload, &path, &object(json!({"y": 1})), NoArray::Kept);
        }
        assert_eq!(Value::Object(payload), json!({"o": {"x": 1}, "new": null}));
    }

    #[test]
    fn places_are_where_a_patch_goes() {
        let payload = object(json!({"l": [{"x": [1, 2]}, 3, {"x": 4}], "n": 1}));
        for (path, places) in [
            ("l[].y", 3),
            ("l[].x[]", 2),
            ("l[1].z", 1),
            ("l[9].z", 0),
            ("l.z", 1),
            ("n[]", 0),
            ("n.m", 1),
            ("new.way", 1),
            ("new[].way", 0),
        ] {
            let path: JsonPath = path.parse().unwrap();
            let mut merged = payload.clone();
            merge_at(&mut merged, &path, &object(json!({"mark": 1})), NoArray::Replaced);
            let json = serde_json::to_string(&merged).unwrap();
            assert_eq!(super::places(&payload, &path), places, "{path}");
            assert_eq!(json.matches("mark").count(), places, "{path}: {json}");
        }
    }

    #[test]
    fn remove_follows_the_path() {
        let mut payload = object(json!({"a": {"b": 1, "c": 2}, "l": [{"x": 1, "y": 2}], "k": 1}));
        for path in ["a.b", "l[].x", "k", "no.such"] {
            remove(&mut payload, &path.parse().unwrap());
        }
        assert_eq!(Value::Object(payload), json!({"a": {"c": 2}, "l": [{"y": 2}]}));
    }
}
