use vane_types::Vector;

use super::*;

fn score(rule: &Rule, similarities: &[f32]) -> f32 {
    rule.score(similarities.len(), |place| similarities[place])
}

/// As it is written in textbooks, in f64.
fn sigmoid(x: f64) -> f64 {
    0.5 * (x / (1.0 + x.abs()) + 1.0)
}

fn assert_near(found: f32, expected: f64) {
    assert!((f64::from(found) - expected).abs() < 1e-6, "{found} instead of {expected}");
}

#[test]
fn the_best_score_is_that_of_the_nearest_example() {
    let two = Rule::BestScore { positive: 2 };
    assert_near(score(&two, &[0.2, 0.7, 0.5]), sigmoid(0.7));
    assert_near(score(&two, &[0.2, 0.4, 0.5, 0.1]), -sigmoid(0.5));
    assert_near(score(&two, &[0.5, 0.1, 0.5]), -sigmoid(0.5));
    assert_near(score(&two, &[-9.0, -4.0]), sigmoid(-4.0));
    let none = Rule::BestScore { positive: 0 };
    assert_near(score(&none, &[-3.0, 2.0]), -sigmoid(2.0));
    // Squashing keeps the order: of positives the nearer the better, of negatives the farther.
    let of = |similarities| score(&Rule::BestScore { positive: 1 }, similarities);
    assert!(of(&[0.9, 0.1]) > of(&[0.8, 0.1]) && of(&[0.1, 0.8]) > of(&[0.1, 0.9]));
    assert!(of(&[-2.0, -3.0]) > of(&[0.1, 0.2]), "a positive side is better than a negative one");
}

#[test]
fn weighted_similarities_are_added_up() {
    let sum = Rule::Weighted(vec![1.0, 1.0, -1.0]);
    assert_near(score(&sum, &[0.5, 0.25, 2.0]), 0.5 + 0.25 - 2.0);
    let large = Rule::Weighted(vec![1.0, 1.0]);
    assert_eq!(score(&large, &[f32::MAX, f32::MAX]), f32::MAX);
    assert_eq!(score(&Rule::Weighted(vec![-2.0]), &[f32::MAX]), f32::MIN);
}

#[test]
fn discovery_counts_sides_and_then_looks_at_the_target() {
    let of = |similarities| score(&Rule::Discover, similarities);
    assert_near(of(&[0.3]), sigmoid(0.3));
    assert_near(of(&[0.3, 0.9, 0.1, 0.8, 0.2]), 2.0 + sigmoid(0.3));
    assert_near(of(&[-7.0, 0.9, 0.1, 0.2, 0.8]), sigmoid(-7.0));
    assert_near(of(&[0.3, 0.1, 0.9, 0.5, 0.5]), -1.0 + sigmoid(0.3));
    assert!(of(&[-100.0, 0.2, 0.1]) > of(&[100.0, 0.1, 0.1]), "a side outweighs any target");
}

#[test]
fn context_is_the_loss_on_the_wrong_sides() {
    let of = |similarities| score(&Rule::Context, similarities);
    let loss = |x: f64| {
        let x = x - f64::from(f32::EPSILON);
        x / (1.0 + x.abs())
    };
    assert_eq!(of(&[0.9, 0.1, 0.8, 0.2]), 0.0);
    assert_eq!(of(&[]), 0.0);
    assert_near(of(&[0.1, 0.9, 0.8, 0.2]), loss(-0.8));
    assert_near(of(&[0.1, 0.9, 0.2, 0.7]), loss(-0.8) + loss(-0.5));
    assert!(of(&[0.5, 0.5]) < 0.0, "in the middle is not on the right side");
}

#[test]
fn extreme_similarities_stay_finite() {
    for similarities in [[f32::MAX; 5], [f32::MIN; 5], [f32::MAX, f32::MIN, f32::MAX, 0.0, 1.0]] {
        for (rule, count) in [
            (Rule::BestScore { positive: 1 }, 5),
            (Rule::Weighted(vec![f32::MAX; 5]), 5),
            (Rule::Discover, 5),
            (Rule::Context, 4),
        ] {
            let found = score(&rule, &similarities[..count]);
            assert!(found.is_finite(), "{rule:?} of {similarities:?}");
        }
    }
}

#[test]
fn vectors_fit_their_rule() {
    let vectors = |count: usize| vec![Vector::from(vec![1.0]); count];
    let new = |rule, count| Examples::new(rule, vectors(count)).map(|_| ());
    assert_eq!(new(Rule::BestScore { positive: 1 }, 1), Ok(()));
    assert_eq!(new(Rule::BestScore { positive: 0 }, 2), Ok(()));
    assert_eq!(new(Rule::BestScore { positive: 0 }, 0), Err(NoExamples::Empty));
    assert_eq!(new(Rule::BestScore { positive: 2 }, 1), Err(NoExamples::Unpaired(1)));
    assert_eq!(new(Rule::Weighted(vec![1.0]), 1), Ok(()));
    assert_eq!(new(Rule::Weighted(vec![1.0]), 2), Err(NoExamples::Unpaired(2)));
    assert_eq!(new(Rule::Weighted(vec![f32::NAN]), 1), Err(NoExamples::Weight));
    assert_eq!(new(Rule::Weighted(vec![]), 0), Err(NoExamples::Empty));
    assert_eq!(new(Rule::Discover, 3), Ok(()));
    assert_eq!(new(Rule::Discover, 2), Err(NoExamples::Unpaired(2)));
    assert_eq!(new(Rule::Context, 0), Ok(()));
    assert_eq!(new(Rule::Context, 3), Err(NoExamples::Unpaired(3)));
    let most = EXAMPLES_MAX + 1;
    assert_eq!(new(Rule::BestScore { positive: 0 }, most), Err(NoExamples::TooMany(most)));
    let large = vec![Vector::from(vec![0.0; EXAMPLE_VALUES_MAX]), Vector::from(vec![0.0])];
    let refused = Examples::new(Rule::Context, large).unwrap_err();
    assert_eq!(refused, NoExamples::TooLarge(EXAMPLE_VALUES_MAX + 1));
}
