//! `vane up` and its like: handed to `vane-up`, which knows the objects of the Kubernetes
//! API. The node does not.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// The program, beside this one or in the path.
const PROGRAM: &str = "vane-up";

/// Becomes `vane-up VERB ARGUMENTS`, with this binary as the node; returns only when it
/// could not.
pub fn hand_over(verb: &str, arguments: &[OsString]) -> String {
    let own = std::env::current_exe().ok();
    let beside = own.as_ref().map(|it| it.with_file_name(PROGRAM)).filter(|it| it.exists());
    let program = beside.unwrap_or_else(|| PathBuf::from(PROGRAM));
    let mut command = Command::new(&program);
    command.arg(verb).args(arguments);
    if let Some(own) = own.filter(|_| std::env::var_os("VANE_BIN").is_none()) {
        command.env("VANE_BIN", own);
    }
    let error = command.exec();
    match error.kind() {
        io::ErrorKind::NotFound => format!(
            "`vane {verb}` needs the program {PROGRAM}, which is neither beside this one nor in PATH; install it there"
        ),
        _ => format!("failed to run {}: {error}", program.display()),
    }
}
