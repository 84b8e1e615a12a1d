//! Processes that end with the one that started them, however it ends.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use vane_up::Error;

/// Waits for the end of its input, which comes when whoever started it is gone, killed or
/// not; then kills the group that it leads.
const GUARD: &str = "read -r _; kill -KILL 0";

/// A group of processes. Dropping it kills them.
pub(crate) struct Group {
    guard: Child,
}

impl Group {
    pub(crate) fn new() -> Result<Self, Error> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GUARD]).process_group(0);
        let guard =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(Self { guard: guard.map_err(Error::system("start", Path::new("/bin/sh")))? })
    }

    /// Its number.
    pub(crate) fn id(&self) -> i32 {
        i32::try_from(self.guard.id()).expect("ids of processes are positive i32")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The guard kills the group, itself too, when its input ends.
        drop(self.guard.stdin.take());
        drop(self.guard.wait());
    }
}
