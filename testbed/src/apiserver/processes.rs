//! The processes of one API server, and the folder of their files and logs.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use vane_up::Process;

use crate::error::Error;
use crate::group::Group;

/// Processes by name, in one group and one folder. Dropping it kills them and removes the
/// folder; both happen too when the process that made it is killed.
pub(crate) struct Processes {
    running: BTreeMap<&'static str, Process>,
    group: Group,
    dir: TempDir,
}

impl Processes {
    pub(crate) fn new() -> Result<Self, Error> {
        let dir = tempfile::Builder::new()
            .prefix("vane-kubernetes-")
            .tempdir()
            .map_err(Error::system("make a folder in", &std::env::temp_dir()))?;
        Ok(Self { running: BTreeMap::new(), group: Group::new(Some(dir.path()))?, dir })
    }

    /// Folder of all files.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Starts a process in the folder, in place of the one of that name. Its output is appended
    /// to `NAME.log`.
    pub(crate) fn start(
        &mut self,
        name: &'static str,
        binary: &Path,
        args: &[String],
    ) -> Result<(), Error> {
        self.kill(name);
        let mut command = Command::new(binary);
        command.args(args).current_dir(self.dir()).process_group(self.group.id());
        let log = self.dir().join(format!("{name}.log"));
        self.running.insert(name, Process::start(command, &log)?);
        Ok(())
    }

    /// Kills one with SIGKILL. Nothing happens where it does not run.
    pub(crate) fn kill(&mut self, name: &str) {
        if let Some(mut process) = self.running.remove(name) {
            process.kill();
        }
    }

    /// Fails when one has ended by itself.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        for (name, process) in &mut self.running {
            if let Some(status) = process.ended() {
                let log = process.output_tail();
                return Err(Error::Ended { process: (*name).to_owned(), status, log });
            }
        }
        Ok(())
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        // Before the folder is removed: they would write to it.
        self.running.values_mut().for_each(Process::kill);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wait::wait_until;

    #[test]
    fn a_process_that_ends_is_reported_with_its_last_words() {
        let mut processes = Processes::new().unwrap();
        let script = ["-c".to_owned(), "echo no disk; exit 3".to_owned()];
        processes.start("etcd", Path::new("/bin/sh"), &script).unwrap();
        let look = || processes.check().err();
        let error = wait_until("an end", Duration::from_secs(60), look).unwrap().to_string();
        assert!(
            error.contains("etcd ended (exit status: 3)") && error.contains("no disk"),
            "{error}"
        );
    }

    #[test]
    fn the_guard_ends_the_group_and_removes_the_folder() {
        let mut processes = Processes::new().unwrap();
        processes.start("sleep", Path::new("/bin/sleep"), &["600".to_owned()]).unwrap();
        processes.group.abandon();
        let look = || processes.running.get_mut("sleep")?.ended();
        assert_eq!(wait_until("an end", Duration::from_secs(60), look).unwrap(), 128 + 9);
        assert!(!processes.dir().exists());
    }
}
