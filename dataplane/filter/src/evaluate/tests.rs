use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;
use vane_types::{Payload, PointId};

use super::*;

struct Stored {
    id: PointId,
    payload: Payload,
    texts: BTreeMap<JsonPath, FieldSchema>,
}

impl Candidate for Stored {
    fn id(&self) -> PointId {
        self.id
    }

    fn payload(&self) -> &Payload {
        &self.payload
    }

    fn has_vector(&self, name: &str) -> bool {
        name.is_empty() || self.id == PointId::num(2) && name == "image"
    }

    fn schema(&self, field: &JsonPath) -> Option<&FieldSchema> {
        self.texts.get(field)
    }
}

fn object(json: Value) -> Payload {
    json.as_object().expect("an object").clone()
}

/// Numbers, from 1, of the payloads that pass.
fn passing(payloads: &[Value], filter: Value) -> Vec<u64> {
    passing_with(payloads, filter, &BTreeMap::new())
}

/// The same where some fields have text indexes.
fn passing_with(
    payloads: &[Value],
    filter: Value,
    texts: &BTreeMap<JsonPath, FieldSchema>,
) -> Vec<u64> {
    let parsed = Filter::parse(filter.clone()).unwrap_or_else(|e| panic!("{e}"));
    let again = serde_json::to_value(&parsed).unwrap();
    assert_eq!(Filter::parse(again).unwrap(), parsed, "{filter} reads back");
    let points = (1..).map(PointId::num).zip(payloads).map(|(id, payload)| Stored {
        id,
        payload: object(payload.clone()),
        texts: texts.clone(),
    });
    (1..).zip(points).filter(|(_, point)| matches(&parsed, point)).map(|(n, _)| n).collect()
}

/// Points whose field `f` has each shape a payload can.
fn shapes() -> Vec<Value> {
    [
        json!({"f": 1}),                           // 1
        json!({"f": 2}),                           // 2
        json!({"f": 1.0}),                         // 3
        json!({"f": "1"}),                         // 4
        json!({"f": true}),                        // 5
        json!({"f": null}),                        // 6
        json!({}),                                 // 7
        json!({"f": []}),                          // 8
        json!({"f": [null]}),                      // 9
        json!({"f": [1, 2]}),                      // 10
        json!({"f": [[1]]}),                       // 11
        json!({"f": {"g": 1}}),                    // 12
        json!({"f": "2024-01-01T01:00:00+01:00"}), // 13
        json!({"f": u64::MAX}),                    // 14
    ]
    .to_vec()
}

fn field(operator: Value) -> Vec<u64> {
    let mut condition = object(operator);
    condition.insert("key".into(), json!("f"));
    passing(&shapes(), json!({ "must": condition }))
}

const ALL: [u64; 14] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];

#[test]
fn empty_clauses_constrain_nothing_at_top_level() {
    for filter in [
        json!({}),
        json!({"should": []}),
        json!({"must": [], "must_not": []}),
        json!({"min_should": {"conditions": [], "min_count": 3}}),
        json!({"min_should": {"conditions": [], "min_count": 0}}),
        json!({"min_should": {"conditions": [{"has_id": [1]}], "min_count": 0}}),
        json!({"must": [{"should": []}]}),
        json!({"must": {}}),
        json!({"must": null}),
    ] {
        assert_eq!(passing(&shapes(), filter.clone()), ALL, "{filter}");
    }
}

#[test]
fn clauses_are_joined_by_and() {
    let one = json!({"key": "f", "match": {"value": 1}});
    let two = json!({"key": "f", "match": {"value": 2}});
    let of = |filter| passing(&shapes(), filter);
    assert_eq!(of(json!({"must": [one, two]})), [10]);
    assert_eq!(of(json!({"should": [one, two]})), [1, 2, 10]);
    assert_eq!(of(json!({"should": [one, two], "must_not": one})), [2]);
    assert_eq!(of(json!({"min_should": {"conditions": [one, two, one], "min_count": 2}})), [1, 10]);
    assert_eq!(of(json!({"min_should": {"conditions": [one], "min_count": 2}})), [] as [u64; 0]);
    assert_eq!(of(json!({"must": {"must_not": {"must": one}}, "should": two})), [2]);
}

#[test]
fn match_value_keeps_to_the_type() {
    assert_eq!(
        field(json!({"match": {"value": 1}})),
        [1, 10],
        "neither 1.0, \"1\", true nor [[1]]"
    );
    assert_eq!(field(json!({"match": {"value": "1"}})), [4]);
    assert_eq!(field(json!({"match": {"value": true}})), [5]);
    assert_eq!(field(json!({"match": {"value": false}})), [] as [u64; 0]);
}

