use std::fmt::Debug;

use serde::de::DeserializeOwned;

use super::super::query::{QueryBatch, QueryRequest};
use super::super::update::{Operations, UpdateVectors, Upsert};
use super::{FIRST_MARK, read, take_out, taken};

/// Numbers enough to be taken out, which begin with `first`.
fn list(first: i32) -> String {
    let numbers: Vec<String> = (first..first + 20).map(|n| format!("{n}.5")).collect();
    format!("[{}]", numbers.join(", "))
}

/// A template with a list for each `L`, long enough for a look.
fn body(template: &str) -> String {
    let mut first = 0;
    let lists = template.split('L').map(|part| {
        first += 100;
        format!("{part}{}", list(first))
    });
    let mut body = lists.collect::<String>();
    body.truncate(body.rfind('[').unwrap());
    body
}

fn ordinary<T: DeserializeOwned + Debug>(body: &str) -> Option<String> {
    serde_json::from_str::<T>(body).ok().map(|parsed| format!("{parsed:?}"))
}

fn apart<T: DeserializeOwned + Debug>(body: &str) -> Option<String> {
    read::<T>(body.as_bytes(), |text| serde_json::from_slice(text))
        .map(|parsed| format!("{parsed:?}"))
}

/// That a body is read with its lists apart, to what it is.
fn check<T: DeserializeOwned + Debug>(template: &str) {
    let body = body(template);
    let parsed = apart::<T>(&body);
    assert!(parsed.is_some(), "{template} was not read apart");
    assert_eq!(parsed, ordinary::<T>(&body), "{template}");
}

