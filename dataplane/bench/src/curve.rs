//! What a contender does at a given recall, from points that were measured at several efforts.
//!
//! Pure. Nothing is extrapolated: a recall that no two points enclose has no answer.

/// One effort of a contender.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    /// Share of the exact answers that were found.
    pub(crate) recall: f64,
    /// What was done in a unit of time; more is better, and it is above 0.
    pub(crate) rate: f64,
}

/// Points that no other equals or exceeds in both respects, by rising recall and so by falling
/// rate.
pub(crate) fn pareto(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| b.recall.total_cmp(&a.recall).then(b.rate.total_cmp(&a.rate)));
    let mut front: Vec<Point> = Vec::new();
    for point in sorted {
        if front.last().is_none_or(|last| point.rate > last.rate) {
            front.push(point);
        }
    }
    front.reverse();
    front
}

/// The rate at a recall: between the two neighbours on the front that enclose it, along a straight
/// line of the logarithm of the rate over the recall.
pub(crate) fn rate_at(points: &[Point], recall: f64) -> Option<f64> {
    let front = pareto(points);
    if let Some(point) = front.iter().find(|point| point.recall == recall) {
        return Some(point.rate);
    }
    let pair = front.windows(2).find(|pair| pair[0].recall < recall && recall < pair[1].recall)?;
    let share = (recall - pair[0].recall) / (pair[1].recall - pair[0].recall);
    let (low, high) = (pair[0].rate.ln(), pair[1].rate.ln());
    Some((low + share * (high - low)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(f64, f64)]) -> Vec<Point> {
        values.iter().map(|&(recall, rate)| Point { recall, rate }).collect()
    }

    #[test]
    fn a_recall_between_two_points_lies_on_the_line_of_logarithms() {
        let points = points(&[(0.9, 1000.0), (1.0, 10.0)]);
        assert!((rate_at(&points, 0.95).unwrap() - 100.0).abs() < 1e-6);
        assert!((rate_at(&points, 0.925).unwrap() - 10_f64.powf(2.5)).abs() < 1e-6);
        assert_eq!(rate_at(&points, 0.9), Some(1000.0));
        assert_eq!(rate_at(&points, 1.0), Some(10.0));
    }

    #[test]
    fn nothing_is_extrapolated() {
        let points = points(&[(0.96, 900.0), (0.98, 400.0)]);
        assert_eq!(rate_at(&points, 0.95), None);
        assert_eq!(rate_at(&points, 0.99), None);
        assert_eq!(rate_at(&points[..1], 0.97), None);
        assert_eq!(rate_at(&[], 0.97), None);
    }

    #[test]
    fn what_another_point_exceeds_does_not_count() {
        // The second finds less than the third and is slower; the last two find the same.
        let all =
            points(&[(0.90, 800.0), (0.92, 100.0), (0.94, 400.0), (0.99, 50.0), (0.99, 60.0)]);
        assert_eq!(pareto(&all), points(&[(0.90, 800.0), (0.94, 400.0), (0.99, 60.0)]));
        let expected = (800.0_f64 * 400.0).sqrt();
        assert!((rate_at(&all, 0.92).unwrap() - expected).abs() < 1e-6);
    }
}
