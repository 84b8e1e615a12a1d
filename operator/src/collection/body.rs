//! A Collection as the bodies of Qdrant's API, and the shape of one that is there.

use serde_json::{Map, Value, json};
use vane_crds::collection::{
    CollectionSpec, Datatype, Distance, FieldType, Hnsw, Memory, Modifier, ShardingMethod,
    SparseVector, Vector,
};
use vane_proto::admin;

/// Body of `PUT /collections/{name}`.
pub(super) fn create(spec: &CollectionSpec) -> Value {
    let mut body = json!({
        "vectors": vectors(spec),
        "shard_number": spec.shards,
        "replication_factor": spec.replication_factor,
    });
    if !spec.sparse_vectors.is_empty() {
        let named = spec.sparse_vectors.iter().map(|each| (each.name.clone(), sparse(each)));
        body["sparse_vectors"] = named.collect::<Map<_, _>>().into();
    }
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
    if declared.multi {
        vector["multivector_config"] = json!({ "comparator": "max_sim" });
    }
    if declared.datatype != Datatype::Float32 {
        vector["datatype"] = datatype(declared.datatype).into();
    }
    if let Some(kept) = declared.memory {
        vector["memory"] = memory(kept).into();
    }
    if let Some(hnsw) = declared.hnsw.as_ref().map(hnsw).filter(|fields| !fields.is_empty()) {
        vector["hnsw_config"] = hnsw.into();
    }
    vector
}

/// Body of `PUT /collections/{name}/vectors/{vector}`, of one that is declared.
pub(super) fn new_vector(spec: &CollectionSpec, name: &str) -> Option<Value> {
    // What can be changed later is: this call does not take it.
    if let Some(declared) = spec.vectors.iter().find(|vector| vector.name == name) {
        let bare = Vector { memory: None, hnsw: None, ..declared.clone() };
        return Some(json!({ "dense": vector(&bare) }));
    }
    let declared = spec.sparse_vectors.iter().find(|vector| vector.name == name)?;
    Some(json!({ "sparse": sparse(&SparseVector { memory: None, ..declared.clone() }) }))
}

fn sparse(declared: &SparseVector) -> Value {
    let mut vector = json!({});
    if let Some(Modifier::Idf) = declared.modifier {
        vector["modifier"] = "idf".into();
    }
    if let Some(kept) = declared.memory {
        vector["index"]["memory"] = memory(kept).into();
    }
    vector
}

pub(super) fn datatype(datatype: Datatype) -> &'static str {
    match datatype {
        Datatype::Float32 => "float32",
        Datatype::Float16 => "float16",
        Datatype::Uint8 => "uint8",
    }
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

pub(super) fn distance(distance: Distance) -> &'static str {
    match distance {
        Distance::Cosine => "Cosine",
        Distance::Dot => "Dot",
        Distance::Euclid => "Euclid",
        Distance::Manhattan => "Manhattan",
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
        FieldType::Text => "text",
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
        // Field by field, and of all vectors where this one has no other: so the database tells.
        let (own, of_all) = (&there["hnsw_config"], &config["hnsw_config"]);
        let there = |key: &String| if own[key].is_null() { &of_all[key] } else { &own[key] };
        if declared.iter().any(|(key, value)| there(key) != value) {
            body["vectors"][&wanted.name]["hnsw_config"] = declared.into();
        }
    }
    for wanted in &spec.sparse_vectors {
        let there = &params["sparse_vectors"][&wanted.name];
        let modifier = wanted.modifier.map(|Modifier::Idf| "idf");
        if let Some(modifier) = modifier.filter(|wanted| there["modifier"] != *wanted) {
            body["sparse_vectors"][&wanted.name]["modifier"] = modifier.into();
        }
        let kept = wanted.memory.map(memory);
        if let Some(kept) = kept.filter(|kept| there["index"]["memory"] != *kept) {
            body["sparse_vectors"][&wanted.name]["index"]["memory"] = kept.into();
        }
    }
    (body != json!({})).then_some(body)
}

/// The configuration that the database shows; null where it cannot be read.
pub(super) fn config(found: &admin::Collection) -> Value {
    serde_json::from_str(&found.config).unwrap_or_default()
}

/// How the collection that is there differs for good from the one that is declared, but for its
/// vectors.
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
