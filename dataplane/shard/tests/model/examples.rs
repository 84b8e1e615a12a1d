//! Searches by examples find what every rule, worked out by itself over all points, puts first.

use vane_shard::{
    Alone, Examples, NewPoint, Rule, Search, SearchParams, SearchWay, Selection, Sought, Write,
};
use vane_storage::MemoryKv;
use vane_types::{OwnId, PointId, Vector};

use crate::world::{DIM, Replica, number_is, payload, search, soon};

const IDS: u64 = 400;
const GONE: std::ops::Range<u64> = 30..60;

fn values(seed: u64) -> Vec<f32> {
    let value = |place| ((seed * 31 + place * 17 + 5) as f32 * 0.7311).sin();
    (0..DIM as u64).map(value).collect()
}

/// Points in memory and in segments with graphs, some of them dead.
fn replica() -> Replica {
    let replica = Replica::founded(MemoryKv::default());
    let point = |id: u64| NewPoint {
        id: PointId::num(id),
        vectors: [(String::new(), values(id).into())].into(),
        payload: payload(id as i64 % 4),
    };
    let ids: Vec<u64> = (0..IDS).collect();
    for part in ids.chunks(90) {
        assert!(replica.write(Write::Upsert(part.iter().copied().map(point).collect())));
        if part[0] < 300 {
            (0..12).for_each(|_| replica.run_jobs());
        }
    }
    let gone = GONE.map(PointId::num).collect();
    assert!(replica.write(Write::Delete(Selection::Ids(gone))));
    replica
}

/// The negative square of the distance.
fn similarity(a: &[f32], b: &[f32]) -> f64 {
    let square = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
    -a.iter().zip(b).map(square).sum::<f64>()
}

fn fold(x: f64) -> f64 {
    x / (1.0 + x.abs())
}

fn expected(rule: &Rule, examples: &[Vec<f32>], row: &[f32]) -> f64 {
    let similar: Vec<f64> = examples.iter().map(|example| similarity(example, row)).collect();
    let sigmoid = |x| (fold(x) + 1.0) / 2.0;
    match rule {
        Rule::BestScore { positive } => {
            let best = |similar: &[f64]| similar.iter().copied().fold(f64::MIN, f64::max);
            let (p, n) = (best(&similar[..*positive]), best(&similar[*positive..]));
            if p > n { sigmoid(p) } else { -sigmoid(n) }
        }
        Rule::Weighted(weights) => {
            weights.iter().zip(&similar).map(|(weight, x)| f64::from(*weight) * x).sum()
        }
        Rule::Discover => {
            let side = |pair: &[f64]| (pair[0] - pair[1]).signum();
            similar[1..].chunks(2).map(side).sum::<f64>() + sigmoid(similar[0])
        }
        Rule::Context => {
            let loss = |pair: &[f64]| fold((pair[0] - pair[1] - f64::from(f32::EPSILON)).min(0.0));
            similar.chunks(2).map(loss).sum()
        }
    }
}

fn rules() -> Vec<(Rule, usize)> {
    vec![
        (Rule::BestScore { positive: 1 }, 1),
        (Rule::BestScore { positive: 3 }, 5),
        (Rule::BestScore { positive: 0 }, 2),
        (Rule::Weighted(vec![1.0, 1.0, -1.0]), 3),
        (Rule::Weighted(vec![0.5, -0.25, -0.25, 0.75]), 4),
        (Rule::Discover, 1),
        (Rule::Discover, 7),
        (Rule::Context, 6),
        (Rule::Context, 0),
    ]
}

fn by(rule: &Rule, examples: &[Vec<f32>], search: Search) -> Search {
    let vectors = examples.iter().cloned().map(Vector::from).collect();
    let sought = Sought::Examples(Examples::new(rule.clone(), vectors).unwrap());
    Search { sought, ..search }
}

fn found(replica: &Replica, search: &Search) -> Vec<(u64, f64)> {
    let found = replica.shard.search(search, soon(), &Alone).unwrap();
    let shown = |scored: vane_shard::Scored| {
        let OwnId::Num(id) = scored.record.id.own else { panic!("only numbers were written") };
        (id, f64::from(scored.score))
    };
    found.into_iter().map(shown).collect()
}

#[test]
fn every_rule_is_that_of_a_look_at_all_points() {
    let replica = replica();
    for (rule, count) in rules() {
        let examples: Vec<Vec<f32>> = (0..count as u64).map(|n| values(9_000 + n)).collect();
        for number in [None, Some(1)] {
            let living = (0..IDS).filter(|id| !GONE.contains(id));
            let matching = living.filter(|id| number.is_none_or(|n| *id as i64 % 4 == n));
            let all: Vec<(u64, f64)> =
                matching.map(|id| (id, expected(&rule, &examples, &values(id)))).collect();
            let mut best: Vec<f64> = all.iter().map(|(_, score)| *score).collect();
            best.sort_by(|a, b| b.total_cmp(a));
            for exact in [false, true] {
                let params = SearchParams { exact, ..SearchParams::default() };
                let base = Search { params, ..search(0.0, number.map(number_is), 20) };
                let found = found(&replica, &by(&rule, &examples, base));
                assert_eq!(found.len(), 20, "{rule:?}");
                for ((id, score), best) in found.iter().zip(&best) {
                    let (_, of_id) = all.iter().find(|(other, _)| other == id).unwrap();
                    assert!((score - of_id).abs() < 1e-5, "{rule:?}: {id} {score} {of_id}");
                    assert!((score - best).abs() < 1e-5, "{rule:?}: {score} {best}");
                }
            }
        }
    }
}

