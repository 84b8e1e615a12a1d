//! Sizes by Zipf's law: the item of rank r has a share in proportion to 1 / r^s.
//!
//! Pure; what is drawn is drawn by the caller.

/// Items by rank, from 0.
#[derive(Debug, Clone)]
pub(crate) struct Zipf {
    /// Share of all items up to each rank; the last is 1.
    up_to: Vec<f64>,
}

impl Zipf {
    /// So many items, at least one.
    pub(crate) fn new(items: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let shares = (1..=items.max(1)).map(|rank| (rank as f64).powf(-exponent));
        let sums: Vec<f64> = shares
            .map(|share| {
                sum += share;
                sum
            })
            .collect();
        Self { up_to: sums.into_iter().map(|up_to| up_to / sum).collect() }
    }

    /// The item that a number in 0..1 falls to.
    pub(crate) fn rank(&self, drawn: f64) -> usize {
        self.up_to.partition_point(|up_to| *up_to <= drawn).min(self.up_to.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_has_half_of_the_first_and_the_last_a_share_of_its_rank() {
        let zipf = Zipf::new(1000, 1.0);
        let mut counts = vec![0_usize; 1000];
        let draws = 1_000_000;
        (0..draws).for_each(|i| counts[zipf.rank((f64::from(i) + 0.5) / f64::from(draws))] += 1);
        // The sum of 1/r up to 1,000 is 7.4855.
        let first = f64::from(draws) / 7.4855;
        for rank in [1, 2, 10, 1000] {
            let expected = first / rank as f64;
            let found = counts[rank - 1] as f64;
            assert!(
                (found - expected).abs() < 2.0 + expected / 1000.0,
                "{rank} {found} {expected}"
            );
        }
    }

    #[test]
    fn every_number_falls_to_an_item() {
        let zipf = Zipf::new(3, 1.0);
        assert_eq!([zipf.rank(0.0), zipf.rank(0.999_999), zipf.rank(1.0)], [0, 2, 2]);
        assert_eq!(Zipf::new(0, 1.0).rank(0.5), 0);
    }
}
