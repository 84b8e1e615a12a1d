//! What was measured, one figure at a time, with each of its samples.
//!
//! Sections add figures; what is written for scripts and compared between runs are these.

use serde::{Deserialize, Serialize};

/// Which way a figure is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// What is measured of a contender.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measure {
    /// Its name, such as `qps`.
    pub(crate) name: &'static str,
    /// Unit of the samples.
    pub(crate) unit: &'static str,
    /// Which way it is better.
    pub(crate) better: Better,
}

const fn higher(name: &'static str, unit: &'static str) -> Measure {
    Measure { name, unit, better: Better::Higher }
}

const fn lower(name: &'static str, unit: &'static str) -> Measure {
    Measure { name, unit, better: Better::Lower }
}

pub(crate) const RECALL: Measure = higher("recall", "share");
pub(crate) const QPS: Measure = higher("qps", "1/s");
pub(crate) const QPS_SHARE: Measure = higher("of no filter", "ratio");
/// A rate beside that of the last side, and the last side's processor time beside one's own: both
/// above 1 where that side is behind.
pub(crate) const LAST_QPS: Measure = higher("qps, of the last", "ratio");
pub(crate) const LAST_CPU: Measure = higher("cpu of the last", "ratio");
pub(crate) const ARRIVED: Measure = higher("points/s", "1/s");
pub(crate) const P50: Measure = lower("p50", "ms");
pub(crate) const P95: Measure = lower("p95", "ms");
pub(crate) const P99: Measure = lower("p99", "ms");
pub(crate) const P999: Measure = lower("p99.9", "ms");
pub(crate) const CPU: Measure = lower("cpu", "ms/query");
pub(crate) const WRITES: Measure = higher("writes/s", "1/s");
pub(crate) const WRITE_CPU: Measure = lower("cpu a write", "ms");
pub(crate) const SYNCS: Measure = lower("syncs a write", "1");
pub(crate) const GAP: Measure = lower("gap", "ms");
pub(crate) const SLOWEST: Measure = lower("slowest", "ms");
pub(crate) const IDLE: Measure = lower("cpu", "% of a core");
pub(crate) const GROUP_BYTES: Measure = lower("a group", "bytes");
pub(crate) const MAKE: Measure = lower("made", "s");
pub(crate) const LOAD: Measure = lower("load", "s");
pub(crate) const GREEN: Measure = lower("green", "s");
pub(crate) const LOAD_CPU: Measure = lower("load_cpu", "s");
pub(crate) const ANONYMOUS: Measure = lower("anonymous", "bytes/point");
pub(crate) const MAPPED: Measure = lower("mapped", "bytes/point");
pub(crate) const DISK: Measure = lower("disk", "bytes/point");

/// One figure of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// The section that measured.
    pub(crate) section: String,
    /// Of what, such as `faiss`.
    pub(crate) contender: String,
    /// Under which conditions, such as `ef 64, 1 client`; empty where there is one only.
    pub(crate) case: String,
    /// Which property.
    pub(crate) measure: String,
    /// Unit of the samples.
    pub(crate) unit: String,
    /// Which way it is better.
    pub(crate) better: Better,
    /// One for each turn; a figure that is taken once has one.
    pub(crate) samples: Vec<f64>,
}

impl Figure {
    /// The middle sample, or the mean of the two in the middle.
    pub(crate) fn median(&self) -> f64 {
        median(&self.samples).unwrap_or(f64::NAN)
    }

    /// What the same figure of another run has too.
    pub(crate) fn name(&self) -> String {
        let parts = [&self.section, &self.contender, &self.case, &self.measure];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.map(String::as_str).collect::<Vec<_>>().join(" / ")
    }
}

/// The figures of a run, in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<Figure>);

impl Figures {
    /// Adds a figure; one without samples was not measured and is left out.
    pub(crate) fn add(
        &mut self,
        section: &str,
        (contender, case): (&str, &str),
        measure: Measure,
        samples: Vec<f64>,
    ) {
        if samples.is_empty() {
            return;
        }
        self.0.push(Figure {
            section: section.to_owned(),
            contender: contender.to_owned(),
            case: case.to_owned(),
            measure: measure.name.to_owned(),
            unit: measure.unit.to_owned(),
            better: measure.better,
            samples,
        });
    }

    /// The median of a figure, if it was measured.
    pub(crate) fn median(
        &self,
        section: &str,
        (contender, case): (&str, &str),
        measure: Measure,
    ) -> Option<f64> {
        let same = |figure: &&Figure| {
            figure.section == section
                && figure.contender == contender
                && figure.case == case
                && figure.measure == measure.name
        };
        self.0.iter().find(same).map(Figure::median)
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Figure] {
        &self.0
    }
}

/// The middle of some samples, or the mean of the two in the middle.
pub(crate) fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle)?;
    Some(if sorted.len().is_multiple_of(2) { (sorted[middle - 1] + upper) / 2.0 } else { *upper })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&[9.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn figures_are_found_by_all_of_their_name() {
        let mut figures = Figures::default();
        figures.add("curve", ("faiss", "ef 64"), QPS, vec![1.0, 2.0]);
        figures.add("curve", ("faiss", "ef 64"), P50, Vec::new());
        assert_eq!(figures.median("curve", ("faiss", "ef 64"), QPS), Some(1.5));
        assert_eq!(figures.median("curve", ("faiss", "ef 64"), P50), None);
        assert_eq!(figures.all()[0].name(), "curve / faiss / ef 64 / qps");
    }
}
