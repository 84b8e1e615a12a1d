//! What share of the points that it should find a search by graphs finds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Searches after which older ones count half.
const SEARCHES_MAX: u64 = 2000;
/// Parts of one.
const MILLION: f64 = 1e6;
/// Quantile of the normal distribution for an interval that holds 95 times of 100.
const Z: f64 = 1.96;

/// How much of a collection a search's filter leaves: what decides how it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FilterClass {
    /// No filter.
    None,
    /// A tenth of the points or more.
    Wide,
    /// A hundredth or more.
    Narrow,
    /// Less.
    Few,
}

impl FilterClass {
    /// All of them, the widest first.
    pub const ALL: [Self; 4] = [Self::None, Self::Wide, Self::Narrow, Self::Few];

    /// The class of a filter that so many of so many points match; `None` without a filter.
    pub fn of(matching: Option<u64>, points: u64) -> Self {
        match matching {
            None => Self::None,
            Some(matching) if matching.saturating_mul(10) >= points => Self::Wide,
            Some(matching) if matching.saturating_mul(100) >= points => Self::Narrow,
            Some(_) => Self::Few,
        }
    }

    /// Its name, for labels and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Wide => "wide",
            Self::Narrow => "narrow",
            Self::Few => "few",
        }
    }
}

/// What the measured searches of one class found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Searches that were answered exactly as well.
    pub searches: u64,
    /// Sum of the shares that they found, in millionths.
    pub found_ppm: u64,
    /// Candidates that searches now keep which do not say how many, in percent of what the
    /// collection says; 0 where nobody knows.
    #[serde(default)]
    pub ef_percent: u32,
}

impl Tally {
    /// A search found such a share of what it should.
    pub fn add(&mut self, share: f64) {
        if self.searches >= SEARCHES_MAX {
            self.searches /= 2;
            self.found_ppm /= 2;
        }
        self.searches += 1;
        self.found_ppm += (share.clamp(0.0, 1.0) * MILLION).round() as u64;
    }

    /// The mean share; `None` where nothing was measured.
    pub fn mean(&self) -> Option<f64> {
        let mean = self.found_ppm as f64 / MILLION / self.searches as f64;
        (self.searches > 0).then_some(mean.clamp(0.0, 1.0))
    }

    /// Where the mean of all searches lies, 95 times of 100. Wilson's interval, with each search as
    /// one trial: shares vary less than trials that succeed or fail, so that it is rather too wide.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let (mean, searches) = (self.mean()?, self.searches as f64);
        let (z2, scale) = (Z * Z, 1.0 + Z * Z / searches);
        let middle = mean + z2 / (2.0 * searches);
        let half = Z * (mean * (1.0 - mean) / searches + z2 / (4.0 * searches * searches)).sqrt();
        Some((((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0)))
    }
}

/// What searches of each class found lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Recall(pub BTreeMap<FilterClass, Tally>);

impl Recall {
    /// A search found such a share of what it should.
    pub fn add(&mut self, class: FilterClass, share: f64) {
        self.0.entry(class).or_default().add(share);
    }

    /// Adds what was measured elsewhere.
    pub fn merge(&mut self, other: Self) {
        for (class, other) in other.0 {
            let tally = self.0.entry(class).or_default();
            tally.searches = tally.searches.saturating_add(other.searches);
            tally.found_ppm = tally.found_ppm.saturating_add(other.found_ppm);
            tally.ef_percent = tally.ef_percent.max(other.ef_percent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_go_by_the_share_that_matches() {
        assert_eq!(FilterClass::of(None, 1000), FilterClass::None);
        for (matching, class) in [
            (1000, FilterClass::Wide),
            (100, FilterClass::Wide),
            (99, FilterClass::Narrow),
            (10, FilterClass::Narrow),
            (9, FilterClass::Few),
            (0, FilterClass::Few),
        ] {
            assert_eq!(FilterClass::of(Some(matching), 1000), class, "{matching}");
        }
    }

    #[test]
    fn the_interval_narrows_and_is_never_sure_after_a_few() {
        let mut recall = Recall::default();
        let tally = |recall: &Recall| recall.0[&FilterClass::None];
        assert_eq!(Tally::default().interval(), None);
        (0..10).for_each(|_| recall.add(FilterClass::None, 1.0));
        let (low, high) = tally(&recall).interval().unwrap();
        assert!(low < 0.75 && high == 1.0, "{low} {high}");
        (0..990).for_each(|_| recall.add(FilterClass::None, 0.9));
        let (low, high) = tally(&recall).interval().unwrap();
        let mean = tally(&recall).mean().unwrap();
        assert!((mean - 0.901).abs() < 1e-9 && low > 0.88 && high < 0.92, "{low} {mean} {high}");
    }

    #[test]
    fn what_is_old_counts_less() {
        let mut recall = Recall::default();
        (0..SEARCHES_MAX).for_each(|_| recall.add(FilterClass::Few, 0.5));
        (0..SEARCHES_MAX).for_each(|_| recall.add(FilterClass::Few, 1.0));
        let tally = recall.0[&FilterClass::Few];
        assert!(tally.searches <= SEARCHES_MAX && tally.mean().unwrap() > 0.8);
        let mut twice = recall.clone();
        twice.merge(recall);
        let merged = twice.0[&FilterClass::Few];
        assert_eq!((merged.searches, merged.mean()), (2 * tally.searches, tally.mean()));
    }
}
