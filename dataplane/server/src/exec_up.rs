//! `vane up` and its like: handed to `vane-up`, which knows the objects of the Kubernetes
//! API. The node does not.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use thiserror::Error;

/// The program, beside this one or in the path.
const PROGRAM: &str = "vane-up";

/// `vane-up` did not start.
#[derive(Debug, Error)]
pub enum ExecError {
    /// It is not installed.
    #[error(
        "`vane {verb}` needs the program {}, which is neither beside this one nor in PATH; \
         install it there",
        PROGRAM
    )]
    Missing { verb: String },
    /// The system refused it.
    #[error("failed to run {}: {source}", program.display())]
    Failed { program: PathBuf, source: io::Error },
}

/// Becomes `vane-up VERB ARGUMENTS`, with this binary as the node; returns only when it
/// could not.
pub fn exec_up(verb: &str, arguments: &[OsString]) -> ExecError {
    let own = std::env::current_exe().ok();
    // Beside this one first: both are of one version.
    let beside = own.as_ref().map(|own| own.with_file_name(PROGRAM)).filter(|path| path.exists());
    let program = beside.unwrap_or_else(|| PathBuf::from(PROGRAM));
    let mut command = Command::new(&program);
    command.arg(verb).args(arguments);
    // Whoever named a node binary means that one.
    if let Some(own) = own.filter(|_| std::env::var_os("VANE_BIN").is_none()) {
        command.env("VANE_BIN", own);
    }
    // It returns with an error or not at all: this process is `vane-up` then.
    let source = command.exec();
    match source.kind() {
        io::ErrorKind::NotFound => ExecError::Missing { verb: verb.to_owned() },
        _ => ExecError::Failed { program, source },
    }
}
