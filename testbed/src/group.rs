//! Processes that end with the one that started them, however it ends.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::error::Error;

/// Waits for the end of its input, which comes when whoever started it is gone, killed or
/// not; then removes the folders that it was given and kills the group that it leads. A
/// value in a `static` is never dropped, and a killed process drops nothing.
const GUARD: &str = r#"read -r _; rm -rf -- "$@"; kill -KILL 0"#;

/// A process group. Dropping it kills its processes and removes its folder.
pub(crate) struct Group {
    guard: Child,
}

impl Group {
    /// A group; `folder` is removed with it.
    pub(crate) fn new(folder: Option<&Path>) -> Result<Self, Error> {
        let shell = Path::new("/bin/sh");
        let guard = Command::new(shell)
            .args(["-c", GUARD, "guard"])
            .args(folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::system("start", shell))?;
        Ok(Self { guard })
    }

    /// Number of the group, for `CommandExt::process_group`.
    pub(crate) fn id(&self) -> i32 {
        i32::try_from(self.guard.id()).expect("ids of processes are positive i32")
    }

    /// Ends the guard's input, as the system does when this process is gone.
    pub(crate) fn abandon(&mut self) {
        drop(self.guard.stdin.take());
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Before the wait: the guard ends with its input.
        self.abandon();
        drop(self.guard.wait());
    }
}
