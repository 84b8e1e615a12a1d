//! A Collection as the bodies of Qdrant's API, and the shape of one that is there.

use serde_json::{Map, Value, json};
use vane_crds::collection::{CollectionSpec, Distance, FieldType, Hnsw, Vector};

/// Body of `PUT /collections/{name}`.
pub fn create(spec: &CollectionSpec) -> Value {
    let mut body = json!({
        "vectors": vectors(spec),
        "shard_number": spec.shards,
        "replication_factor": spec.replication_factor,
    });
    if let Some(factor) = spec.write_consistency_factor {
        body["write_consistency_factor"] = factor.into();
    }
    body
}

fn vectors(spec: &CollectionSpec) -> Value {
    match spec.vectors.as_slice() {
        [only] if only.name.is_empty() => vector(only),
        several => {
            several.iter().map(|it| (it.name.clone(), vector(it))).collect::<Map<_, _>>().into()
        }
    }
}

fn vector(it: &Vector) -> Value {
    let mut vector = json!({ "size": it.size, "distance": distance(it.distance) });
    if let Some(hnsw) = it.hnsw.as_ref().map(hnsw).filter(|it| !it.is_empty()) {
        vector["hnsw_config"] = hnsw.into();
    }
    vector
}

fn hnsw(it: &Hnsw) -> Map<String, Value> {
    let fields = [("m", it.m), ("ef_construct", it.ef_construct)];
    fields.into_iter().filter_map(|(name, it)| Some((name.to_owned(), it?.into()))).collect()
}

fn distance(it: Distance) -> &'static str {
    match it {
        Distance::Cosine => "Cosine",
        Distance::Dot => "Dot",
        Distance::Euclid => "Euclid",
    }
}

/// A type as the API has it.
pub fn field_type(it: FieldType) -> &'static str {
    match it {
        FieldType::Keyword => "keyword",
        FieldType::Integer => "integer",
        FieldType::Float => "float",
        FieldType::Bool => "bool",
        FieldType::Geo => "geo",
        FieldType::Datetime => "datetime",
        FieldType::Uuid => "uuid",
    }
}

/// Body of `PATCH /collections/{name}` for what is declared and differs; none when nothing
/// does. `config` is the database's.
pub fn update(spec: &CollectionSpec, config: &Value) -> Option<Value> {
    let params = &config["params"];
    let mut body = json!({});
    if let Some(factor) =
        spec.write_consistency_factor.filter(|it| params["write_consistency_factor"] != *it)
    {
        body["params"]["write_consistency_factor"] = factor.into();
    }
    for wanted in &spec.vectors {
        let Some(declared) = wanted.hnsw.as_ref().map(hnsw) else { continue };
        let there = &there(config, &wanted.name)["hnsw_config"];
        if declared.iter().any(|(key, value)| there[key] != *value) {
            body["vectors"][&wanted.name]["hnsw_config"] = declared.into();
        }
    }
    (body != json!({})).then_some(body)
}

/// How the collection that is there differs for good from the one that is declared.
pub fn difference(spec: &CollectionSpec, config: &Value) -> Option<String> {
    let params = &config["params"];
    for (name, declared) in
        [("shard_number", spec.shards), ("replication_factor", spec.replication_factor)]
    {
        if params[name] != declared {
            return Some(format!("it has {name} {}, declared is {declared}", params[name]));
        }
    }
    for wanted in &spec.vectors {
        let there = there(config, &wanted.name);
        if there["size"] != wanted.size || there["distance"] != distance(wanted.distance) {
            let declared = format!("size {}, {}", wanted.size, distance(wanted.distance));
            return Some(format!(
                "its vector {:?} is {there}, declared is {declared}",
                wanted.name
            ));
        }
    }
    None
}

/// A vector by its name; the unnamed one stands alone.
fn there<'a>(config: &'a Value, name: &str) -> &'a Value {
    let vectors = &config["params"]["vectors"];
    match name {
        "" if vectors["size"].is_number() => vectors,
        name => &vectors[name],
    }
}
