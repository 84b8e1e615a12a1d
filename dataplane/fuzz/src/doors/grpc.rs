//! Qdrant's gRPC: each method with a message that was broken field by field, or with any bytes.

use std::collections::HashMap;
use std::path::Path;

use vane_proto::admin::Group;
use vane_wire::qdrant as wire;
use vane_wire::qdrant::condition::ConditionOneOf;
use vane_wire::qdrant::r#match::MatchValue;
use vane_wire::qdrant::point_id::PointIdOptions;
use vane_wire::qdrant::points_selector::PointsSelectorOneOf;
use vane_wire::qdrant::points_update_operation::{Operation, PointStructList};
use vane_wire::qdrant::query::Variant;

use super::calls::{Call, Called, one};
use crate::hostile::{number, protobuf, text};
use crate::{Budget, Failure, Random, Tally};

pub(super) fn attempt(program: &Path, budget: Budget, seed: u64) -> Result<Tally, Failure> {
    let methods = vane_wire::methods();
    Called::start(program)?.spend(program, budget, ("grpc", seed), |_: &[Group], random| {
        let (mut path, messages) = match random.below(3) {
            0 => write(random),
            1 => read(random),
            _ => manage(random),
        };
        // Some as a message that was meant for another method.
        if random.one_in(10) {
            path.clone_from(random.pick(&methods));
        }
        let broken = messages.iter().map(|message| protobuf::hostile(message, random));
        (path, broken.collect())
    })
}

fn points(method: &str) -> String {
    format!("/qdrant.Points/{method}")
}

fn name(random: &mut Random) -> String {
    match random.one_in(8) {
        true => text(random),
        false => (*random.pick(&["a", "b", "alias"])).to_owned(),
    }
}

fn id(random: &mut Random) -> Option<wire::PointId> {
    let options = match random.one_in(4) {
        true => PointIdOptions::Uuid(text(random)),
        false => PointIdOptions::Num(number(random)),
    };
    Some(wire::PointId { point_id_options: Some(options) })
}

#[expect(deprecated, reason = "old clients send it")]
fn vectors(random: &mut Random) -> Option<wire::Vectors> {
    use wire::vector::Vector as Kind;
    let data = vec![f32::from_bits(random.number() as u32), 1.0];
    let vector = match random.below(4) {
        0 => wire::Vector { data, ..wire::Vector::default() },
        1 => {
            wire::Vector { data, vectors_count: Some(number(random) as u32), ..Default::default() }
        }
        2 => {
            let sparse =
                wire::SparseVector { values: data, indices: vec![1, number(random) as u32] };
            wire::Vector { vector: Some(Kind::Sparse(sparse)), ..Default::default() }
        }
        _ => {
            let dense = wire::DenseVector { data };
            wire::Vector { vector: Some(Kind::Dense(dense)), ..Default::default() }
        }
    };
    let options = match random.one_in(2) {
        true => wire::vectors::VectorsOptions::Vector(vector),
        false => {
            let vectors = HashMap::from([("named".to_owned(), vector)]);
            wire::vectors::VectorsOptions::Vectors(wire::NamedVectors { vectors })
        }
    };
    Some(wire::Vectors { vectors_options: Some(options) })
}

fn payload(random: &mut Random) -> HashMap<String, wire::Value> {
    use wire::value::Kind;
    let kind = match random.below(4) {
        0 => Kind::DoubleValue(f64::from_bits(random.number())),
        1 => Kind::IntegerValue(number(random) as i64),
        2 => Kind::StringValue(text(random)),
        _ => Kind::ListValue(wire::ListValue { values: vec![wire::Value::default(); 3] }),
    };
    HashMap::from([(text(random), wire::Value { kind: Some(kind) })])
}

