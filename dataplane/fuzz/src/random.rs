//! Choices drawn from a seed: the same seed draws the same input on every machine.

/// A generator of 64 bits (splitmix64), one for each case.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The choices of one case.
    pub fn new(seed: u64, case: u64) -> Self {
        let mut random = Self(seed);
        // Stirred, so that neighbouring cases have nothing in common.
        let stirred = random.number() ^ case.wrapping_mul(0xd6e8_feb8_6659_fd93);
        Self(stirred)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end as u64) as usize
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of some things.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
