//! Claims about all messages: what is read is what was written, and nothing that decodes does harm.

use std::collections::HashMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use serde_json::{Value, json};
use vane_types::{MultiVector, NamedVectors, PointId, SparseVector, Vector as Ours};
use vane_wire::qdrant as wire;
use vane_wire::qdrant::point_id::PointIdOptions;

use super::collection::quantization_of;
use super::config::{Flat, in_json, in_message};
use super::{Form, read, record, text, value, vector};
use crate::engine::{NewPoint, Write};
use crate::error::Error;
use crate::rest::read::PageOf;

fn payload() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Zero has one sign in JSON's integers and two here.
        proptest::num::f64::NORMAL.prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    let nested = leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(".{0,4}", inner, 0..4).prop_map(|fields| json!(fields)),
        ]
    });
    btree_map(".{0,4}", nested, 0..4).prop_map(|fields| json!(fields))
}

fn any_vector() -> impl Strategy<Value = Ours> {
    let number = proptest::num::f32::NORMAL;
    prop_oneof![
        vec(number, 1..40).prop_map(Ours::from),
        btree_map(any::<u32>(), number, 1..9).prop_map(|entries| {
            let (indices, values) = entries.into_iter().unzip();
            Ours::from(SparseVector::new(indices, values).unwrap())
        }),
        (1..4_usize, 1..4_usize, number).prop_map(|(dim, rows, first)| {
            let values = (0..dim * rows).map(|i| first + i as f32).collect();
            Ours::from(MultiVector::new(dim, values).unwrap())
        }),
    ]
}

/// An upsert of one point.
fn upsert(vectors: wire::Vectors, payload: HashMap<String, wire::Value>) -> wire::UpsertPoints {
    let id = wire::PointId { point_id_options: Some(PointIdOptions::Num(7)) };
    let point = wire::PointStruct { id: Some(id), payload, vectors: Some(vectors) };
    wire::UpsertPoints { points: vec![point], ..wire::UpsertPoints::default() }
}

fn one_point(message: wire::UpsertPoints) -> Result<NewPoint, Error> {
    match read(message)?.into_write()? {
        Write::Upsert(mut points) => Ok(points.remove(0)),
        other => panic!("no upsert: {other:?}"),
    }
}

/// What was answered, as a client sends it back: with what new clients read, or old ones.
#[expect(deprecated, reason = "that of old ones")]
fn sent_back(answered: wire::VectorOutput, is_old: bool) -> wire::Vector {
    use wire::vector::Vector as Sent;
    use wire::vector_output::Vector as Answered;
    if is_old {
        let wire::VectorOutput { data, indices, vectors_count, vector: _ } = answered;
        return wire::Vector { data, indices, vectors_count, vector: None };
    }
    let vector = answered.vector.map(|vector| match vector {
        Answered::Dense(dense) => Sent::Dense(dense),
        Answered::Sparse(sparse) => Sent::Sparse(sparse),
        Answered::MultiDense(rows) => Sent::MultiDense(rows),
    });
    wire::Vector { vector, ..wire::Vector::default() }
}

