//! Stdout and stderr. Results and confirmations go to stdout, in the form that was asked for,
//! progress and remarks to stderr.

use std::io::{self, ErrorKind, IsTerminal, Write};

use serde::Serialize;

use crate::args::{Format, Global};
use crate::client::Client;
use crate::error::Error;
use crate::table::Table;

/// The cluster that a command is for, and where its result goes.
pub(crate) struct Console {
    pub(crate) client: Client,
    pub(crate) output: Output,
}

/// Something to show.
pub(crate) trait View: Serialize {
    /// As people see it.
    fn table(&self) -> Table;

    /// What to say instead of an empty table; `None` when there is something in it.
    fn nothing(&self) -> Option<&'static str> {
        None
    }
}

/// One of the things in a list: an object in JSON, a line of a table.
pub(crate) trait Row: Serialize {
    /// Said where the list is empty.
    const NOTHING: &'static str;
    const COLUMNS: &'static [&'static str];
    /// Further columns of wide output.
    const WIDE: &'static [&'static str];

    /// A cell for each column, those of wide output too.
    fn cells(&self) -> Vec<String>;
}

impl<R: Row> View for Vec<R> {
    fn table(&self) -> Table {
        let mut table = Table::new(R::COLUMNS, R::WIDE);
        self.iter().for_each(|row| table.row(row.cells()));
        table
    }

    fn nothing(&self) -> Option<&'static str> {
        self.is_empty().then_some(R::NOTHING)
    }
}

/// Whether anybody still reads stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    There,
    /// The pipe was closed, as `head` does when it has enough: no error.
    Gone,
}

/// The form of what is printed, and how much of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
    headers: bool,
    pub(crate) quiet: bool,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        Self { format: global.output, headers: !global.no_headers, quiet: global.quiet }
    }

    /// Prints a result.
    pub(crate) fn show(&self, view: &impl View) -> Result<Reader, Error> {
        // JSON has an empty list for this, and scripts need not know our words.
        if self.format != Format::Json
            && let Some(nothing) = view.nothing()
        {
            self.note(nothing);
            return Ok(Reader::There);
        }
        write_stdout(&self.render(view)?)
    }

    /// Prints a result as one of many: JSON on one line, a table in place of the last one
    /// or apart from it.
    pub(crate) fn show_again(&self, view: &impl View, first: bool) -> Result<Reader, Error> {
        if self.format == Format::Json {
            return write_stdout(&json(view, serde_json::to_string)?);
        }
        let before = match (io::stdout().is_terminal(), first) {
            // Cursor home, then clear to the end.
            (true, _) => "\x1b[H\x1b[2J",
            (false, true) => "",
            (false, false) => "\n",
        };
        let text = match view.nothing() {
            // On stdout here: it takes the place of the table before it.
            Some(nothing) => format!("{nothing}\n"),
            None => self.render(view)?,
        };
        write_stdout(&format!("{before}{text}"))
    }

    /// Says that a command was carried out: a sentence, or with `-o json` an object.
    pub(crate) fn confirm(&self, sentence: &str, result: &impl Serialize) -> Result<(), Error> {
        let text = match (self.format, self.quiet) {
            // Also when quiet: who asks for an object reads it.
            (Format::Json, _) => json(result, serde_json::to_string_pretty)?,
            (_, true) => return Ok(()),
            (_, false) => format!("{sentence}\n"),
        };
        write_stdout(&text).map(|_| ())
    }

    /// A remark or progress, on stderr.
    pub(crate) fn note(&self, line: &str) {
        if !self.quiet {
            write_stderr(&format!("{line}\n"));
        }
    }

    fn render(&self, view: &impl View) -> Result<String, Error> {
        match self.format {
            Format::Json => json(view, serde_json::to_string_pretty),
            Format::Table => Ok(view.table().render(self.headers, false)),
            Format::Wide => Ok(view.table().render(self.headers, true)),
        }
    }
}

fn json<V: Serialize>(
    view: &V,
    write: impl Fn(&V) -> serde_json::Result<String>,
) -> Result<String, Error> {
    match write(view) {
        Ok(text) => Ok(text + "\n"),
        Err(error) => {
            Err(Error::Terminal { what: "write the result as JSON", source: error.into() })
        }
    }
}

fn write_stdout(text: &str) -> Result<Reader, Error> {
    let mut stdout = io::stdout().lock();
    // Flushed here: at the end of the process an error would be lost.
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(source) => Err(Error::Terminal { what: "write to stdout", source }),
    }
}

/// Writes to stderr. When even that fails there is nobody left to tell.
pub(crate) fn write_stderr(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