#[test]
fn match_any_of_nothing_matches_nothing() {
    assert_eq!(field(json!({"match": {"any": [1, 2]}})), [1, 2, 10]);
    assert_eq!(field(json!({"match": {"any": ["1", "x"]}})), [4]);
    assert_eq!(field(json!({"match": {"any": []}})), [] as [u64; 0]);
}

#[test]
fn except_passes_any_value_outside_the_list() {
    assert_eq!(field(json!({"match": {"except": []}})), [1, 2, 3, 4, 5, 10, 11, 12, 13, 14]);
    assert_eq!(field(json!({"match": {"except": [1]}})), [2, 3, 4, 5, 10, 11, 12, 13, 14]);
    assert_eq!(field(json!({"match": {"except": [1, 2]}})), [3, 4, 5, 11, 12, 13, 14]);
    assert_eq!(
        passing(&shapes(), json!({"must_not": {"key": "f", "match": {"any": [1, 2]}}})),
        [3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14],
        "must_not also passes what has no value"
    );
}

#[test]
fn range_compares_numbers_by_value() {
    assert_eq!(field(json!({"range": {}})), [1, 2, 3, 10, 14]);
    assert_eq!(field(json!({"range": {"gte": 1, "lt": 2}})), [1, 3, 10]);
    assert_eq!(field(json!({"range": {"gt": 1, "lte": 2.0}})), [2, 10]);
    assert_eq!(field(json!({"range": {"gt": 1e19}})), [14]);
    assert_eq!(field(json!({"range": {"gt": 2, "lt": 1}})), [] as [u64; 0]);
}

#[test]
fn a_string_bound_makes_a_datetime_range() {
    assert_eq!(field(json!({"range": {"gte": "2024-01-01", "lte": "2024-01-01T00:00:00Z"}})), [13]);
    assert_eq!(field(json!({"range": {"gt": "2024-01-01 00:00"}})), [] as [u64; 0]);
    assert_eq!(field(json!({"range": {"gt": "2023-12-31T23:59:59.999999", "lt": null}})), [13]);
}

#[test]
fn values_are_counted_and_missing_is_none() {
    assert_eq!(field(json!({"values_count": {"lt": 1}})), [6, 7, 8]);
    assert_eq!(field(json!({"values_count": {"gte": 2}})), [10]);
    assert_eq!(
        field(json!({"values_count": {"gte": 1, "lte": 1}})),
        [1, 2, 3, 4, 5, 9, 11, 12, 13, 14]
    );
    assert_eq!(field(json!({"values_count": {}})), ALL);
}

#[test]
fn empty_is_not_null_and_missing_is_not_null() {
    let all_but =
        |left_out: &[u64]| ALL.into_iter().filter(|id| !left_out.contains(id)).collect::<Vec<_>>();
    assert_eq!(passing(&shapes(), json!({"must": {"is_empty": {"key": "f"}}})), [6, 7, 8]);
    assert_eq!(passing(&shapes(), json!({"must": {"is_null": {"key": "f"}}})), [6, 9]);
    assert_eq!(field(json!({"is_empty": true})), [6, 7, 8]);
    assert_eq!(field(json!({"is_empty": false})), all_but(&[6, 7, 8]));
    assert_eq!(field(json!({"is_null": true})), [6, 9]);
    assert_eq!(field(json!({"is_null": false})), all_but(&[6, 9]));
}

#[test]
fn operators_are_alternatives_but_counts_stand_alone() {
    let one = json!({"value": 1});
    assert_eq!(field(json!({"match": {"value": "1"}, "range": {"gt": 1}})), [2, 4, 10, 14]);
    assert_eq!(field(json!({"match": one, "values_count": {"gte": 2}, "is_empty": true})), [10]);
    assert_eq!(field(json!({"match": one, "is_empty": true, "is_null": true})), [6, 7, 8]);
    assert_eq!(field(json!({"match": one, "is_null": true})), [6, 9]);
}

#[test]
fn geo_values_are_objects_with_numbers_or_lists_of_them() {
    let payloads = [
        json!({"f": {"lon": 1, "lat": 1.0}}),
        json!({"f": [{"lon": 50, "lat": 50}, {"lon": 2, "lat": 2}]}),
        json!({"f": {"lon": "1", "lat": 1}}),
        json!({"f": {"lon": 1}}),
        json!({"f": {"lon": 0, "lat": 5}}),
        json!({"f": {"lon": 500, "lat": 1}}),
        json!({"f": [1, 1]}),
    ];
    let of = |operator: Value| {
        let mut condition = object(operator);
        condition.insert("key".into(), json!("f"));
        passing(&payloads, json!({ "must": condition }))
    };
    let corners = json!({"top_left": {"lon": 0, "lat": 10}, "bottom_right": {"lon": 10, "lat": 0}});
    assert_eq!(of(json!({"geo_bounding_box": corners})), [1, 2], "the side at lon 0 is outside");
    assert_eq!(of(json!({"geo_radius": {"center": {"lon": 1, "lat": 1}, "radius": 1000}})), [1]);
    assert_eq!(
        of(json!({"geo_radius": {"center": {"lon": 1, "lat": 1}, "radius": 0}})),
        [] as [u64; 0]
    );
    assert_eq!(
        of(json!({"geo_radius": {"center": {"lon": 1, "lat": 1}, "radius": 3e7}})),
        [1, 2, 5]
    );
}

