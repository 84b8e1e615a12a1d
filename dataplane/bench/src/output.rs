//! What a run leaves: figures with their samples as JSON and CSV, tables on the terminal and as
//! Markdown.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::figures::{Figure, Figures, Measure};
use crate::machine::Machine;
use crate::table::{Table, cell};

/// Figures and tables of a run so far.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// What was measured.
    pub(crate) figures: Figures,
    tables: Vec<Table>,
    /// What sections without figures measured, by section.
    sections: Map<String, Value>,
}

/// A run as a file of JSON has it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Version of this program.
    pub(crate) version: String,
    /// How it was called.
    pub(crate) arguments: Vec<String>,
    /// Where it ran.
    pub(crate) machine: Machine,
    /// What was measured, with all samples.
    pub(crate) figures: Vec<Figure>,
    /// The data set, and sections that have their own form.
    #[serde(flatten)]
    pub(crate) sections: Map<String, Value>,
}

impl Output {
    /// Prints a table, and keeps it.
    pub(crate) fn show(&mut self, table: Table) {
        println!("\n{}", table.text().trim_end());
        self.tables.push(table);
    }

    /// The median of a figure as tables have it.
    pub(crate) fn cell(&self, section: &str, of: (&str, &str), measure: Measure) -> String {
        cell(self.figures.median(section, of, measure), measure.unit)
    }

    /// Keeps what a section measured in a form of its own.
    pub(crate) fn keep(&mut self, section: &str, measured: Value) {
        self.sections.insert(section.to_owned(), measured);
    }

    /// Writes a file of each form that is asked for.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn write(
        self,
        json: Option<&Path>,
        csv: Option<&Path>,
        markdown: Option<&Path>,
    ) -> Result<(), Error> {
        let file = |path: &Path, text: String| {
            std::fs::write(path, text).map_err(|e| Error::output(path, e))
        };
        if let Some(path) = csv {
            file(path, self::csv(self.figures.all()))?;
        }
        if let Some(path) = markdown {
            let tables: Vec<String> = self.tables.iter().map(Table::markdown).collect();
            file(path, tables.join("\n"))?;
        }
        let Some(path) = json else { return Ok(()) };
        let run = Run {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            arguments: std::env::args().skip(1).collect(),
            machine: Machine::here(),
            figures: self.figures.all().to_vec(),
            sections: self.sections,
        };
        let text = serde_json::to_string_pretty(&run).map_err(|e| Error::output(path, e))?;
        file(path, text + "\n")
    }
}

/// Figures as comma-separated values: a line for each, its samples in one field.
fn csv(figures: &[Figure]) -> String {
    let mut text = "section,contender,case,measure,unit,better,median,samples\n".to_owned();
    for figure in figures {
        let samples: Vec<String> = figure.samples.iter().map(f64::to_string).collect();
        let better = serde_json::to_value(figure.better).unwrap_or_default();
        let fields = [
            &figure.section,
            &figure.contender,
            &figure.case,
            &figure.measure,
            &figure.unit,
            better.as_str().unwrap_or_default(),
            &figure.median().to_string(),
            &samples.join(" "),
        ];
        text += &fields.map(quoted).join(",");
        text.push('\n');
    }
    text
}

/// A field in quotes where one of its characters has a meaning.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::QPS;

    #[test]
    fn a_field_with_a_comma_stays_one_field() {
        let mut figures = Figures::default();
        figures.add("curve", ("a \"b\"", "1 client, ef 64"), QPS, vec![1.0, 2.5, 3.0]);
        let expected = "curve,\"a \"\"b\"\"\",\"1 client, ef 64\",qps,1/s,higher,2.5,1 2.5 3";
        assert_eq!(csv(figures.all()).lines().nth(1), Some(expected));
    }
}
