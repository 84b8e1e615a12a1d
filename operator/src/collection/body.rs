//! A Collection as the bodies of Qdrant's API, and the shape of one that is there.

use serde_json::{Map, Value, json};
use vane_crds::collection::{
    CollectionSpec, Distance, FieldType, Hnsw, Memory, ShardingMethod, Vector,
};

/// Body of `PUT /collections/{name}`.
pub(super) fn create(spec: &CollectionSpec) -> Value {
    let mut body = json!({
        "vectors": vectors(spec),
        "shard_number": spec.shards,
        "replication_factor": spec.replication_factor,
    });
    if let Some(factor) = spec.write_consistency_factor {
        body["write_consistency_factor"] = factor.into();
    }
    if spec.sharding_method == ShardingMethod::Custom {
        body["sharding_method"] = "custom".into();
    }
    if let Some(share) = spec.search.as_ref().and_then(|search| search.min_recall) {
        body["search"]["min_recall"] = share.into();
    }
    body
}

fn vectors(spec: &CollectionSpec) -> Value {
    match spec.vectors.as_slice() {
        // The API has a form of its own for the only vector, if that has no name.
        [only] if only.name.is_empty() => vector(only),
        several => {
            let named = several.iter().map(|each| (each.name.clone(), vector(each)));
            named.collect::<Map<_, _>>().into()
        }
    }
}

fn vector(declared: &Vector) -> Value {
    let mut vector = json!({ "size": declared.size, "distance": distance(declared.distance) });
    if let Some(kept) = declared.memory {
        vector["memory"] = memory(kept).into();
    }
    if let Some(hnsw) = declared.hnsw.as_ref().map(hnsw).filter(|fields| !fields.is_empty()) {
        vector["hnsw_config"] = hnsw.into();
    }
    vector
}

/// The fields that are declared; the database has defaults for the others.
fn hnsw(declared: &Hnsw) -> Map<String, Value> {
    let fields = [("m", declared.m), ("ef_construct", declared.ef_construct)];
    let mut given: Map<String, Value> = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
        .collect();
    given.extend(declared.memory.map(|kept| ("memory".to_owned(), memory(kept).into())));
    given
}

fn memory(kept: Memory) -> &'static str {
    match kept {
        Memory::Cold => "cold",
        Memory::Cached => "cached",
        Memory::Pinned => "pinned",
    }
}

fn distance(distance: Distance) -> &'static str {
    match distance {
        Distance::Cosine => "Cosine",
        Distance::Dot => "Dot",
        Distance::Euclid => "Euclid",
    }
}

/// Type of a payload field, as the API has it.
pub(super) fn field_type(kind: FieldType) -> &'static str {
    match kind {
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
pub(super) fn update(spec: &CollectionSpec, config: &Value) -> Option<Value> {
    let params = &config["params"];
    let mut body = json!({});
    let factor = spec.write_consistency_factor;
    if let Some(factor) = factor.filter(|factor| params["write_consistency_factor"] != *factor) {
        body["params"]["write_consistency_factor"] = factor.into();
    }
    // Where searches are spoken of and their recall is not, none is asked for.
    if let Some(wanted) = &spec.search
        && config["search"]["min_recall"].as_f64() != wanted.min_recall
    {
        body["search"]["min_recall"] = wanted.min_recall.into();
    }
    for wanted in &spec.vectors {
        let there = there(config, &wanted.name);
        if let Some(kept) = wanted.memory.map(memory).filter(|kept| there["memory"] != *kept) {
            body["vectors"][&wanted.name]["memory"] = kept.into();
        }
        let Some(declared) = wanted.hnsw.as_ref().map(hnsw) else { continue };
        let there = &there["hnsw_config"];
        // Field by field: the database reports its defaults beside what is declared.
        if declared.iter().any(|(key, value)| there[key] != *value) {
            body["vectors"][&wanted.name]["hnsw_config"] = declared.into();
        }
    }
    (body != json!({})).then_some(body)
}

/// How the collection that is there differs for good from the one that is declared.
pub(super) fn difference(spec: &CollectionSpec, config: &Value) -> Option<String> {
    let params = &config["params"];
    // Only what cannot be changed; the rest is brought to what is declared.
    for (name, declared) in
        [("shard_number", spec.shards), ("replication_factor", spec.replication_factor)]
    {
        if params[name] != declared {
            return Some(format!("it has {name} {}, declared is {declared}", params[name]));
        }
    }
    let (is_custom, declared) =
        (params["sharding_method"] == "custom", spec.sharding_method == ShardingMethod::Custom);
    if is_custom != declared {
        let method = |is_custom| if is_custom { "custom" } else { "auto" };
        let (there, declared) = (method(is_custom), method(declared));
        return Some(format!("it has sharding_method {there}, declared is {declared}"));
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

/// The parameters of a vector that is there, by its name; the unnamed one stands alone.
fn there<'a>(config: &'a Value, name: &str) -> &'a Value {
    let vectors = &config["params"]["vectors"];
    match name {
        "" if vectors["size"].is_number() => vectors,
        name => &vectors[name],
    }
}
