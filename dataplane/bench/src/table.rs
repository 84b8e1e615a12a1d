//! Tables of figures, for a terminal and as Markdown.

use crate::figures::Measure;

/// A table: what each row is of, then its cells.
#[derive(Debug, Default)]
pub(crate) struct Table {
    title: String,
    head: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(title: &str, head: impl IntoIterator<Item = String>) -> Self {
        let (title, head) = (title.to_owned(), head.into_iter().collect());
        Self { title, head, rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, what: &str, cells: impl IntoIterator<Item = String>) {
        self.rows.push((what.to_owned(), cells.into_iter().collect()));
    }

    /// Aligned for a terminal.
    pub(crate) fn text(&self) -> String {
        let first = self.rows.iter().map(|(what, _)| what.chars().count());
        let first = first.chain([self.title.chars().count()]).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|(_, cells)| cells.get(column));
            let cells = cells.chain(self.head.get(column)).map(|cell| cell.chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let line = |what: &str, cells: &[String]| {
            let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("  {cell:>width$}"));
            format!("{what:<first$}{}\n", cells.collect::<String>())
        };
        let rows = self.rows.iter().map(|(what, cells)| line(what, cells));
        line(&self.title, &self.head) + &rows.collect::<String>()
    }

    /// The same in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let line = |what: &str, cells: &[String]| {
            let cells = cells.iter().map(|cell| format!(" {cell} |"));
            format!("| {what} |{}\n", cells.collect::<String>())
        };
        let rows = self.rows.iter().map(|(what, cells)| line(what, cells));
        let rule = format!("|---|{}\n", "---|".repeat(self.head.len()));
        line(&self.title, &self.head) + &rule + &rows.collect::<String>()
    }
}

/// The head of a column of a measure, such as `p50 ms`.
pub(crate) fn header(measure: Measure) -> String {
    match measure.unit {
        "share" | "ratio" | "1/s" => measure.name.to_owned(),
        unit => format!("{} {unit}", measure.name),
    }
}

/// A figure as a table has it; `-` for one that was not measured.
pub(crate) fn cell(value: Option<f64>, unit: &str) -> String {
    let Some(value) = value else { return "-".to_owned() };
    let decimals = match unit {
        "share" => 4,
        "ms" | "ms/query" => 3,
        "ratio" => 2,
        "s" => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{P50, QPS, RECALL};

    #[test]
    fn a_table_reads_the_same_in_text_and_in_markdown() {
        let mut table = Table::new("", [RECALL, QPS, P50].map(header));
        table.row("ours", [cell(Some(0.5), "share"), cell(Some(1234.4), "1/s"), cell(None, "ms")]);
        assert_eq!(table.text(), "      recall   qps  p50 ms\nours  0.5000  1234       -\n");
        let markdown =
            "|  | recall | qps | p50 ms |\n|---|---|---|---|\n| ours | 0.5000 | 1234 | - |\n";
        assert_eq!(table.markdown(), markdown);
    }
}
