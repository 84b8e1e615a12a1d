//! How many candidates searches keep, so that they find what their collection is to find. Pure but
//! for the counters.

use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::Mutex;
use vane_types::{FilterClass, Tally};

/// One step more or less.
const STEP: f64 = 1.25;
/// Steps at most: some seven times what the collection says. A graph that misses more then misses
/// it for good, and searches would only grow slower.
const STEPS_MAX: u8 = 9;
/// Candidates that no search keeps more of by itself.
const EF_MAX: usize = 4096;
/// Measured searches after which a mean that is too low counts. A step too many costs a little
/// time, one too few what was promised.
const ENOUGH_TO_RAISE: u64 = 50;
/// Those after which one that is surely high enough counts.
const ENOUGH_TO_LOWER: u64 = 400;

/// The course of each kind of search.
#[derive(Debug, Default)]
pub(crate) struct Pursuit([Course; FilterClass::ALL.len()]);

#[derive(Debug, Default)]
struct Course {
    /// Read by every search.
    steps: AtomicU8,
    /// What was found since the last step.
    found: Mutex<Tally>,
}

impl Pursuit {
    /// Candidates of a search that does not say how many, where the collection says `base`.
    pub(crate) fn ef(&self, class: FilterClass, base: usize) -> usize {
        match self.course(class).steps.load(Ordering::Relaxed) {
            0 => base,
            steps => scaled(base, steps).min(base.max(EF_MAX)),
        }
    }

    /// The same in percent.
    pub(crate) fn percent(&self, class: FilterClass) -> u32 {
        scaled(100, self.course(class).steps.load(Ordering::Relaxed)) as u32
    }

    /// A search that did not say how many found such a share. Whether the next ones keep others.
    pub(crate) fn note(&self, class: FilterClass, share: f64, target: f64) -> bool {
        let Course { steps, found } = self.course(class);
        let mut found = found.lock();
        found.add(share);
        let now = steps.load(Ordering::Relaxed);
        let next = next(now, &found, target);
        if next != now {
            *found = Tally::default();
            steps.store(next, Ordering::Relaxed);
        }
        next != now
    }

    /// Nothing is asked for any more.
    pub(crate) fn forget(&self) {
        for Course { steps, found } in &self.0 {
            steps.store(0, Ordering::Relaxed);
            *found.lock() = Tally::default();
        }
    }

    fn course(&self, class: FilterClass) -> &Course {
        &self.0[class as usize]
    }
}

fn scaled(base: usize, steps: u8) -> usize {
    (base as f64 * STEP.powi(steps.into())).round() as usize
}

/// Steps from now on, after such a tally with these.
fn next(steps: u8, found: &Tally, target: f64) -> u8 {
    let (Some(mean), Some((low, _))) = (found.mean(), found.interval()) else { return steps };
    if found.searches >= ENOUGH_TO_RAISE && mean < target {
        return (steps + 1).min(STEPS_MAX);
    }
    // The whole interval, and half of what may be missing to spare: else it goes to and fro.
    let is_sure = low >= target + (1.0 - target) / 2.0;
    if found.searches >= ENOUGH_TO_LOWER && is_sure { steps.saturating_sub(1) } else { steps }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASS: FilterClass = FilterClass::Narrow;

    /// Searches that find more the more they keep, up to a bound.
    fn settle(pursuit: &Pursuit, target: f64, most: f64) -> f64 {
        let share = || (1.0 - 8.0 / pursuit.ef(CLASS, 100) as f64).min(most);
        for _ in 0..20_000 {
            pursuit.note(CLASS, share(), target);
        }
        share()
    }

    #[test]
    fn effort_grows_until_searches_find_enough_and_no_further() {
        let pursuit = Pursuit::default();
        assert_eq!((pursuit.ef(CLASS, 100), pursuit.percent(CLASS)), (100, 100));
        let found = settle(&pursuit, 0.97, 1.0);
        assert!((0.97..0.98).contains(&found), "{found}");
        assert_eq!(pursuit.ef(FilterClass::None, 100), 100, "others go their own way");
    }

    #[test]
    fn effort_is_bounded_where_searches_cannot_find_enough() {
        let pursuit = Pursuit::default();
        assert!(settle(&pursuit, 0.97, 0.95) < 0.97);
        assert_eq!((pursuit.ef(CLASS, 100), pursuit.percent(CLASS)), (745, 745));
        assert_eq!(pursuit.ef(CLASS, 1000), EF_MAX);
        assert_eq!(pursuit.ef(CLASS, 5000), 5000, "the collection's own counts");
    }

    #[test]
    fn effort_comes_back_when_less_is_enough() {
        let pursuit = Pursuit::default();
        settle(&pursuit, 0.985, 1.0);
        let before = pursuit.ef(CLASS, 100);
        // A better graph was built, or less is asked for.
        for _ in 0..100_000 {
            pursuit.note(CLASS, 0.999, 0.9);
        }
        assert!(before > 100 && pursuit.ef(CLASS, 100) == 100, "{before}");
    }

    #[test]
    fn a_few_searches_decide_nothing() {
        let pursuit = Pursuit::default();
        (1..ENOUGH_TO_RAISE).for_each(|_| assert!(!pursuit.note(CLASS, 0.0, 0.97)));
        assert!(pursuit.note(CLASS, 0.0, 0.97));
        pursuit.forget();
        assert_eq!(pursuit.percent(CLASS), 100);
    }
}
