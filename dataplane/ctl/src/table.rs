//! Tables as kubectl prints them: columns without borders.

/// Spaces between two columns.
const GAP: u16 = 3;

/// Rows of text under named columns, of which the last ones may be for wide output only.
#[derive(Debug)]
pub(crate) struct Table {
    header: Option<Vec<String>>,
    /// How many columns narrow output has.
    narrow: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns; `wide` ones stand at the end, in wide output only.
    pub(crate) fn new(columns: &[&str], wide: &[&str]) -> Self {
        let header = columns.iter().chain(wide).map(ToString::to_string).collect();
        Self { header: Some(header), narrow: columns.len(), rows: Vec::new() }
    }

    /// Names and values, one pair a line. An empty name goes on with the one above.
    pub(crate) fn fields<const N: usize>(pairs: [(&str, String); N]) -> Self {
        let mut table = Self { header: None, narrow: 2, rows: Vec::new() };
        for (name, value) in pairs {
            table.field(name, value);
        }
        table
    }

    /// Adds a pair to a table of [`Table::fields`].
    pub(crate) fn field(&mut self, name: &str, value: String) {
        self.rows.push(vec![name.into(), value]);
    }

    /// Adds a row, with a cell for each column. An empty cell shows as `-`, so that a
    /// script may count columns.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let filled = cells.into_iter().map(|cell| if cell.is_empty() { "-".into() } else { cell });
        self.rows.push(filled.collect());
    }

    /// The lines of the table, each with its line end.
    pub(crate) fn render(&self, headers: bool, wide: bool) -> String {
        let columns = if wide { usize::MAX } else { self.narrow };
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        for row in self.header.iter().filter(|_| headers).chain(&self.rows) {
            table.add_row(row.iter().take(columns).map(|cell| printable(cell)));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, GAP));
        }
        // The last column is padded as well, and would wrap in a narrow terminal.
        table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

/// The text with `?` for each control character. Names come from clients: none may move the
/// cursor or break the line.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::Table;

    fn cells<const N: usize>(cells: [&str; N]) -> [String; N] {
        cells.map(str::to_owned)
    }

    fn nodes() -> Table {
        let mut table = Table::new(&["ID", "NAME"], &["ZONE"]);
        table.row(cells(["1", "vane-0", "a"]));
        table.row(cells(["12", "", "größer"]));
        table
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        assert_eq!(nodes().render(true, false), "ID   NAME\n1    vane-0\n12   -\n");
        assert_eq!(
            nodes().render(true, true),
            "ID   NAME     ZONE\n1    vane-0   a\n12   -        größer\n"
        );
    }

    #[test]
    fn without_headers_only_rows_count() {
        assert_eq!(nodes().render(false, false), "1    vane-0\n12   -\n");
        assert_eq!(Table::new(&["ID"], &[]).render(false, false), "");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let mut table = Table::new(&["NAME"], &[]);
        table.row(cells(["a\u{1b}[2J\nb"]));
        assert_eq!(table.render(false, false), "a?[2J?b\n");
    }

    #[test]
    fn fields_have_no_header() {
        let mut table = Table::fields([("Nodes", "3".into())]);
        table.field("", "more".into());
        assert_eq!(table.render(true, false), "Nodes   3\n        more\n");
    }
}
