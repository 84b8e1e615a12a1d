//! How often a door answered what, and how long that took.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use vane_types::Durations;

use super::super::time::time_text;
use super::{DoorTelemetry, Responses, Wanted};

pub(super) fn door(door: &DoorTelemetry, wanted: Wanted) -> Value {
    let mut told = json!({ "responses": responses(&door.responses, wanted) });
    // As Qdrant does: whose requests they were would tell more than a name.
    if wanted.per_collection && !wanted.anonymize {
        told["per_collection_responses"] = by_collection(&door.of_collections, wanted);
    }
    told
}

fn responses(responses: &Responses, wanted: Wanted) -> Value {
    let by_status = |all: &BTreeMap<i32, Durations>| -> Map<String, Value> {
        let told =
            all.iter().map(|(status, all)| (status.to_string(), durations(all, wanted.level)));
        told.collect()
    };
    responses.iter().map(|(asked, all)| (asked.clone(), json!(by_status(all)))).collect()
}

/// By what was asked for, then by collection.
fn by_collection(of_collections: &BTreeMap<String, Responses>, wanted: Wanted) -> Value {
    let mut told: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (collection, all) in of_collections {
        let Value::Object(by_route) = responses(all, wanted) else { continue };
        for (asked, by_status) in by_route {
            let Some((asked, _)) = all.get_key_value(&asked) else { continue };
            told.entry(asked).or_default().insert(collection.clone(), by_status);
        }
    }
    json!(told)
}

/// `OperationDurationStatistics` of the API.
pub(super) fn durations(durations: &Durations, level: usize) -> Value {
    let Durations { count, failed, total_us, min_us, max_us, mean_us, classes: _, last_ms } =
        durations;
    let mut told = Map::from_iter([("count".to_owned(), json!(count))]);
    let mut tell = |name: &str, value: Value| told.insert(name.to_owned(), value);
    if *failed > 0 {
        tell("fail_count", json!(failed));
    }
    if *count > 0 {
        tell("avg_duration_micros", json!(mean_us));
    }
    if level > 0 && *count > 0 {
        tell("min_duration_micros", json!(min_us));
        tell("max_duration_micros", json!(max_us));
        tell("total_duration_micros", json!(total_us));
    }
    if level > 0 && *last_ms > 0 {
        tell("last_responded", json!(time_text(*last_ms)));
    }
    Value::Object(told)
}
