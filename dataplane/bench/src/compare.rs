//! Two runs beside each other: for each figure that both have, how much it changed and whether
//! that is more than chance.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Parser;
use serde::Serialize;

use crate::error::Error;
use crate::figures::{Better, Figure};
use crate::output::Run;
use crate::significance::mann_whitney;
use crate::table::{Table, cell};

/// Changes that chance makes once in so many figures count as changes.
const SIGNIFICANT: f64 = 0.05;

/// Compares two runs, as files of `--json` have them.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// The run that the other is held against.
    a: PathBuf,
    /// The other.
    b: PathBuf,
    /// Ends with 1 where a figure of B is worse by more than this, such as `3%`, and that is
    /// significant.
    #[arg(long, value_parser = share)]
    threshold: Option<f64>,
    /// Only figures that changed significantly.
    #[arg(long)]
    changed: bool,
    /// For scripts.
    #[arg(long)]
    json: bool,
}

/// One figure of both runs.
#[derive(Debug, Serialize)]
struct Change {
    name: String,
    unit: String,
    a: f64,
    b: f64,
    /// B's median as a share of A's.
    ratio: f64,
    /// Two-sided probability of the test of Mann and Whitney.
    p: f64,
    samples: (usize, usize),
    significant: bool,
    /// By which share B is worse; below 0 where it is better.
    worse: f64,
}

impl Change {
    fn of(a: &Figure, b: &Figure) -> Self {
        let (was, is) = (a.median(), b.median());
        let ratio = if was == is { 1.0 } else { is / was };
        let p = mann_whitney(&a.samples, &b.samples);
        let worse = match a.better {
            Better::Higher => 1.0 - ratio,
            Better::Lower => ratio - 1.0,
        };
        Self {
            name: a.name(),
            unit: a.unit.clone(),
            a: was,
            b: is,
            ratio,
            p,
            samples: (a.samples.len(), b.samples.len()),
            significant: p < SIGNIFICANT,
            worse,
        }
    }

    fn is_worse(&self, threshold: f64) -> bool {
        self.significant && self.worse > threshold
    }

    fn verdict(&self) -> &'static str {
        match (self.significant, self.worse) {
            (true, worse) if worse > 0.0 => "worse",
            (true, worse) if worse < 0.0 => "better",
            _ => "",
        }
    }
}

/// Prints the comparison; whether a figure is worse than the threshold allows.
///
/// # Errors
/// When a file cannot be read or is none of a run.
pub(crate) fn run(args: &Args) -> Result<bool, Error> {
    let (a, b) = (read(&args.a)?, read(&args.b)?);
    let changes = changes(&a.figures, &b.figures);
    if changes.is_empty() {
        return Err(Error::data(&args.b, "it has no figure that the other run has"));
    }
    let shown = changes.iter().filter(|change| change.significant || !args.changed);
    if args.json {
        let shown: Vec<&Change> = shown.collect();
        let text = serde_json::to_string_pretty(&shown).map_err(|e| Error::data(&args.b, e))?;
        print(&format!("{text}\n"), &args.b)?;
    } else {
        let machines =
            if a.machine == b.machine { "" } else { "the runs are of different machines\n" };
        print(&format!("{machines}{}", table(shown).text()), &args.b)?;
    }
    let worse = |threshold| changes.iter().any(|change| change.is_worse(threshold));
    Ok(args.threshold.is_some_and(worse))
}

/// Prints; a reader that has seen enough is no failure.
fn print(text: &str, of: &Path) -> Result<(), Error> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Error::data(of, e)),
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<Run, Error> {
    let text = std::fs::read(path).map_err(|e| Error::data(path, e))?;
    serde_json::from_slice(&text).map_err(|e| Error::data(path, e))
}

/// Of each figure of both, in the order of the first run.
fn changes(a: &[Figure], b: &[Figure]) -> Vec<Change> {
    let pairs = a.iter().filter_map(|a| {
        let same = b.iter().find(|b| b.name() == a.name() && b.unit == a.unit)?;
        Some(Change::of(a, same))
    });
    pairs.collect()
}

fn table<'c>(changes: impl Iterator<Item = &'c Change>) -> Table {
    let mut table = Table::new("", ["A", "B", "B/A", "p", ""].map(str::to_owned));
    for change in changes {
        let figure = |value| format!("{} {}", cell(Some(value), &change.unit), change.unit);
        let cells = [
            figure(change.a),
            figure(change.b),
            format!("{:.3}", change.ratio),
            format!("{:.3}", change.p),
            change.verdict().to_owned(),
        ];
        table.row(&change.name, cells);
    }
    table
}

/// A share, as `3%` or `0.03`.
fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let value: f64 = number.trim().parse().map_err(|_| format!("{text} is no share"))?;
    if value >= 0.0 { Ok(value / unit) } else { Err(format!("{text} is below 0")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{Figures, Measure, P50, QPS};

    fn figures(measure: Measure, samples: &[f64]) -> Vec<Figure> {
        let mut figures = Figures::default();
        figures.add("curve", ("Vane", "ef 64"), measure, samples.to_vec());
        figures.all().to_vec()
    }

    fn change(measure: Measure, a: &[f64], b: &[f64]) -> Change {
        changes(&figures(measure, a), &figures(measure, b)).remove(0)
    }

    const A: [f64; 5] = [100.0, 101.0, 102.0, 103.0, 104.0];
    const B: [f64; 5] = [90.0, 91.0, 92.0, 93.0, 94.0];

    #[test]
    fn fewer_queries_a_second_are_worse_and_shorter_latencies_better() {
        let slower = change(QPS, &A, &B);
        assert!(slower.is_worse(0.03) && !slower.is_worse(0.2));
        assert_eq!(slower.verdict(), "worse");
        let shorter = change(P50, &A, &B);
        assert!(!shorter.is_worse(0.0));
        assert_eq!(shorter.verdict(), "better");
    }

    #[test]
    fn what_chance_may_have_done_is_not_worse() {
        let noisy = change(QPS, &[100.0, 80.0, 120.0], &[95.0, 70.0, 110.0]);
        assert!(noisy.worse > 0.03 && !noisy.is_worse(0.03));
        assert_eq!(noisy.verdict(), "");
    }

    #[test]
    fn only_figures_of_both_are_compared() {
        assert!(changes(&figures(QPS, &A), &figures(P50, &A)).is_empty());
    }

    #[test]
    fn a_threshold_is_a_share_or_a_percentage() {
        assert_eq!(share("3%"), Ok(0.03));
        assert_eq!(share("0.5"), Ok(0.5));
        assert!(share("-1%").is_err() && share("much").is_err());
    }
}
