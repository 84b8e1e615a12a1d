//! The figures of each crate.

use crate::cycles;
use crate::sizes::functions;
use crate::words::Words;
use crate::workspace::{Package, Workspace};

/// What is counted of a crate, tests aside.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Its folder.
    pub folder: String,
    /// Lines of all files.
    pub lines: usize,
    /// Lines of its longest file.
    pub file_lines_max: usize,
    /// Lines of its longest function.
    pub function_lines_max: usize,
    /// Times that `it` stands in 1,000 lines.
    pub it_rate: usize,
    /// Lines of more than 100 columns.
    pub wide_lines: usize,
    /// Modules of its largest import cycle.
    pub cycle: Vec<String>,
    pub(crate) body_comments: usize,
}

impl Figures {
    /// Those of all crates that have code beside tests.
    pub fn of_all(workspace: &Workspace) -> Vec<Self> {
        let all = workspace.packages.iter().map(|package| Self::of(workspace, package));
        // A crate of tests has nothing to be counted.
        all.filter(|figures| figures.lines > 0).collect()
    }

    fn of(workspace: &Workspace, package: &Package) -> Self {
        let files: Vec<_> = workspace.product(package).collect();
        let words: Vec<Words> = files.iter().map(|(_, text)| Words::of(text)).collect();
        let sum = words.iter().fold(Words::default(), |sum, file| sum.add(*file));
        let functions = files.iter().flat_map(|(_, text)| functions(text));
        Self {
            folder: package.folder.clone(),
            lines: sum.lines,
            file_lines_max: words.iter().map(|file| file.lines).max().unwrap_or_default(),
            function_lines_max: functions.map(|function| function.lines).max().unwrap_or_default(),
            it_rate: sum.it_per_1000_lines(),
            wide_lines: sum.wide_lines,
            cycle: cycles::largest(files.into_iter()),
            body_comments: sum.body_comments,
        }
    }
}

/// The figures as a table for people.
pub fn table(all: &[Figures]) -> String {
    let mut text = format!(
        "{:24}{:>7}{:>6}{:>6}{:>9}{:>12}{:>6}{:>7}\n",
        "crate", "lines", "file", "fn", "it/1000", "comments %", "wide", "cycle"
    );
    for figures in all {
        text.push_str(&format!(
            "{:24}{:>7}{:>6}{:>6}{:>9}{:>12.1}{:>6}{:>7}\n",
            figures.folder,
            figures.lines,
            figures.file_lines_max,
            figures.function_lines_max,
            figures.it_rate,
            100.0 * figures.body_comments as f64 / figures.lines as f64,
            figures.wide_lines,
            figures.cycle.len(),
        ));
    }
    text + "file, fn: lines of the longest; comments: in bodies; wide: lines over 100 columns; \
            cycle: modules of the largest\n"
}
