//! What could be done about slow requests: `GET /issues`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vane_types::{FieldSchema, JsonPath};

use super::time::time_text;
use crate::engine::Unindexed;

/// Issues in one answer.
const ISSUES_MAX: usize = 100;
/// Begins the id of an issue: a field without an index.
const UNINDEXED_FIELD: &str = "UNINDEXED_FIELD";

/// Fields that requests looked for in many payloads, by collection.
pub fn issues(noted: &BTreeMap<String, BTreeMap<JsonPath, Unindexed>>) -> Value {
    let of_collection = |(name, fields): (&String, &BTreeMap<JsonPath, Unindexed>)| -> Vec<Value> {
        fields.iter().map(|(path, noted)| unindexed(name, path, noted)).collect()
    };
    let issues: Vec<Value> = noted.iter().flat_map(of_collection).take(ISSUES_MAX).collect();
    json!({ "issues": issues })
}

fn unindexed(collection: &str, path: &JsonPath, noted: &Unindexed) -> Value {
    let mut solutions: Vec<Value> =
        noted.schemas.iter().map(|schema| solution(collection, path, schema)).collect();
    let solution = match solutions.len() {
        1 => json!({ "immediate": solutions.remove(0) }),
        _ => json!({ "immediate_choice": solutions }),
    };
    let description = format!(
        "`{path}` of collection `{collection}` has no index that answers conditions on it; \
         {} requests with such conditions had to read {} payloads for them",
        noted.requests, noted.payloads
    );
    json!({
        "id": format!("{UNINDEXED_FIELD}/{collection}/{path}"),
        "description": description,
        "solution": solution,
        "timestamp": time_text(noted.since_ms),
        "related_collection": collection,
    })
}

fn solution(collection: &str, path: &JsonPath, schema: &FieldSchema) -> Value {
    let name = schema.name();
    json!({
        "message": format!("Make a payload index of type `{name}` on `{path}` of `{collection}`"),
        "action": {
            "method": "PUT",
            "uri": format!("/collections/{collection}/index"),
            "headers": { "content-type": "application/json" },
            "body": { "field_name": path.to_string(), "field_schema": name },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_comes_with_the_request_that_solves_it() {
        let path: JsonPath = "a[].b".parse().unwrap();
        let noted = |schemas: Vec<FieldSchema>| {
            let noted = Unindexed { schemas, requests: 2, payloads: 30_000, since_ms: 1_000 };
            issues(&BTreeMap::from([("c".to_owned(), BTreeMap::from([(path.clone(), noted)]))]))
        };
        let one = noted(vec![FieldSchema::Keyword]);
        let issue = &one["issues"][0];
        assert_eq!(issue["id"], "UNINDEXED_FIELD/c/a[].b");
        assert_eq!(issue["timestamp"], "1970-01-01T00:00:01Z");
        let action = &issue["solution"]["immediate"]["action"];
        assert_eq!(action["uri"], "/collections/c/index");
        assert_eq!(action["body"], json!({"field_name": "a[].b", "field_schema": "keyword"}));
        let two = noted(vec![FieldSchema::Integer, FieldSchema::Float]);
        let choice = two["issues"][0]["solution"]["immediate_choice"].as_array().unwrap();
        assert_eq!(choice.len(), 2);
        assert_eq!(issues(&BTreeMap::new()), json!({"issues": []}));
    }
}
