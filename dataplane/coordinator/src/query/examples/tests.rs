use super::*;

fn vector(x: f32) -> Vector {
    vec![x, 1.0].into()
}

fn example(x: f32) -> Example {
    Example::Vector(vector(x))
}

fn point(id: u64) -> Example {
    Example::Point(PointId::num(id))
}

/// Points 1 and 2 have the vector.
fn known() -> Known {
    let vectors = [(PointId::num(1), vector(1.0)), (PointId::num(2), vector(2.0))];
    Known { name: "v".into(), vectors: vectors.into() }
}

fn sought(by: ByExamples) -> Result<Sought, Error> {
    by.into_sought(&known(), Some(2))
}

fn examples(rule: Rule, places: &[f32]) -> Sought {
    let vectors = places.iter().map(|x| vector(*x)).collect();
    Sought::Examples(Examples::new(rule, vectors).unwrap())
}

fn recommend(strategy: Strategy, positive: Vec<Example>, negative: Vec<Example>) -> ByExamples {
    ByExamples::Recommend { strategy, positive, negative }
}

#[test]
fn points_become_vectors_and_strategies_rules() {
    let (positive, negative) = (vec![point(1), example(5.0)], vec![point(2)]);
    let of = |strategy| sought(recommend(strategy, positive.clone(), negative.clone())).unwrap();
    assert_eq!(of(Strategy::Average), Sought::Near(vec![2.0 * 3.0 - 2.0, 1.0].into()));
    let rule = Rule::BestScore { positive: 2 };
    assert_eq!(of(Strategy::BestScore), examples(rule, &[1.0, 5.0, 2.0]));
    let rule = Rule::Weighted(vec![1.0, 1.0, -1.0]);
    assert_eq!(of(Strategy::SumScores), examples(rule, &[1.0, 5.0, 2.0]));
}

#[test]
fn pairs_follow_the_target() {
    let pairs = vec![
        Pair { positive: example(3.0), negative: point(2) },
        Pair { positive: point(1), negative: example(4.0) },
    ];
    let discover = ByExamples::Discover { target: point(2), context: pairs.clone() };
    assert_eq!(sought(discover).unwrap(), examples(Rule::Discover, &[2.0, 3.0, 2.0, 1.0, 4.0]));
    let context = sought(ByExamples::Context(pairs)).unwrap();
    assert_eq!(context, examples(Rule::Context, &[3.0, 2.0, 1.0, 4.0]));
}

#[test]
fn feedback_weighs_every_pair_by_its_difference() {
    let rated = vec![(example(3.0), 0.9), (point(1), 0.1), (example(4.0), 0.5)];
    let (a, b, c) = (0.5, 2.0, 3.0);
    let feedback = Feedback { target: point(2), rated, a, b, c };
    let Sought::Examples(found) = sought(ByExamples::Feedback(feedback)).unwrap() else { panic!() };
    let xs: Vec<f32> = found.vectors().iter().map(|vector| vector.values()[0]).collect();
    assert_eq!(xs, [2.0, 3.0, 1.0, 4.0]);
    let Rule::Weighted(weights) = found.rule() else { panic!() };
    // By pairs, of what a point might be similar to each.
    let (target, similar) = (0.3, [0.7, -0.2, 0.4]);
    let pair = |high: usize, low: usize, difference: f64| {
        difference.powi(2) * 3.0 * (similar[high] - similar[low])
    };
    let expected = 0.5 * target + pair(0, 1, 0.8) + pair(0, 2, 0.4) + pair(2, 1, 0.4);
    let all = [target].into_iter().chain(similar);
    let found: f64 = weights.iter().zip(all).map(|(weight, x)| f64::from(*weight) * x).sum();
    assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
}

#[test]
fn recommendations_pass_over_points_without_the_vector_and_others_do_not() {
    let best = recommend(Strategy::BestScore, vec![point(9), point(1)], vec![point(8)]);
    assert_eq!(sought(best).unwrap(), examples(Rule::BestScore { positive: 1 }, &[1.0]));
    let refused = |by| sought(by).unwrap_err().detail;
    for (strategy, text) in [
        (Strategy::Average, "Positive vectors should not be empty with `average` strategy"),
        (
            Strategy::BestScore,
            "At least one positive or negative vector ID required with this strategy",
        ),
        (
            Strategy::SumScores,
            "At least one positive or negative vector ID required with this strategy",
        ),
    ] {
        assert_eq!(refused(recommend(strategy, vec![point(9)], vec![point(8)])), text);
    }
    let discover = ByExamples::Discover { target: point(9), context: vec![] };
    let error = sought(discover).unwrap_err();
    assert_eq!(error, Error::not_found("Vector with name \"v\" for point 9 not found"));
}

#[test]
fn every_example_is_found_in_what_names_it() {
    let pair = |x| Pair { positive: example(x), negative: point(1) };
    for (mut by, count) in [
        (recommend(Strategy::Average, vec![point(1); 2], vec![example(1.0)]), 3),
        (ByExamples::Discover { target: point(1), context: vec![pair(1.0); 2] }, 5),
        (ByExamples::Context(vec![pair(1.0); 3]), 6),
        (
            ByExamples::Feedback(Feedback {
                target: point(1),
                rated: vec![(point(2), 1.0)],
                a: 1.0,
                b: 1.0,
                c: 1.0,
            }),
            2,
        ),
    ] {
        assert_eq!(by.examples_mut().len(), count);
    }
}
