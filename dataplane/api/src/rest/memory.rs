//! What a collection takes on the node that answers: `GET /collections/{collection}/memory`.

use serde_json::{Value, json};

use crate::engine::{Bytes, Usage, UsageOfVector};

/// The answer. What is not known of each collection by itself is left out: payloads lie in one
/// database with those of others, and the system does not say whose pages of files it has.
pub fn memory(usage: &Usage) -> Value {
    let heap = |bytes: u64| Bytes { memory: bytes, ..Bytes::default() };
    let of_kind = |sparse: bool| -> Vec<Value> {
        let of_kind = usage.vectors.iter().filter(|(_, vector)| vector.sparse == sparse);
        of_kind
            .map(|(name, UsageOfVector { rows, index, .. })| {
                json!({ "name": name, "storage": bytes(*rows), "index": bytes(*index) })
            })
            .collect()
    };
    let fields: Vec<Value> = usage
        .fields
        .iter()
        .map(|(path, used)| json!({ "name": path.to_string(), "usage": bytes(heap(*used)) }))
        .collect();
    json!({
        "total": bytes(total(usage)),
        "vectors": of_kind(false),
        "sparse_vectors": of_kind(true),
        "payload_index": fields,
        "other": {
            "id_tracker": bytes(heap(usage.ids)),
            "places": bytes(heap(usage.places)),
            "known_filters": bytes(heap(usage.filters)),
        },
    })
}

fn total(usage: &Usage) -> Bytes {
    let Usage { vectors, fields, ids, places, filters } = usage;
    let memory = fields.values().sum::<u64>() + ids + places + filters;
    let mut total = Bytes { memory, ..Bytes::default() };
    for UsageOfVector { rows, index, .. } in vectors.values() {
        total.add(*rows);
        total.add(*index);
    }
    total
}

fn bytes(bytes: Bytes) -> Value {
    let Bytes { memory, files, wanted } = bytes;
    json!({ "disk_bytes": files, "ram_bytes": memory, "expected_cache_bytes": wanted })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_total_is_that_of_the_parts() {
        let rows = Bytes { memory: 1, files: 20, wanted: 20 };
        let index = Bytes { memory: 2, files: 300, wanted: 0 };
        let vector = |sparse| UsageOfVector { rows, index, sparse };
        let usage = Usage {
            vectors: BTreeMap::from([("d".into(), vector(false)), ("s".into(), vector(true))]),
            fields: BTreeMap::from([("n".parse().unwrap(), 4_000)]),
            ids: 50_000,
            places: 600_000,
            filters: 7_000_000,
        };
        let told = memory(&usage);
        let expected =
            json!({"disk_bytes": 640, "ram_bytes": 7_654_006, "expected_cache_bytes": 40});
        assert_eq!(told["total"], expected);
        assert_eq!(told["vectors"][0]["name"], "d");
        assert_eq!(told["sparse_vectors"][0]["index"]["disk_bytes"], 300);
        assert_eq!(told["payload_index"][0]["usage"]["ram_bytes"], 4_000);
    }
}
