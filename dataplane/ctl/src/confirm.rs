//! What cannot be undone is confirmed by typing its name.

use std::io::{self, BufRead, IsTerminal};

use crate::error::Error;
use crate::output::write_stderr;

/// A name is short.
const ANSWER_BYTES_MAX: u64 = 256;

/// Asks the person at the terminal to type a name. Nobody there is a no.
///
/// # Errors
/// Where it is not typed. Nothing was changed.
pub(crate) fn confirm(what: &str, name: &str, kind: &str) -> Result<(), Error> {
    // Both: the question goes to stderr, and stdout keeps the result alone.
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Error::Usage(format!(
            "nothing was changed: say --yes to {what}; there is no terminal to ask at"
        )));
    }
    write_stderr(&format!("{what}\ntype the {kind} ({name}) to go on: "));
    let mut answer = String::new();
    let read = io::Read::take(io::stdin().lock(), ANSWER_BYTES_MAX).read_line(&mut answer);
    read.map_err(|source| Error::Terminal { what: "read the answer", source })?;
    match answer.trim() == name {
        true => Ok(()),
        false => Err(Error::Unmet(format!("{kind} {name} was not typed: nothing was changed"))),
    }
}
