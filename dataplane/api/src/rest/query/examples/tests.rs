use vane_types::{PointId, Vector};

use super::super::super::fixture::{assert_refused, parse_text};
use super::super::QueryRequest;
use super::*;
use crate::engine::{By, Query};

fn query(json: &str) -> Result<Query, Error> {
    parse_text::<QueryRequest>(json).and_then(QueryRequest::into_query)
}

fn by(json: &str) -> By {
    query(&format!(r#"{{"query": {json}}}"#)).unwrap().by
}

fn point(id: u64) -> Example {
    Example::Point(PointId::num(id))
}

#[test]
fn recommendations_are_read_with_every_strategy() {
    for (named, strategy) in [
        ("", Strategy::Average),
        (r#", "strategy": null"#, Strategy::Average),
        (r#", "strategy": "average_vector""#, Strategy::Average),
        (r#", "strategy": "best_score""#, Strategy::BestScore),
        (r#", "strategy": "sum_scores""#, Strategy::SumScores),
    ] {
        let json =
            format!(r#"{{"recommend": {{"positive": [7, [1, 2]], "negative": [8]{named}}}}}"#);
        let By::Examples(found) = by(&json) else { panic!("{json}") };
        let positive = vec![point(7), Example::Vector(vec![1.0, 2.0].into())];
        let expected = ByExamples::Recommend { strategy, positive, negative: vec![point(8)] };
        assert_eq!(found, expected, "{json}");
    }
    let sparse = r#"{"recommend": {"positive": [{"indices": [1], "values": [2]}]}}"#;
    let By::Examples(ByExamples::Recommend { positive, .. }) = by(sparse) else { panic!() };
    assert!(matches!(&positive[0], Example::Vector(Vector::Sparse(_))));
}

#[test]
fn context_is_one_pair_or_several() {
    let pair = r#"{"positive": 1, "negative": [2]}"#;
    let pairs = |count| {
        let negative = || Example::Vector(vec![2.0].into());
        (0..count).map(|_| Pair { positive: point(1), negative: negative() }).collect::<Vec<_>>()
    };
    for (json, count) in [(pair.to_owned(), 1), (format!("[{pair}, {pair}]"), 2)] {
        let found = by(&format!(r#"{{"context": {json}}}"#));
        assert!(matches!(found, By::Examples(ByExamples::Context(found)) if found == pairs(count)));
        let found = by(&format!(r#"{{"discover": {{"target": 3, "context": {json}}}}}"#));
        let By::Examples(found) = found else { panic!() };
        assert_eq!(found, ByExamples::Discover { target: point(3), context: pairs(count) });
    }
    let alone = by(r#"{"discover": {"target": 3, "context": null}}"#);
    let By::Examples(alone) = alone else { panic!() };
    assert_eq!(alone, ByExamples::Discover { target: point(3), context: Vec::new() });
}

#[test]
fn feedback_and_diversity_are_read() {
    let json = r#"{"relevance_feedback": {"target": 1, "feedback": [{"example": 2, "score": 0.5}],
        "strategy": {"naive": {"a": 1, "b": 2, "c": 3}}}}"#;
    let By::Examples(ByExamples::Feedback(found)) = by(json) else { panic!() };
    let rated = vec![(point(2), 0.5)];
    assert_eq!(found, Feedback { target: point(1), rated, a: 1.0, b: 2.0, c: 3.0 });
    for (mmr, diversity, candidates) in [
        ("{}", 0.5, None),
        (r#"{"diversity": 0.25, "candidates_limit": 16384}"#, 0.25, Some(16_384)),
        (r#"{"diversity": 1, "candidates_limit": 0}"#, 1.0, Some(0)),
    ] {
        let By::Diverse(found) = by(&format!(r#"{{"nearest": 4, "mmr": {mmr}}}"#)) else {
            panic!("{mmr}")
        };
        assert_eq!(found, Diverse { near: point(4), diversity, candidates }, "{mmr}");
    }
    assert!(matches!(by(r#"{"nearest": 4, "mmr": null}"#), By::Point(_)));
}

#[test]
fn stages_have_lookups_of_their_own() {
    let json = r#"{"query": 1, "lookup_from": {"collection": "a", "shard_key": "k"}, "prefetch": {
        "query": {"recommend": {"positive": [1]}},
        "lookup_from": {"collection": "b", "vector": "v"}}}"#;
    let query = query(json).unwrap();
    let lookup = query.lookup.unwrap();
    assert_eq!((lookup.place.collection.as_str(), lookup.vector), ("a", None));
    assert_eq!(lookup.place.keys.unwrap().keys.len(), 1);
    let below = query.prefetch[0].lookup.clone().unwrap();
    assert_eq!((below.place.collection.as_str(), below.vector.as_deref()), ("b", Some("v")));
}

#[test]
fn long_lists_of_examples_are_vectors_or_ids() {
    let numbers = |count: u64| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let ids = by(&format!(r#"{{"recommend": {{"positive": [{}]}}}}"#, numbers(200)));
    let By::Examples(ByExamples::Recommend { positive, .. }) = ids else { panic!() };
    assert_eq!((positive.len(), &positive[199]), (200, &point(199)));
    let vectors = format!("[{0}], [{0}]", numbers(200));
    let vectors = by(&format!(r#"{{"recommend": {{"positive": [{vectors}, 7]}}}}"#));
    let By::Examples(ByExamples::Recommend { positive, .. }) = vectors else { panic!() };
    assert!(matches!(&positive[1], Example::Vector(vector) if vector.values().len() == 200));
    assert_eq!(positive[2], point(7));
}

#[test]
fn mistakes_get_their_code_and_name_the_field() {
    let naive = |a: &str, b: &str, feedback: &str| {
        format!(
            r#"{{"relevance_feedback": {{"target": 1, "feedback": [{feedback}],
            "strategy": {{"naive": {{"a": {a}, "b": {b}, "c": 1}}}}}}}}"#
        )
    };
    let rated = r#"{"example": 1, "score": 1}"#;
    let cases = [
        (r#"{"recommend": {}}"#.to_owned(), 422, "query.recommend"),
        (r#"{"recommend": {"positive": [], "negative": []}}"#.into(), 422, "query.recommend"),
        (r#"{"recommend": {"positive": 1}}"#.into(), 400, "query.recommend.positive"),
        (r#"{"recommend": {"positive": [-1]}}"#.into(), 400, "query.recommend.positive[0]"),
        (r#"{"recommend": {"positive": [1], "strategy": "x"}}"#.into(), 400, "strategy"),
        (r#"{"recommend": {"positive": [{"text": "x"}]}}"#.into(), 400, "inference"),
        (r#"{"discover": {"context": []}}"#.into(), 400, "target"),
        (r#"{"context": {"positive": 1}}"#.into(), 400, "negative"),
        (r#"{"context": 1}"#.into(), 400, "query.context"),
        (r#"{"mmr": {}}"#.into(), 400, "nearest"),
        (r#"{"nearest": 1, "mmr": {"diversity": 1.5}}"#.into(), 422, "query.mmr.diversity"),
        (r#"{"nearest": 1, "mmr": {"diversity": -0.1}}"#.into(), 422, "query.mmr.diversity"),
        (
            r#"{"nearest": 1, "mmr": {"candidates_limit": 16385}}"#.into(),
            422,
            "query.mmr.candidates_limit",
        ),
        (r#"{"nearest": 1, "recommend": {"positive": [1]}}"#.into(), 400, "exclude"),
        (naive("1", "1", ""), 422, "query.relevance_feedback.feedback"),
        (naive("1", "-1", rated), 422, "query.relevance_feedback.strategy.naive.b"),
        (naive("1e39", "1", rated), 400, "query.relevance_feedback.strategy.naive.a"),
        (naive("1", "1", r#"{"example": 1}"#), 400, "score"),
    ];
    for (json, code, named) in cases {
        let json = format!(r#"{{"query": {json}}}"#);
        assert_refused(&json, &query(&json).expect_err(&json), code, named);
    }
    for (json, named) in [
        (r#"{"query": 1, "lookup_from": {"vector": "v"}}"#, "collection"),
        (r#"{"query": 1, "lookup_from": "c"}"#, "lookup_from"),
    ] {
        assert_refused(json, &query(json).unwrap_err(), 400, named);
    }
}