proptest! {
    #[test]
    fn payloads_come_back_as_they_were(json in payload()) {
        let fields = json.as_object().unwrap();
        let back = value::payload(value::fields(fields)).unwrap();
        assert_eq!(&back, fields);
    }

    #[test]
    fn vectors_come_back_in_both_forms(
        vectors in btree_map("[a-c]?", any_vector(), 0..4),
        is_old in any::<bool>(),
    ) {
        let vectors: NamedVectors = vectors;
        use wire::vectors::VectorsOptions as Sent;
        use wire::vectors_output::VectorsOptions as Answered;
        let options = match vector::output(&vectors).vectors_options.unwrap() {
            Answered::Vector(one) => Sent::Vector(sent_back(one, is_old)),
            Answered::Vectors(named) => {
                let each = named.vectors.into_iter();
                let vectors = each.map(|(name, one)| (name, sent_back(one, is_old))).collect();
                Sent::Vectors(wire::NamedVectors { vectors })
            }
        };
        let message = upsert(wire::Vectors { vectors_options: Some(options) }, HashMap::new());
        let point = one_point(message).unwrap();
        assert_eq!((point.id, point.vectors), (PointId::num(7), vectors));
    }

    #[test]
    fn what_decodes_is_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        fn attempt<M: Form + prost::Message + Default>(bytes: &[u8]) {
            if let Ok(message) = M::decode(bytes) {
                let _either = read(message).is_ok();
            }
        }
        attempt::<wire::UpsertPoints>(&bytes);
        attempt::<wire::UpdateBatchPoints>(&bytes);
        attempt::<wire::SetPayloadPoints>(&bytes);
        attempt::<wire::QueryPoints>(&bytes);
        attempt::<wire::QueryBatchPoints>(&bytes);
        attempt::<wire::SearchPoints>(&bytes);
        attempt::<wire::RecommendPoints>(&bytes);
        attempt::<wire::RecommendPointGroups>(&bytes);
        attempt::<wire::DiscoverBatchPoints>(&bytes);
        attempt::<wire::ScrollPoints>(&bytes);
        attempt::<wire::CreateCollection>(&bytes);
        attempt::<wire::UpdateCollection>(&bytes);
        attempt::<wire::CreateFieldIndexCollection>(&bytes);
        attempt::<wire::CreateVectorNameRequest>(&bytes);
        attempt::<wire::ChangeAliases>(&bytes);
        attempt::<wire::CreateShardKeyRequest>(&bytes);
    }
}

#[test]
fn words_are_the_same_in_both() {
    for (name, word) in [
        ("Cosine", "cosine"),
        ("MaxSim", "max_sim"),
        ("OneAndHalfBits", "one_and_half_bits"),
        ("Float32", "float32"),
    ] {
        assert_eq!((in_json(name).as_str(), in_message(word).as_str()), (word, name));
    }
}

#[test]
fn parameters_come_back_as_they_were() {
    let hnsw = json!({"m": 8, "on_disk": true, "payload_m": 0, "memory": "cold"});
    assert_eq!(Value::from(wire::HnswConfigDiff::of(&hnsw).fields().unwrap()), hnsw);
    for method in [
        json!({"scalar": {"type": "int8", "quantile": 0.99, "always_ram": true}}),
        json!({"product": {"compression": "x16", "memory": "pinned"}}),
        json!({"binary": {"encoding": "one_and_half_bits", "query_encoding": "scalar8bits"}}),
        json!({"turbo": {"bits": "bits1_5"}}),
    ] {
        let message = wire::CreateCollection {
            quantization_config: quantization_of(&method),
            ..wire::CreateCollection::default()
        };
        let form = message.form(&mut super::Lists::default()).unwrap();
        assert_eq!(form["quantization_config"], method);
    }
}

#[test]
fn mistakes_are_said_in_the_words_of_rest() {
    let nowhere = wire::Vectors { vectors_options: None };
    let error = one_point(upsert(nowhere, HashMap::new())).unwrap_err();
    assert_eq!(text(&error), "Format error in body: `vectors.vectors_options` is needed");
    let scroll = wire::ScrollPoints { limit: Some(0), ..wire::ScrollPoints::default() };
    let error = read(scroll).unwrap().into_page().unwrap_err();
    assert_eq!(
        text(&error),
        "Validation error in body: [limit: value 0 invalid, must be 1 or larger]"
    );
    let ids = wire::PointId { point_id_options: Some(PointIdOptions::Uuid("x".into())) };
    let get = wire::GetPoints { ids: vec![ids], ..wire::GetPoints::default() };
    let error = text(&read(get).unwrap_err());
    assert!(error.starts_with("Format error in body: ids[0]: "), "{error}");
    let number = wire::Value { kind: Some(wire::value::Kind::DoubleValue(f64::NAN)) };
    let payload = HashMap::from([("k".to_owned(), number)]);
    assert!(value::payload(payload).is_err());
    let words = wire::query::Variant::Text(wire::TextQuery::default());
    let words = wire::Query { variant: Some(words) };
    let query = wire::QueryPoints { query: Some(words), ..wire::QueryPoints::default() };
    let error = text(&read(query).unwrap_err());
    assert!(error.contains("a text without its `model` is not supported"), "{error}");
}

