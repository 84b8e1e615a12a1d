use serde_json::json;
use vane_types::limits::{FILTER_CONDITIONS_MAX, FILTER_VALUES_MAX, MATCH_TEXT_BYTES_MAX};

use super::*;
use crate::invalid::InvalidKind::{self, Malformed, Validation};

fn refused(filter: Value) -> (InvalidKind, String) {
    match Filter::parse(filter.clone()) {
        Ok(_) => panic!("{filter} was accepted"),
        Err(e) => (e.kind, e.to_string()),
    }
}

/// The filter is refused with this kind, and the text begins with the place and names what
/// is wrong.
fn check(condition: Value, kind: InvalidKind, place: &str, word: &str) {
    let (found, text) = refused(json!({"must": [condition]}));
    assert_eq!(found, kind, "{text}");
    assert!(text.starts_with(&format!("filter.must[0]{place}: ")), "{text}");
    assert!(text.contains(word), "{text}");
}

#[test]
fn unknown_members_are_named() {
    let (kind, text) = refused(json!({"must_nto": []}));
    assert_eq!(kind, Malformed);
    assert!(text.starts_with("filter: unknown member `must_nto`"), "{text}");
    check(json!({"keyy": "a"}), Malformed, "", "`keyy`");
    check(json!({"key": "a", "mach": {}}), Malformed, "", "`mach`");
    check(json!({"key": "a", "match": {"vale": 1}}), Malformed, ".match", "`vale`");
    check(json!({"key": "a", "range": {"ge": 1}}), Malformed, ".range", "`ge`");
    check(json!({"is_empty": {"key": "a"}, "x": 1}), Malformed, "", "`x`");
    check(json!({"nested": {"key": "a", "filter": {"x": 1}}}), Malformed, ".nested.filter", "`x`");
}

#[test]
fn wrong_forms_are_malformed() {
    for wrong in [json!(null), json!(1), json!([]), json!("x")] {
        assert_eq!(refused(wrong).0, Malformed);
    }
    check(json!(7), Malformed, "", "a number");
    check(json!({"is_null": null}), Malformed, "", "is_null");
    check(json!({"key": 5, "match": {"value": 1}}), Malformed, ".key", "string");
    check(json!({"key": "a[", "match": {"value": 1}}), Malformed, ".key", "a[");
    check(json!({"key": "a", "match": {}}), Malformed, ".match", "value, any, except");
    check(json!({"key": "a", "match": {"value": 1, "any": []}}), Malformed, ".match", "`any`");
    check(json!({"key": "a", "match": {"value": 1.5}}), Malformed, ".match.value", "range");
    check(json!({"key": "a", "match": {"value": u64::MAX}}), Malformed, ".match.value", "64-bit");
    check(json!({"key": "a", "match": {"any": ["a", 1]}}), Malformed, ".match.any[1]", "strings");
    check(json!({"key": "a", "match": {"any": [1, "a"]}}), Malformed, ".match.any[1]", "integer");
    check(json!({"key": "a", "match": {"any": [true]}}), Malformed, ".match.any[0]", "strings");
    check(json!({"key": "a", "range": {"lt": true}}), Malformed, ".range.lt", "boolean");
    check(json!({"key": "a", "range": {"lt": "soon"}}), Malformed, ".range.lt", "soon");
    check(
        json!({"key": "a", "range": {"lt": "2024-01-01", "gt": 1}}),
        Malformed,
        ".range.gt",
        "number",
    );
    check(
        json!({"key": "a", "values_count": {"lt": -1}}),
        Malformed,
        ".values_count.lt",
        "unsigned",
    );
    check(json!({"key": "a", "is_empty": 1}), Malformed, ".is_empty", "boolean");
    check(
        json!({"key": "a", "geo_radius": {"center": {"lon": 1}, "radius": 1}}),
        Malformed,
        ".geo_radius.center",
        "lat",
    );
    check(json!({"has_id": [1, "7"]}), Malformed, ".has_id[1]", "point ID");
    check(json!({"has_id": [-1]}), Malformed, ".has_id[0]", "point ID");
    check(json!({"min_should": {"conditions": []}}), Malformed, ".min_should", "min_count");
}

#[test]
fn texts_are_given_alone_and_as_strings() {
    for name in ["text", "phrase", "text_any", "prefix", "substring"] {
        let place = format!(".match.{name}");
        check(json!({"key": "a", "match": {name: 1}}), Malformed, &place, "string");
        check(json!({"key": "a", "match": {name: null}}), Malformed, ".match", name);
        let two = json!({"key": "a", "match": {name: "x", "value": "x"}});
        check(two, Malformed, ".match", name);
        let long = "x".repeat(MATCH_TEXT_BYTES_MAX + 1);
        check(json!({"key": "a", "match": {name: long}}), Validation, ".match", "65536");
    }
}

