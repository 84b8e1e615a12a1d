//! The parts of a payload that some paths lead to, within the objects and arrays that hold them.

use serde_json::Value;
use vane_types::path::Step;
use vane_types::{JsonPath, Payload};

/// What is left of a payload. An object on the way keeps the members that a path goes on to, an
/// array the elements; a value at which a path would go on and cannot stays as it is. So Qdrant
/// has it, but for paths through one element of an array (`a[0].b`), which find none there.
pub(super) fn include(payload: &Payload, paths: &[JsonPath]) -> Payload {
    members(payload, |key| {
        paths.iter().filter(|path| path.root() == key).map(JsonPath::rest).collect()
    })
}

fn members<'a>(of: &Payload, onward: impl Fn(&str) -> Vec<&'a [Step]>) -> Payload {
    let narrowed = |(key, value): (&String, &Value)| {
        let rest = onward(key);
        (!rest.is_empty()).then(|| (key.clone(), narrowed(value, &rest)))
    };
    of.iter().filter_map(narrowed).collect()
}

/// A value by what is left of the paths to it, of which there is one at least.
fn narrowed(value: &Value, paths: &[&[Step]]) -> Value {
    // One ends here: all of it is wanted, whatever others ask for.
    if paths.iter().any(|path| path.is_empty()) {
        return value.clone();
    }
    match value {
        Value::Object(object) => Value::Object(members(object, |key| {
            onward(paths, |step| matches!(step, Step::Key(wanted) if wanted == key))
        })),
        Value::Array(elements) => {
            let element = |(place, element): (usize, &Value)| {
                let rest = onward(paths, |step| match step {
                    Step::Each => true,
                    Step::At(wanted) => *wanted == place,
                    Step::Key(_) => false,
                });
                (!rest.is_empty()).then(|| narrowed(element, &rest))
            };
            elements.iter().enumerate().filter_map(element).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// What is left of the paths whose next step is one of those.
fn onward<'a>(paths: &[&'a [Step]], is_next: impl Fn(&Step) -> bool) -> Vec<&'a [Step]> {
    let rest = |path: &&'a [Step]| {
        let (step, rest) = path.split_first()?;
        is_next(step).then_some(rest)
    };
    paths.iter().filter_map(rest).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn included(payload: &Value, paths: &[&str]) -> Value {
        let paths: Vec<JsonPath> = paths.iter().map(|path| path.parse().unwrap()).collect();
        include(payload.as_object().unwrap(), &paths).into()
    }

    #[test]
    fn the_way_to_each_part_is_kept() {
        let payload = json!({"a": {"b": 1, "c": 2}, "l": [{"x": 1, "y": 2}, {"y": 3}], "z": 3,
            "m": [[{"x": 1}, 5]]});
        for (paths, expected) in [
            (vec!["a.b", "nope"], json!({"a": {"b": 1}})),
            (vec!["a.b", "a"], json!({"a": {"b": 1, "c": 2}})),
            (vec!["a.b", "a.c"], json!({"a": {"b": 1, "c": 2}})),
            (vec!["l[].x"], json!({"l": [{"x": 1}, {}]})),
            (vec!["l[].x", "l[1].y"], json!({"l": [{"x": 1}, {"y": 3}]})),
            (vec!["l[0]"], json!({"l": [{"x": 1, "y": 2}]})),
            (vec!["l[]"], json!({"l": [{"x": 1, "y": 2}, {"y": 3}]})),
            (vec!["m[][].x"], json!({"m": [[{"x": 1}, 5]]})),
        ] {
            assert_eq!(included(&payload, &paths), expected, "{paths:?}");
        }
    }

    #[test]
    fn a_path_that_cannot_go_on_ends_where_it_is() {
        let payload = json!({"a": {"b": 1}, "l": [1, 2]});
        assert_eq!(included(&payload, &["a.nope"]), json!({"a": {}}));
        assert_eq!(included(&payload, &["a.b.c"]), json!({"a": {"b": 1}}));
        assert_eq!(included(&payload, &["l.x"]), json!({"l": []}));
        assert_eq!(included(&payload, &["l[].x"]), json!({"l": [1, 2]}));
    }
}
