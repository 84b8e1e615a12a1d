//! Points by chance.

use std::collections::HashMap;
use std::time::Instant;

use fastrand::Rng;
use vane_filter::Filter;
use vane_types::PointId;
use vane_types::limits::RESULTS_MAX;

use crate::error::Error;
use crate::shard::Shard;

/// Points drawn at random.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Points to draw from.
    pub filter: Option<Filter>,
    /// Points wanted.
    pub limit: usize,
}

/// A point that was drawn, and by what it was.
///
/// It is as if each matching point of all shards had drawn a number between 0 and 1: the points
/// with the smallest ones are a sample in which each is as likely as any other, whatever the sizes
/// of the shards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawn {
    /// The point.
    pub id: PointId,
    /// Its number.
    pub lot: f64,
}

impl Shard {
    /// Matching points with the smallest numbers that they drew, in the order of these. The same
    /// seed draws the same of the same state.
    ///
    /// # Errors
    /// [`Error::Timeout`], [`Error::NotReady`], [`Error::Storage`].
    pub fn sample(
        &self,
        sample: &Sample,
        seed: u64,
        deadline: Instant,
    ) -> Result<Vec<Drawn>, Error> {
        let view = self.view(sample.filter.as_ref())?;
        let slots = match view.allowed(sample.filter.as_ref(), deadline)? {
            Some(allowed) => allowed.slots.clone(),
            None => view.live.to_bitmap(),
        };
        let mut rng = Rng::with_seed(seed);
        let points = slots.len();
        let wanted = points.min(sample.limit.min(RESULTS_MAX) as u64);
        let (mut shuffled, mut lot) = (HashMap::new(), 0.0);
        let mut drawn = Vec::with_capacity(wanted as usize);
        let state = self.state.read();
        for i in 0..wanted {
            lot = next_lot(lot, points - i, &mut rng);
            // A shuffle that ends as soon as there are enough: places that were not moved hold what
            // they held.
            let at = rng.u64(i..points);
            let place = shuffled.insert(at, *shuffled.get(&i).unwrap_or(&i)).unwrap_or(at);
            let slot = slots.select(place as u32);
            let id = slot.and_then(|slot| state.ids.id(slot));
            // A slot is its point's for ever, unless the state is another one.
            let id = id.ok_or(Error::NotReady { group: self.store.group() })?;
            drawn.push(Drawn { id, lot });
        }
        Ok(drawn)
    }
}

/// The next smallest of the numbers of so many points, all above `last`.
fn next_lot(last: f64, points: u64, rng: &mut Rng) -> f64 {
    // The smallest of n numbers is above x with a chance of (1 - x)^n.
    let gap = -((1.0 - rng.f64()).ln() / points as f64).exp_m1();
    last + (1.0 - last) * gap
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_are_the_smallest_of_as_many_numbers() {
        let mut rng = Rng::with_seed(7);
        let (rounds, points) = (4000, 9);
        let mut means = [0.0; 9];
        for _ in 0..rounds {
            let mut lot = 0.0;
            for (i, mean) in means.iter_mut().enumerate() {
                let next = next_lot(lot, points - i as u64, &mut rng);
                assert!((lot..=1.0).contains(&next));
                lot = next;
                *mean += lot / f64::from(rounds);
            }
        }
        // The mean of the i-th smallest of n numbers is i / (n + 1).
        for (i, mean) in means.iter().enumerate() {
            assert!((mean - (i + 1) as f64 / 10.0).abs() < 0.01, "{means:?}");
        }
    }
}