#[test]
fn points_are_asked_for_id_and_vectors() {
    let of = |condition| passing(&shapes(), json!({ "must": condition }));
    assert_eq!(of(json!({"has_id": [2, 99, 1, 2]})), [1, 2]);
    assert_eq!(of(json!({"has_id": []})), [] as [u64; 0]);
    assert_eq!(of(json!({"has_vector": "image"})), [2]);
    assert_eq!(of(json!({"has_vector": ""})), ALL);
    let id = Uuid::from_u128(7);
    let point = Stored { id: PointId::uuid(id), payload: Payload::new(), texts: BTreeMap::new() };
    for text in [id.to_string(), id.simple().to_string(), id.urn().to_string()] {
        assert!(
            matches(&Filter::parse(json!({"must": {"has_id": [text]}})).unwrap(), &point),
            "{text}"
        );
    }
}

fn diets() -> [Value; 4] {
    [
        json!({"diet": [{"food": "leaves", "likes": false}, {"food": "meat", "likes": true}]}),
        json!({"diet": [{"food": "leaves", "likes": true}, {"food": "meat", "likes": false}]}),
        json!({"diet": []}),
        json!({}),
    ]
}

#[test]
fn nested_judges_each_element_alone() {
    let both = json!([
        {"key": "food", "match": {"value": "meat"}},
        {"key": "likes", "match": {"value": true}}
    ]);
    let nested = |key: &str, filter: Value| {
        passing(&diets(), json!({"must": {"nested": {"key": key, "filter": filter}}}))
    };
    assert_eq!(nested("diet", json!({"must": both})), [1]);
    assert_eq!(nested("diet[]", json!({"must": both})), [1], "the brackets may be there already");
    assert_eq!(
        nested("diet", json!({"must_not": both})),
        [1],
        "leaves not liked; no element, no match"
    );
    let flat = json!([
        {"key": "diet[].food", "match": {"value": "meat"}},
        {"key": "diet[].likes", "match": {"value": true}},
    ]);
    assert_eq!(passing(&diets(), json!({"must": flat})), [1, 2], "flat paths see elements apart");
}

#[test]
fn inside_nested_an_empty_should_matches_nothing() {
    let nested = |filter: Value| {
        passing(&diets(), json!({"must": {"nested": {"key": "diet", "filter": filter}}}))
    };
    assert_eq!(nested(json!({"should": []})), [] as [u64; 0]);
    assert_eq!(nested(json!({"must": {"should": []}})), [] as [u64; 0]);
    assert_eq!(nested(json!({"min_should": {"conditions": [], "min_count": 1}})), [] as [u64; 0]);
    assert_eq!(nested(json!({"must": [], "must_not": []})), [1, 2]);
    assert_eq!(nested(json!({})), [1, 2]);
}

#[test]
fn nested_within_nested_goes_down() {
    let payloads = [
        json!({"a": [{"b": [{"c": 1, "d": 2}]}, {"b": [{"c": 3, "d": 4}]}]}),
        json!({"a": [{"b": [{"c": 1, "d": 4}]}]}),
    ];
    let inner =
        json!({"must": [{"key": "c", "match": {"value": 1}}, {"key": "d", "match": {"value": 4}}]});
    let outer = json!({"must": {"nested": {"key": "b", "filter": inner}}});
    assert_eq!(passing(&payloads, json!({"must": {"nested": {"key": "a", "filter": outer}}})), [2]);
}

#[test]
fn paths_enter_arrays_only_when_told() {
    let payloads = [json!({"a": {"b": 1}}), json!({"a": [{"b": 1}, {"b": 2}]}), json!({"a.b": 1})];
    let of = |key: &str| passing(&payloads, json!({"must": {"key": key, "match": {"value": 1}}}));
    assert_eq!(of("a.b"), [1]);
    assert_eq!(of("a[].b"), [2]);
    assert_eq!(of("a[0].b"), [2]);
    assert_eq!(of("a[1].b"), [] as [u64; 0]);
    assert_eq!(of("\"a.b\""), [3]);
}

fn titles() -> Vec<Value> {
    [
        json!({"t": "The Robot Dreams"}),                      // 1
        json!({"t": ["little robots", "dreams of THE star"]}), // 2
        json!({"t": "the"}),                                   // 3
        json!({"t": 7}),                                       // 4
        json!({"n": [{"t": "a robot"}, {"t": "a star"}]}),     // 5
        json!({}),                                             // 6
    ]
    .to_vec()
}

