//! Which fields of a filter no payload index answers, and which kinds of index would.

use std::collections::BTreeMap;

use vane_types::{FieldSchema, JsonPath};

use crate::filter::{Clause, Condition, FieldCondition, Filter};
use crate::payload_index::PayloadIndex;
use crate::resolve::{join, operators_in};

/// Fields of a filter whose conditions are looked up in no index, each with what it could be
/// declared as. Left out are those that no index helps. `schema` says what there is on a path.
pub fn unindexed<'a>(
    filter: &Filter,
    schema: impl Fn(&JsonPath) -> Option<&'a FieldSchema>,
) -> BTreeMap<JsonPath, Vec<FieldSchema>> {
    let mut found = BTreeMap::new();
    look(filter, None, &mut |path, condition| {
        if schema(&path).is_some_and(|schema| answers(schema, condition)) {
            return;
        }
        let kinds = FieldSchema::all().into_iter();
        // A `uuid` index answers what a `keyword` index does, and few fields are of ids.
        let mut kinds: Vec<_> = kinds.filter(|kind| *kind != FieldSchema::Uuid).collect();
        kinds.retain(|kind| answers(kind, condition));
        if !kinds.is_empty() {
            found.insert(path, kinds);
        }
    });
    found
}

/// Whether an index of this schema says something of a condition on its field: what resolving
/// finds, asked of an index without values.
fn answers(schema: &FieldSchema, condition: &FieldCondition) -> bool {
    operators_in(condition, &PayloadIndex::new(schema.clone())).is_some()
}

/// Calls `visit` for each condition on a field, with its whole path.
fn look(
    filter: &Filter,
    prefix: Option<&JsonPath>,
    visit: &mut dyn FnMut(JsonPath, &FieldCondition),
) {
    let Filter { should, min_should, must, must_not } = filter;
    let clauses = [should, must, must_not].into_iter().flatten().flat_map(Clause::conditions);
    let at_least = min_should.iter().flat_map(|min_should| &min_should.conditions);
    for condition in clauses.chain(at_least) {
        match condition {
            Condition::Field(condition) => {
                if let Some(path) = below(prefix, &condition.key) {
                    visit(path, condition);
                }
            }
            Condition::Nested { nested } => {
                if let Some(path) = below(prefix, &nested.key) {
                    look(&nested.filter, Some(&path.each()), visit);
                }
            }
            Condition::Filter(filter) => look(filter, prefix, visit),
            // They are about no field, or about what no index holds alone.
            Condition::IsEmpty { .. }
            | Condition::IsNull { .. }
            | Condition::HasId { .. }
            | Condition::OfTenants { .. }
            | Condition::HasVector { .. }
            | Condition::Slice { .. } => {}
        }
    }
}

/// `path` behind a prefix; `None` when it is longer than a path may be.
fn below(prefix: Option<&JsonPath>, path: &JsonPath) -> Option<JsonPath> {
    prefix.map_or_else(|| Some(path.clone()), |prefix| join(prefix, path))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn found(filter: Value, indexed: &[(&str, FieldSchema)]) -> Vec<(String, Vec<&'static str>)> {
        let filter = Filter::parse(filter).unwrap();
        let schema = |path: &JsonPath| {
            indexed.iter().find(|(known, _)| *known == path.to_string()).map(|(_, schema)| schema)
        };
        let found = unindexed(&filter, schema).into_iter();
        let names = |kinds: Vec<FieldSchema>| kinds.iter().map(FieldSchema::name).collect();
        found.map(|(path, kinds)| (path.to_string(), names(kinds))).collect()
    }

    #[test]
    fn each_field_comes_with_the_indexes_that_would_answer() {
        let filter = json!({
            "must": [{"key": "color", "match": {"value": "red"}}],
            "must_not": [{"key": "when", "range": {"gte": "2026-01-01T00:00:00Z"}}],
            "should": [
                {"key": "place", "geo_radius": {"center": {"lon": 1, "lat": 2}, "radius": 3}},
                {"nested": {"key": "parts", "filter": {"must": [
                    {"key": "ok", "match": {"value": true}}]}}},
            ],
            "min_should": {"min_count": 1, "conditions": [{"key": "text", "match": {"text": "x"}}]},
        });
        let found = found(filter, &[]);
        let expected = [
            ("color", vec!["keyword"]),
            ("parts[].ok", vec!["bool"]),
            ("place", vec!["geo"]),
            ("text", vec!["text"]),
            ("when", vec!["datetime"]),
        ];
        let expected = expected.map(|(path, kinds)| (path.to_owned(), kinds));
        assert_eq!(found, expected);
    }

    #[test]
    fn what_an_index_answers_and_what_none_could_is_left_out() {
        let color = json!({"must": [{"key": "color", "match": {"any": ["red", "blue"]}}]});
        assert_eq!(found(color.clone(), &[("color", FieldSchema::Keyword)]), []);
        // One of the wrong kind does not answer.
        assert_eq!(found(color, &[("color", FieldSchema::Integer)])[0].1, ["keyword"]);
        for nothing_helps in [
            json!({"must": [{"key": "n", "values_count": {"gt": 1}}]}),
            json!({"must": [{"is_null": {"key": "n"}}, {"is_empty": {"key": "n"}}]}),
            json!({"must": [{"has_id": [1, 2]}]}),
        ] {
            assert_eq!(found(nothing_helps, &[]), []);
        }
    }
}