fn filter(random: &mut Random) -> wire::Filter {
    let matching = match random.below(6) {
        0 => MatchValue::Keyword(text(random)),
        3 => MatchValue::Text(text(random)),
        4 => MatchValue::Phrase(text(random)),
        5 => MatchValue::Prefix(text(random)),
        1 => MatchValue::Integer(number(random) as i64),
        _ => MatchValue::Integers(wire::RepeatedIntegers { integers: vec![1, 2] }),
    };
    let field = wire::FieldCondition {
        key: text(random),
        r#match: Some(wire::Match { match_value: Some(matching) }),
        range: Some(wire::Range {
            gte: Some(f64::from_bits(random.number())),
            ..Default::default()
        }),
        ..wire::FieldCondition::default()
    };
    let points = (0..random.below(6)).map(|_| wire::GeoPoint {
        lon: number(random) as f64,
        lat: f64::from_bits(random.number()),
    });
    let line = wire::GeoLineString { points: points.collect() };
    let polygon = wire::GeoPolygon { exterior: Some(line.clone()), interiors: vec![line] };
    let geo_polygon = random.one_in(4).then_some(polygon);
    let field = wire::FieldCondition { geo_polygon, ..field };
    let field = wire::Condition { condition_one_of: Some(ConditionOneOf::Field(field)) };
    let has_id = wire::HasIdCondition { has_id: id(random).into_iter().collect() };
    let has_id = wire::Condition { condition_one_of: Some(ConditionOneOf::HasId(has_id)) };
    wire::Filter { must: vec![field, has_id], ..wire::Filter::default() }
}

fn text_index(random: &mut Random) -> wire::PayloadIndexParams {
    let languages = vec!["english".to_owned(), text(random)];
    let stopwords = wire::StopwordsSet { languages, custom: vec![text(random)] };
    let params = wire::TextIndexParams {
        tokenizer: random.below(6) as i32,
        min_token_len: Some(number(random)),
        max_token_len: random.one_in(2).then(|| number(random)),
        stopwords: random.one_in(2).then_some(stopwords),
        phrase_matching: Some(true),
        ..wire::TextIndexParams::default()
    };
    let index_params = wire::payload_index_params::IndexParams::TextIndexParams(params);
    wire::PayloadIndexParams { index_params: Some(index_params) }
}

fn selector(random: &mut Random) -> Option<wire::PointsSelector> {
    let of = match random.one_in(2) {
        true => PointsSelectorOneOf::Filter(filter(random)),
        false => {
            let ids = id(random).into_iter().collect();
            PointsSelectorOneOf::Points(wire::PointsIdsList { ids })
        }
    };
    Some(wire::PointsSelector { points_selector_one_of: Some(of) })
}

fn write(random: &mut Random) -> Call {
    let collection_name = name(random);
    let point =
        wire::PointStruct { id: id(random), payload: payload(random), vectors: vectors(random) };
    match random.below(4) {
        0 => {
            let points_of = vec![point];
            let request =
                wire::UpsertPoints { collection_name, points: points_of, ..Default::default() };
            one(points("Upsert"), &request)
        }
        1 => {
            let list = PointStructList { points: vec![point], ..Default::default() };
            let operation =
                wire::PointsUpdateOperation { operation: Some(Operation::Upsert(list)) };
            let operations = vec![operation];
            let request =
                wire::UpdateBatchPoints { collection_name, operations, ..Default::default() };
            one(points("UpdateBatch"), &request)
        }
        2 => {
            let request = wire::SetPayloadPoints {
                collection_name,
                payload: payload(random),
                points_selector: selector(random),
                key: random.one_in(2).then(|| text(random)),
                ..wire::SetPayloadPoints::default()
            };
            let method = *random.pick(&["SetPayload", "OverwritePayload"]);
            one(points(method), &request)
        }
        _ => {
            let selected = selector(random);
            let request =
                wire::DeletePoints { collection_name, points: selected, ..Default::default() };
            let method = *random.pick(&["Delete", "ClearPayload"]);
            one(points(method), &request)
        }
    }
}