#[test]
fn more_is_better_and_thresholds_go_by_the_distance() {
    let replica = replica();
    let examples = [values(9_000), values(9_001)];
    let rule = Rule::Weighted(vec![1.0, -1.0]);
    let all = found(&replica, &by(&rule, &examples, search(0.0, None, 1_000)));
    assert!(all.is_sorted_by(|a, b| a.1 > b.1 || (a.1 == b.1 && a.0 < b.0)));
    // As Qdrant has it: below a threshold is better for distances, also where a rule says more.
    let limited = Search { score_threshold: Some(0.0), ..search(0.0, None, 1_000) };
    let limited = found(&replica, &by(&rule, &examples, limited));
    let below: Vec<_> = all.iter().copied().filter(|(_, score)| *score < 0.0).collect();
    assert_eq!(limited, below);
    assert!(!below.is_empty() && below.len() < all.len());
}

#[test]
fn points_that_are_excluded_make_room_for_others() {
    let replica = replica();
    let (rule, examples) = (Rule::BestScore { positive: 1 }, [values(77), values(9)]);
    let base = search(0.0, None, 5);
    let with = found(&replica, &by(&rule, &examples, base.clone()));
    assert_eq!(with[0].0, 77);
    let base = Search { exclude: vec![PointId::num(77)], ..base };
    let without = found(&replica, &by(&rule, &examples, base));
    assert_eq!((without.len(), &without[..4]), (5, &with[1..]));
}

#[test]
fn examples_have_the_size_of_the_vectors() {
    let replica = replica();
    for examples in [vec![vec![1.0; DIM + 1]], vec![vec![1.0; DIM], vec![]]] {
        let rule = Rule::BestScore { positive: 1 };
        let search = by(&rule, &examples, search(0.0, None, 5));
        let refused = replica.shard.search(&search, soon(), &Alone).map(drop).unwrap_err();
        assert!(refused.to_string().starts_with("Vector dimension error: expected dim: 4, got"));
    }
    let unknown = Search { using: "other".into(), ..by(&Rule::Context, &[], search(0.0, None, 5)) };
    assert!(replica.shard.search(&unknown, soon(), &Alone).is_err());
}

/// A segment with a graph over more points than walks look at.
fn large() -> Replica {
    let replica = Replica::founded(MemoryKv::default());
    let point = |id: u64| NewPoint {
        id: PointId::num(id),
        vectors: [(String::new(), values(id * 7).into())].into(),
        payload: payload(id as i64 % 4),
    };
    assert!(replica.write(Write::Upsert((0..6_000).map(point).collect())));
    (0..12).for_each(|_| replica.run_jobs());
    assert_eq!(replica.shard.info().indexed_vectors, 6_000);
    replica
}

#[test]
fn walks_find_what_a_look_at_all_points_finds() {
    let replica = large();
    let ways = |search: &Search| -> Vec<SearchWay> {
        let parts = replica.shard.explain(search, soon()).unwrap();
        parts.into_iter().map(|part| part.way).collect()
    };
    for (rule, count, may_walk) in [
        (Rule::BestScore { positive: 2 }, 4, true),
        (Rule::Weighted(vec![1.0, 1.0, -0.5]), 3, true),
        (Rule::Weighted(vec![1.0, -1.0]), 2, false),
        (Rule::Discover, 3, true),
        (Rule::Context, 4, false),
        (Rule::BestScore { positive: 0 }, 2, false),
    ] {
        let (mut hits, mut walked) = (0, false);
        for seed in 0..20 {
            let examples: Vec<Vec<f32>> =
                (0..count as u64).map(|n| values(100_000 + seed * 10 + n)).collect();
            let search = by(&rule, &examples, search(0.0, None, 5));
            let params = SearchParams { exact: true, ..search.params };
            let exact = found(&replica, &Search { params, ..search.clone() });
            let found = found(&replica, &search);
            assert_eq!(found.len(), 5);
            hits += found.iter().filter(|hit| hit.1 >= exact[4].1 - 1e-6).count();
            walked |= ways(&search).contains(&SearchWay::Graph);
        }
        assert_eq!(walked, may_walk, "{rule:?}");
        assert!(hits >= 95, "{rule:?}: {hits} of 100");
    }
}