fn text_index(path: &str, params: Value) -> BTreeMap<JsonPath, FieldSchema> {
    let params = serde_json::from_value(params).unwrap();
    BTreeMap::from([(path.parse().unwrap(), FieldSchema::Text(params))])
}

#[test]
fn without_a_text_index_texts_are_parts_of_strings() {
    for (matching, found) in [
        (json!({"text": "Robot D"}), vec![1]),
        (json!({"text": "robot"}), vec![2]),
        (json!({"phrase": "of THE"}), vec![2]),
        (json!({"text": ""}), vec![1, 2, 3]),
        (json!({"text_any": "Robot  star"}), vec![1, 2]),
        (json!({"text_any": " "}), vec![]),
        (json!({"prefix": "The"}), vec![1]),
        (json!({"prefix": "little robots"}), vec![2]),
        (json!({"prefix": ""}), vec![1, 2, 3]),
        (json!({"substring": "Robot D"}), vec![1]),
        (json!({"substring": "robot"}), vec![2]),
        (json!({"substring": ""}), vec![1, 2, 3]),
    ] {
        let filter = json!({"must": {"key": "t", "match": matching}});
        assert_eq!(passing(&titles(), filter), found, "{matching}");
    }
}

#[test]
fn a_text_index_says_what_texts_mean() {
    let params = json!({"stopwords": {"languages": ["english"]}, "stemmer": "english",
        "phrase_matching": true});
    let index = text_index("t", params);
    for (matching, found) in [
        (json!({"text": "ROBOTS"}), vec![1, 2]),
        // The tokens may lie in several elements, those of a phrase may not.
        (json!({"text": "star robot the"}), vec![2]),
        (json!({"text": "robot unknown"}), vec![]),
        (json!({"text": "the"}), vec![]),
        (json!({"text": ""}), vec![]),
        (json!({"text_any": "unknown stars"}), vec![2]),
        (json!({"text_any": "the of"}), vec![]),
        (json!({"phrase": "robot dreams"}), vec![1]),
        (json!({"phrase": "dream the star"}), vec![2]),
        (json!({"phrase": "robots dreams of"}), vec![1]),
        (json!({"phrase": "the"}), vec![]),
        // The index says nothing about these.
        (json!({"value": "the"}), vec![3]),
        (json!({"prefix": "The"}), vec![1]),
        (json!({"substring": "Robot D"}), vec![1]),
    ] {
        let filter = json!({"must": {"key": "t", "match": matching}});
        assert_eq!(passing_with(&titles(), filter, &index), found, "{matching}");
    }
    // Beside an operator that holds of other values.
    let either = json!({"must": {"key": "t", "match": {"text": "star"}, "range": {"gt": 1}}});
    assert_eq!(passing_with(&titles(), either, &index), [2, 4]);
    let filter = json!({"must": {"key": "t", "match": {"phrase": "robot dreams"}}});
    assert!(passing_with(&titles(), filter, &text_index("t", json!({}))).is_empty());
}

#[test]
fn inside_nested_the_index_of_the_whole_path_counts() {
    let index = text_index("n[].t", json!({}));
    let nested = |text: &str| {
        let inner = json!({"must": {"key": "t", "match": {"text": text}}});
        json!({"must": {"nested": {"key": "n", "filter": inner}}})
    };
    assert_eq!(passing_with(&titles(), nested("ROBOT a"), &index), [5]);
    assert!(passing_with(&titles(), nested("robot star"), &index).is_empty(), "two elements");
    let whole = json!({"must": {"key": "n[].t", "match": {"text": "robot star"}}});
    assert_eq!(passing_with(&titles(), whole, &index), [5]);
    assert!(passing(&titles(), nested("ROBOT")).is_empty());
}

#[test]
fn slices_and_polygons_are_told_of_points() {
    let of = |total: u32, index: u32| {
        passing(&titles(), json!({"must": {"slice": {"total": total, "index": index}}}))
    };
    let mut all: Vec<u64> = (0..3).flat_map(|index| of(3, index)).collect();
    all.sort_unstable();
    assert_eq!((all, of(1, 0)), (vec![1, 2, 3, 4, 5, 6], vec![1, 2, 3, 4, 5, 6]));
    let places = [json!({"p": {"lon": 1, "lat": 1}}), json!({"p": [{"lon": 9, "lat": 1}]})];
    let ring = [(0, 0), (4, 0), (4, 4), (0, 4), (0, 0)].map(|(x, y)| json!({"lon": x, "lat": y}));
    let area = json!({"exterior": {"points": ring}});
    let filter = json!({"must": {"key": "p", "geo_polygon": area}});
    assert_eq!(passing(&places, filter), [1]);
}