fn read(random: &mut Random) -> Call {
    let collection_name = name(random);
    let filter = Some(filter(random));
    let near = wire::DenseVector { data: vec![f32::from_bits(random.number() as u32), 1.0] };
    match random.below(6) {
        4 => {
            let (key, limit) = (text(random), Some(number(random)));
            let request =
                wire::FacetCounts { collection_name, key, filter, limit, ..Default::default() };
            one(points("Facet"), &request)
        }
        5 => {
            let sample = Some(number(random));
            let request =
                wire::SearchMatrixPoints { collection_name, filter, sample, ..Default::default() };
            one(points("SearchMatrixPairs"), &request)
        }
        0 => {
            let offset = id(random);
            let limit = Some(number(random) as u32);
            let request =
                wire::ScrollPoints { collection_name, filter, offset, limit, ..Default::default() };
            one(points("Scroll"), &request)
        }
        1 => one(
            points("Count"),
            &wire::CountPoints { collection_name, filter, ..Default::default() },
        ),
        2 => {
            let (vector, limit) = (near.data, number(random));
            let request =
                wire::SearchPoints { collection_name, vector, filter, limit, ..Default::default() };
            one(points("Search"), &request)
        }
        3 => by_examples(random),
        _ => {
            let near =
                wire::VectorInput { variant: Some(wire::vector_input::Variant::Dense(near)) };
            let query = Some(wire::Query { variant: Some(Variant::Nearest(near)) });
            let prefetch = wire::PrefetchQuery { query: query.clone(), ..Default::default() };
            let request = wire::QueryPoints {
                collection_name,
                query,
                filter,
                limit: Some(number(random)),
                prefetch: vec![prefetch; random.below(3)],
                ..wire::QueryPoints::default()
            };
            one(points("Query"), &request)
        }
    }
}

fn by_examples(random: &mut Random) -> Call {
    let (collection_name, limit) = (name(random), number(random));
    let data = vec![f32::from_bits(random.number() as u32), 1.0];
    let dense = wire::vector::Vector::Dense(wire::DenseVector { data });
    let vector = wire::Vector { vector: Some(dense), ..wire::Vector::default() };
    if random.one_in(2) {
        let positive: Vec<_> = (0..random.below(3)).filter_map(|_| id(random)).collect();
        let request = wire::RecommendPoints {
            collection_name,
            positive,
            negative_vectors: vec![vector; random.below(2)],
            filter: Some(filter(random)),
            limit,
            strategy: Some(random.below(4) as i32),
            ..Default::default()
        };
        return one(points("Recommend"), &request);
    }
    use wire::vector_example::Example;
    let example = |example| wire::VectorExample { example: Some(example) };
    let near = example(Example::Vector(vector));
    let target = wire::target_vector::Target::Single(near.clone());
    let pair = wire::ContextExamplePair {
        positive: Some(near),
        negative: id(random).map(|id| example(Example::Id(id))),
    };
    let request = wire::DiscoverPoints {
        collection_name,
        target: random.one_in(2).then_some(wire::TargetVector { target: Some(target) }),
        context: vec![pair; random.below(3)],
        filter: Some(filter(random)),
        limit,
        ..Default::default()
    };
    one(points("Discover"), &request)
}

fn manage(random: &mut Random) -> Call {
    let collection_name = name(random);
    let method = |name: &str| format!("/qdrant.Collections/{name}");
    match random.below(4) {
        0 => {
            let vector = wire::VectorParams {
                size: number(random),
                distance: random.below(6) as i32,
                hnsw_config: Some(wire::HnswConfigDiff {
                    m: Some(number(random)),
                    ..wire::HnswConfigDiff::default()
                }),
                ..wire::VectorParams::default()
            };
            let config = wire::vectors_config::Config::Params(vector);
            let request = wire::CreateCollection {
                collection_name,
                vectors_config: Some(wire::VectorsConfig { config: Some(config) }),
                shard_number: Some(random.below(4) as u32),
                metadata: payload(random),
                ..wire::CreateCollection::default()
            };
            one(method("Create"), &request)
        }
        1 => {
            let field_name = text(random);
            let field_type = Some(random.below(9) as i32);
            let request = wire::CreateFieldIndexCollection {
                collection_name,
                field_name,
                field_type,
                field_index_params: random.one_in(2).then(|| text_index(random)),
                ..wire::CreateFieldIndexCollection::default()
            };
            one(points("CreateFieldIndex"), &request)
        }
        2 => {
            let alias_name = text(random);
            let create = wire::CreateAlias { collection_name, alias_name };
            let action = Some(wire::alias_operations::Action::CreateAlias(create));
            let actions = vec![wire::AliasOperations { action }];
            one(method("UpdateAliases"), &wire::ChangeAliases { actions, timeout: None })
        }
        _ => one(method("Get"), &wire::GetCollectionInfoRequest { collection_name }),
    }
}