#[test]
fn queries_by_examples_are_written_down_as_rest_has_them() {
    use wire::query::Variant;
    let point = |id| wire::VectorInput {
        variant: Some(wire::vector_input::Variant::Id(wire::PointId {
            point_id_options: Some(PointIdOptions::Num(id)),
        })),
    };
    let pair = wire::ContextInputPair { positive: Some(point(3)), negative: Some(point(4)) };
    let context = wire::ContextInput { pairs: vec![pair] };
    let pairs = json!([{"positive": 3, "negative": 4}]);
    let feedback = wire::FeedbackItem { example: Some(point(2)), score: 0.5 };
    let naive = wire::NaiveFeedbackStrategy { a: 1.0, b: 2.0, c: 3.0 };
    let strategy = wire::feedback_strategy::Variant::Naive(naive);
    for (variant, expected) in [
        (
            Variant::Recommend(wire::RecommendInput {
                positive: vec![point(1)],
                negative: vec![point(2)],
                strategy: Some(wire::RecommendStrategy::SumScores.into()),
            }),
            json!({"recommend": {"positive": [1], "negative": [2], "strategy": "sum_scores"}}),
        ),
        (
            Variant::Discover(wire::DiscoverInput {
                target: Some(point(1)),
                context: Some(context.clone()),
            }),
            json!({"discover": {"target": 1, "context": pairs}}),
        ),
        (Variant::Context(context), json!({ "context": pairs })),
        (
            Variant::NearestWithMmr(wire::NearestInputWithMmr {
                nearest: Some(point(1)),
                mmr: Some(wire::Mmr { diversity: Some(0.25), candidates_limit: None }),
            }),
            json!({"nearest": 1, "mmr": {"diversity": 0.25}}),
        ),
        (
            Variant::RelevanceFeedback(wire::RelevanceFeedbackInput {
                target: Some(point(1)),
                feedback: vec![feedback],
                strategy: Some(wire::FeedbackStrategy { variant: Some(strategy) }),
            }),
            json!({"relevance_feedback": {"target": 1, "feedback": [{"example": 2, "score": 0.5}],
                "strategy": {"naive": {"a": 1.0, "b": 2.0, "c": 3.0}}}}),
        ),
    ] {
        let query = Some(wire::Query { variant: Some(variant) });
        let lookup_from = Some(wire::LookupLocation {
            collection_name: "c".into(),
            vector_name: Some("v".into()),
            shard_key_selector: None,
        });
        let message = wire::QueryPoints { query, lookup_from, ..wire::QueryPoints::default() };
        let form = message.clone().form(&mut super::Lists::default()).unwrap();
        let lookup = json!({"collection": "c", "vector": "v"});
        assert_eq!(form, json!({ "query": expected, "lookup_from": lookup }));
        assert!(read(message).unwrap().into_query().is_ok());
    }
}

#[test]
fn a_page_of_several_tenants_goes_on_by_a_text() {
    let of_tenant = PointId::num(7).of(vane_types::TenantId::from_number(3).unwrap());
    let next = record::next_page(crate::rest::record::Next::OfTenant(of_tenant));
    assert_eq!(next.point_id_options, Some(PointIdOptions::Uuid("3:7".into())));
    let scroll = wire::ScrollPoints { offset: Some(next), ..wire::ScrollPoints::default() };
    let page = read(scroll).unwrap().into_page().unwrap();
    assert!(matches!(page, PageOf::Ids(scroll) if scroll.offset == Some(of_tenant)));
}

#[test]
fn the_points_by_which_an_index_is_rare_are_written_down() {
    let form = |corpus| {
        let params = wire::SearchParams {
            idf: Some(wire::IdfParams { corpus }),
            ..wire::SearchParams::default()
        };
        let message = wire::QueryPoints { params: Some(params), ..wire::QueryPoints::default() };
        assert!(read(message.clone()).unwrap().into_query().is_ok());
        message.form(&mut super::Lists::default()).unwrap()
    };
    let corpus = Some(wire::Filter::default());
    assert_eq!(form(corpus), json!({ "params": { "idf": { "corpus": {} } } }));
    assert_eq!(form(None), json!({ "params": {} }));
}