#[test]
fn polygons_and_slices_are_checked() {
    let lines =
        |points: Value| json!({"key": "a", "geo_polygon": {"exterior": {"points": points}}});
    let at = |lon: i32, lat: i32| json!({"lon": lon, "lat": lat});
    let place = ".geo_polygon.exterior";
    check(lines(json!([at(0, 0), at(1, 1), at(0, 0)])), Malformed, place, "polygon invalid");
    let open = json!([at(0, 0), at(1, 0), at(1, 1), at(0, 1)]);
    check(lines(open), Malformed, place, "polygon invalid");
    let far = json!([at(0, 0), at(181, 0), at(1, 1), at(0, 0)]);
    check(lines(far), Validation, ".geo_polygon", "[-180;180]");
    check(json!({"key": "a", "geo_polygon": {}}), Malformed, ".geo_polygon", "exterior");
    check(lines(json!([1])), Malformed, ".geo_polygon.exterior.points[0]", "lon");
    check(json!({"slice": {"total": 0, "index": 0}}), Malformed, ".slice.total", "from 1");
    check(json!({"slice": {"total": 4, "index": 4}}), Validation, ".slice.index", "less than");
    check(json!({"slice": {"total": 4}}), Malformed, ".slice", "index");
    check(json!({"slice": {"total": 4, "index": -1}}), Malformed, ".slice.index", "unsigned");
}

#[test]
fn values_out_of_range_are_a_matter_of_validation() {
    check(json!({"key": "a"}), Validation, "", "At least one field condition");
    check(json!({"key": "a", "match": null}), Validation, "", "At least one field condition");
    let far = json!({"center": {"lon": 181, "lat": 0}, "radius": 1});
    check(json!({"key": "a", "geo_radius": far}), Validation, ".geo_radius.center", "[-180;180]");
    let low = json!({"top_left": {"lon": 0, "lat": 0}, "bottom_right": {"lon": 0, "lat": -91}});
    check(
        json!({"key": "a", "geo_bounding_box": low}),
        Validation,
        ".geo_bounding_box.bottom_right",
        "[-90;90]",
    );
    for about_point in
        [json!({"has_id": [1]}), json!({"has_vector": "v"}), json!({"must": {"has_id": []}})]
    {
        let nested = json!({"nested": {"key": "a", "filter": {"should": about_point}}});
        let (kind, text) = refused(json!({"must": nested}));
        assert!(
            kind == Validation && text.starts_with("filter.must.nested.filter.should"),
            "{text}"
        );
    }
}

#[test]
fn depth_and_number_of_conditions_are_bounded() {
    let deep = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({"must": inner}));
    assert!(Filter::parse(deep(FILTER_DEPTH_MAX)).is_ok());
    assert_eq!(refused(deep(FILTER_DEPTH_MAX + 1)).0, Validation);
    assert_eq!(refused(deep(500)).0, Validation);
    let wide = |n: usize| json!({"must": vec![json!({"is_null": {"key": "a"}}); n]});
    assert!(Filter::parse(wide(FILTER_CONDITIONS_MAX)).is_ok());
    assert_eq!(refused(wide(FILTER_CONDITIONS_MAX + 1)).0, Validation);
}

#[test]
fn filters_write_the_json_they_were_read_from() {
    let json = json!({
        "should": {"is_null": {"key": "a[].b"}},
        "min_should": {"conditions": [{"has_vector": ""}], "min_count": 1},
        "must": [
            {"key": "k", "match": {"value": "x"}},
            {"key": "k", "match": {"any": ["b", "a", "b"]}, "is_null": false},
            {"key": "k", "match": {"except": [2, 1]}},
            {"key": "k", "range": {"lt": 1.5, "gte": -2.5}},
            {"key": "k", "range": {"gt": "2024-01-01 10:00"}},
            {"key": "k", "range": {}},
            {"key": "k", "geo_radius": {"center": {"lon": 1.5, "lat": 2.5}, "radius": 10.5}},
            {"key": "k", "geo_bounding_box": {
                "top_left": {"lon": 1.5, "lat": 2.5}, "bottom_right": {"lon": 2.5, "lat": 1.5}}},
            {"key": "k", "values_count": {"gt": 1}},
            {"has_id": [7, "550e8400-e29b-41d4-a716-446655440000"]},
            {"nested": {"key": "n", "filter": {"must_not": {"is_empty": {"key": "e"}}}}},
            {},
        ],
        "must_not": [],
    });
    let parsed = Filter::parse(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&parsed).unwrap(), json);
    assert_eq!(serde_json::from_value::<Filter>(json).unwrap(), parsed);
}

#[test]
fn deserialising_names_the_place_too() {
    let error =
        serde_json::from_str::<Filter>(r#"{"must": [{"key": "a", "match": {"substring": 1}}]}"#)
            .unwrap_err();
    assert!(error.to_string().starts_with("filter.must[0].match.substring: "), "{error}");
}

#[test]
fn a_filter_without_conditions_is_empty() {
    let is_empty = |json| Filter::parse(json).unwrap().is_empty();
    assert!(is_empty(json!({})) && is_empty(json!({"must": [], "should": []})));
    assert!(is_empty(json!({"min_should": {"conditions": [], "min_count": 1}})));
    assert!(!is_empty(json!({"must": {}})) && !is_empty(json!({"must_not": [{"has_id": []}]})));
}

#[test]
fn the_values_of_all_lists_together_are_bounded() {
    let lists = |ids: usize, values: usize| {
        json!({
            "must": [
                {"has_id": (0..ids).collect::<Vec<_>>()},
                {"key": "k", "match": {"any": (0..values).collect::<Vec<_>>()}},
            ],
            "must_not": [{"key": "k", "match": {"except": ["a"]}}],
        })
    };
    let most = FILTER_VALUES_MAX;
    assert!(Filter::parse(lists(most - 10, 9)).is_ok());
    let (kind, text) = refused(lists(most - 10, 10));
    assert_eq!(kind, Validation);
    assert!(text.contains("100000"), "{text}");
}
