//! Numbers that look drawn and are the same in every run.
//!
//! Pure. They are SplitMix64's, whose steps can be taken in any order: a point gets the same
//! numbers whoever asks for them, and however many others there are.

/// Numbers of one purpose: a seed and how many were drawn.
#[derive(Debug, Clone)]
pub(crate) struct Draw {
    state: u64,
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Draw {
    /// The numbers of item `number` under a seed.
    pub(crate) fn of(seed: u64, number: u64) -> Self {
        // Mixed first: neighbours under one seed are far apart then.
        Self { state: mix(seed.wrapping_add(mix(number.wrapping_mul(STEP)))) }
    }

    /// The next number, of all of 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// The next in 0..1.
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The next below `limit`, which is above 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    /// The next two of a normal distribution with mean 0 and deviation 1, by Box and Muller.
    pub(crate) fn normal_pair(&mut self) -> [f64; 2] {
        // Above 0, whose logarithm would be none.
        let (a, b) = (1.0 - self.share(), self.share());
        let (length, angle) = ((-2.0 * a.ln()).sqrt(), std::f64::consts::TAU * b);
        [length * angle.cos(), length * angle.sin()]
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_their_mean_and_deviation() {
        let mut draw = Draw::of(1, 0);
        let numbers: Vec<f64> = (0..50_000).flat_map(|_| draw.normal_pair()).collect();
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        let variance = numbers.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }

    #[test]
    fn neighbours_draw_different_numbers_and_each_the_same_again() {
        let first = |seed, number| Draw::of(seed, number).next();
        assert_eq!(first(7, 3), first(7, 3));
        assert!(first(7, 3) != first(7, 4) && first(7, 3) != first(8, 3));
        let mut draw = Draw::of(1, 1);
        assert!((0..1000).all(|_| draw.below(3) < 3 && draw.share() < 1.0));
    }
}