#[test]
fn vectors_come_to_their_places() {
    check::<Upsert>(r#"{"points": [{"id": 1, "vector": L}, {"vector": L, "id": 2}]}"#);
    check::<Upsert>(r#"{"points":[{"id":1,"vector":{"a":L,"b":[1,2],"c\"":L},"payload":{}}]}"#);
    check::<Upsert>(r#"{"points": [{"id": 1, "vector": [1, 2]}, {"id": 2, "vector" :	L}]}"#);
    check::<Upsert>(r#"{"batch": {"ids": [1, 2, 3], "vectors": [L, L, null]}}"#);
    check::<Upsert>(r#"{"batch": {"vectors": {"a": [L, [1]], "b": [null, L]}, "ids": [1, 2]}}"#);
    check::<Upsert>(
        r#"{"points": [{"id": 1, "vector": L,
            "payload": {"a": "\"vector\": [", "b\\": [1, -2.5]}}]}"#,
    );
    check::<UpdateVectors>(r#"{"points": [{"id": 1, "vector": {"a": L}}]}"#);
    check::<Operations>(
        r#"{"operations": [{"upsert": {"points": [{"id": 1, "vector": L}]}},
            {"update_vectors": {"points": [{"id": 1, "vector": L}]}}]}"#,
    );
    check::<QueryRequest>(r#"{"query": L, "limit": 3}"#);
    check::<QueryRequest>(r#"{"limit": 3, "query": {"nearest": L}, "filter": {"must": []}}"#);
    check::<QueryRequest>(
        r#"{"query": {"fusion": "rrf"}, "prefetch": [{"query": L},
            {"query": L, "prefetch": {"query": {"nearest": L}}}]}"#,
    );
    check::<QueryBatch>(r#"{"searches": [{"query": L}, {"query": 7}, {"query": L}]}"#);
}

/// What is not like that is left to the ordinary way.
#[test]
fn other_bodies_are_not_read_apart() {
    let rest = r#"{"id": 2, "vector": L}]}"#;
    for template in [
        // Lists that are no vector, or none of numbers alone.
        r#"{"points": [{"id": 1, "vector": [L, L]}]}"#,
        r#"{"points": [{"id": 1, "vector": L, "payload": {"vector": L}}]}"#,
        r#"{"points": [{"id": 1, "vector": L, "payload": {"query": [[L]]}}]}"#,
        r#"{"points": [{"id": 1, "vector": {"a": {"indices": L, "values": L}}}]}"#,
        // Mistakes: of fields, of form, of what is beside a list.
        r#"{"points": [{"id": 1, "vector": L, "vector": L}]}"#,
        r#"{"points": [{"id": 1, "vector": {"a": L, "a": L}}]}"#,
        r#"{"points": [{"id": 1, "vector": L, "extra": 1}]}"#,
        r#"{"points": [{"id": 1, "vector": L}], "points": []}"#,
        r#"{"points": [{"id": 1, "vector": L}]} 1"#,
        r#"{"points": [{"id": 1, "vector": L}]"#,
        r#"{"points": [{"id": 1, "vector": L5}]}"#,
        r#"{"points": [{"id": 1, "vector": 5L}]}"#,
        r#"{"points": [{"id": 1, "vector": -L}]}"#,
        r#"{"points": [{"id": 1, "vector": 1eL}]}"#,
        r#"{"points": [{"id": 1, "vector": LL}]}"#,
        r#"{"points": [{"id": 1, "vector": L, }]}"#,
        r#"{"points": [{"id": 1, "vector": {L: 1}}]}"#,
        r#"{"points": [{"id": 1, "vector": "L"}]}"#,
        r#"{"points": [{"id": L, "vector": L}]}"#,
    ] {
        let body = body(template);
        assert_eq!(apart::<Upsert>(&body), None, "{template}");
    }
    for (from, to) in [("1", "01"), ("5]", "5,]"), ("5]", "NaN]"), ("5]", "1e999]"), ("[", "[,")] {
        let body = body(&format!(r#"{{"points": [{rest}"#)).replace(from, to);
        assert_eq!(apart::<Upsert>(&body), None, "{body}");
        assert_eq!(ordinary::<Upsert>(&body), None, "{body}");
    }
}

/// No number that a client sends stands for a list: not one that could be a mark, and not in any
/// other body.
#[test]
fn marks_of_clients_are_numbers() {
    let mark = *FIRST_MARK;
    let first =
        format!(r#"{{"points": [{{"id": 1, "vector": {mark}}}, {{"id": 2, "vector": L}}]}}"#);
    assert_eq!(apart::<Upsert>(&body(&first)), None, "one list for two places");
    let none = format!(
        r#"{{"points": [{{"id": 1, "vector": {mark}, "payload": {{"a": "{}"}}}}]}}"#,
        "x".repeat(200)
    );
    assert_eq!(apart::<Upsert>(&none), None);
    assert_eq!(ordinary::<Upsert>(&none), None);
    assert_eq!(taken(mark), None, "nothing is left of what was read");
}

/// However a body is cut off or changed, reading it apart finds nothing that is not in it.
#[test]
fn damaged_bodies_are_what_they_are_in_the_ordinary_way() {
    let whole = body(
        r#"{"points": [{"id": 1, "vector": L, "payload": {"a\\": "\""}},
            {"id": 2, "vector": {"a": L}}]}"#,
    );
    for end in 0..whole.len() {
        assert_eq!(apart::<Upsert>(&whole[..end]), None);
    }
    let mut changed = 0;
    for at in 0..whole.len() {
        for byte in br#""[]{},:\-.e0 7"# {
            let mut body = whole.clone().into_bytes();
            body[at] = *byte;
            let body = String::from_utf8(body).unwrap();
            if let Some(parsed) = apart::<Upsert>(&body) {
                assert_eq!(Some(parsed), ordinary::<Upsert>(&body), "{body}");
                changed += 1;
            }
        }
    }
    assert!(changed > 500, "{changed} of them were read apart");
}

#[test]
fn small_bodies_and_those_without_lists_are_not_looked_at_twice() {
    assert!(take_out(br#"{"query": [1,2,3]}"#).is_none());
    assert!(take_out(&[b' '; 500]).is_none());
    assert!(take_out(format!("{{\"payload\": {{\"a\": {}}}}}", list(1)).as_bytes()).is_none());
}
