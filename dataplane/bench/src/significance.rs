//! Whether two groups of samples differ by more than chance: the test of Mann and Whitney.
//!
//! Pure. It asks in how many of all ways to deal the samples to two groups of these sizes the ranks
//! would be as uneven as they are, and so assumes nothing of how samples are distributed.

/// Samples of both groups together up to which all ways are counted; beyond, they are taken for
/// normally distributed.
const EXACT_MAX: usize = 60;

/// Two-sided probability that samples of one distribution are ranked as unevenly as these; 1 where
/// a group is empty. Equal samples share their ranks.
pub(crate) fn mann_whitney(a: &[f64], b: &[f64]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 1.0;
    }
    let ranks = doubled_ranks(a, b);
    let sum: usize = ranks[..a.len()].iter().sum();
    if ranks.len() <= EXACT_MAX {
        exact(&ranks, a.len(), sum)
    } else {
        normal(&ranks, a.len(), sum)
    }
}

/// Twice the rank of each sample, those of `a` first: ranks that samples share are halves.
fn doubled_ranks(a: &[f64], b: &[f64]) -> Vec<usize> {
    let all: Vec<f64> = a.iter().chain(b).copied().collect();
    let rank = |sample: &f64| {
        let below = all.iter().filter(|other| *other < sample).count();
        let equal = all.iter().filter(|other| *other == sample).count();
        2 * below + equal + 1
    };
    all.iter().map(rank).collect()
}

/// Of all ways to choose `count` of the ranks, the share whose sum is as far from the middle as
/// `sum` is.
fn exact(ranks: &[usize], count: usize, sum: usize) -> f64 {
    let total: usize = ranks.iter().sum();
    // ways[n][s]: number of ways to choose n of the ranks so far with the sum s.
    let mut ways = vec![vec![0.0_f64; total + 1]; count + 1];
    ways[0][0] = 1.0;
    for &rank in ranks {
        for chosen in (1..=count).rev() {
            let (fewer, these) = ways.split_at_mut(chosen);
            for (to, from) in these[0][rank..].iter_mut().zip(&fewer[chosen - 1]) {
                *to += from;
            }
        }
    }
    // In units that make the middle of the sums a whole number.
    let off = |sum: usize| (sum * ranks.len()).abs_diff(count * total);
    let all: f64 = ways[count].iter().sum();
    let as_far = ways[count].iter().enumerate().filter(|(other, _)| off(*other) >= off(sum));
    as_far.map(|(_, ways)| ways).sum::<f64>() / all
}

/// The same with the normal distribution in place of counting, with corrections for ties and for
/// ranks being whole numbers.
fn normal(ranks: &[usize], count: usize, sum: usize) -> f64 {
    let (n, a) = (ranks.len() as f64, count as f64);
    let b = n - a;
    let mean = a * (n + 1.0) / 2.0;
    let ranks = ranks.iter().map(|rank| *rank as f64 / 2.0);
    let spread: f64 = ranks.map(|rank| (rank - (n + 1.0) / 2.0).powi(2)).sum();
    let variance = a * b / (n * (n - 1.0)) * spread;
    let off = ((sum as f64 / 2.0 - mean).abs() - 0.5).max(0.0);
    if variance > 0.0 { erfc(off / (2.0 * variance).sqrt()) } else { 1.0 }
}

/// The complementary error function for numbers of at least 0, to seven decimals: formula 7.1.26
/// of Abramowitz and Stegun.
fn erfc(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let terms = [0.254_829_592, -0.284_496_736, 1.421_413_741, -1.453_152_027, 1.061_405_429];
    let sum = terms.iter().rev().fold(0.0, |sum, term| (sum + term) * t);
    sum * (-x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }

    #[test]
    fn small_groups_have_the_probabilities_of_the_tables() {
        // Groups that do not overlap: one way of C(6,3), C(8,4) and C(10,5) on each side.
        near(mann_whitney(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]), 2.0 / 20.0);
        near(mann_whitney(&[5.0, 6.0, 7.0, 8.0], &[1.0, 2.0, 3.0, 4.0]), 2.0 / 70.0);
        near(mann_whitney(&[1.0, 2.0, 3.0, 4.0, 5.0], &[6.0, 7.0, 8.0, 9.0, 10.0]), 2.0 / 252.0);
        // U = 2 of 5 and 5: four ways on each side.
        near(mann_whitney(&[1.0, 2.0, 3.0, 4.0, 7.0], &[5.0, 6.0, 8.0, 9.0, 10.0]), 8.0 / 252.0);
    }

    #[test]
    fn what_is_equal_does_not_differ() {
        near(mann_whitney(&[1.0; 5], &[1.0; 5]), 1.0);
        near(mann_whitney(&[1.0], &[2.0]), 1.0);
        near(mann_whitney(&[], &[2.0]), 1.0);
        near(mann_whitney(&[1.0, 4.0], &[2.0, 3.0]), 1.0);
    }

    #[test]
    fn ties_share_their_ranks() {
        // Ranks 1, 2.5 | 2.5, 4: of six sums, 3.5 and 6.5 are as far from 5 as 3.5 is, twice each.
        near(mann_whitney(&[1.0, 2.0], &[2.0, 3.0]), 4.0 / 6.0);
        near(mann_whitney(&[1.0; 5], &[2.0; 5]), 2.0 / 252.0);
    }

    #[test]
    fn many_samples_are_taken_for_normal() {
        let a: Vec<f64> = (0..40).map(f64::from).collect();
        let b: Vec<f64> = (0..40).map(|i| f64::from(i) + 9.5).collect();
        let ranks = doubled_ranks(&a, &b);
        let sum: usize = ranks[..40].iter().sum();
        let (exact, normal) = (exact(&ranks, 40, sum), mann_whitney(&a, &b));
        assert!((exact - normal).abs() < 0.001, "{exact} {normal}");
        // By tables: erfc(1) and erfc(2).
        near(erfc(1.0), 0.157_299);
        near(erfc(2.0), 0.004_678);
    }
}
