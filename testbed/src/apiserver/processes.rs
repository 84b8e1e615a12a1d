//! Processes that end with the test that started them, however it ends, and their folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::error::Error;

/// Bytes shown of a log.
const TAIL_BYTES: usize = 2000;
/// Waits for the end of its input, which comes when the test's process is gone, by whatever
/// cause; then removes the folder and kills the group that it leads. A value in a `static`
/// is never dropped, and a killed process drops nothing.
const GUARD: &str = r#"read -r _; rm -rf -- "$1"; kill -KILL 0"#;

/// Processes of one group, with a folder for their files and logs. Dropping it kills them
/// and removes the folder.
pub(crate) struct Processes {
    guard: Child,
    running: BTreeMap<&'static str, Child>,
    dir: TempDir,
}

impl Processes {
    pub(crate) fn new() -> Result<Self, Error> {
        let dir = tempfile::Builder::new()
            .prefix("vane-kubernetes-")
            .tempdir()
            .map_err(|e| Error::system("make a folder in", &std::env::temp_dir(), e))?;
        let guard = Command::new("/bin/sh")
            .args(["-c", GUARD, "guard"])
            .arg(dir.path())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| Error::system("start", Path::new("/bin/sh"), e))?;
        Ok(Self { guard, running: BTreeMap::new(), dir })
    }

    /// The folder.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Starts a process. Its output goes to `NAME.log`, after what is there.
    pub(crate) fn start(
        &mut self,
        name: &'static str,
        binary: &Path,
        args: &[String],
    ) -> Result<(), Error> {
        self.kill(name);
        let path = self.log(name);
        let log = File::options().create(true).append(true).open(&path);
        let log = log.map_err(|e| Error::system("write", &path, e))?;
        let second = log.try_clone().map_err(|e| Error::system("write", &path, e))?;
        let group = i32::try_from(self.guard.id()).expect("ids of processes are positive i32");
        let child = Command::new(binary)
            .args(args)
            .current_dir(self.dir.path())
            .process_group(group)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(second)
            .spawn()
            .map_err(|e| Error::system("start", binary, e))?;
        self.running.insert(name, child);
        Ok(())
    }

    /// Kills one, as a power cut does. Nothing where it does not run.
    pub(crate) fn kill(&mut self, name: &str) {
        if let Some(child) = self.running.remove(name) {
            end(child);
        }
    }

    /// Fails when one has ended by itself.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        for (process, child) in &mut self.running {
            // What cannot be asked about counts as running: the caller waits for more than this.
            if let Ok(Some(status)) = child.try_wait() {
                let log = tail(&self.dir.path().join(format!("{process}.log")));
                return Err(Error::Ended { process, status: status.to_string(), log });
            }
        }
        Ok(())
    }

    fn log(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.log"))
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for child in std::mem::take(&mut self.running).into_values() {
            end(child);
        }
        drop(self.guard.kill());
        drop(self.guard.wait());
    }
}

fn end(mut child: Child) {
    drop(child.kill());
    drop(child.wait());
}

/// The end of a log.
fn tail(path: &Path) -> String {
    let log = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&log[log.len().saturating_sub(TAIL_BYTES)..]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_ends_is_reported_with_its_last_words() {
        let mut processes = Processes::new().unwrap();
        let script = ["-c".to_owned(), "echo no disk; exit 3".to_owned()];
        processes.start("etcd", Path::new("/bin/sh"), &script).unwrap();
        drop(processes.running.get_mut("etcd").unwrap().wait());
        let error = processes.check().unwrap_err().to_string();
        assert!(
            error.contains("etcd ended (exit status: 3)") && error.contains("no disk"),
            "{error}"
        );
    }

    #[test]
    fn the_guard_ends_the_group_and_removes_the_folder() {
        let mut processes = Processes::new().unwrap();
        processes.start("sleep", Path::new("/bin/sleep"), &["600".to_owned()]).unwrap();
        // As the system does when the test's process is gone.
        drop(processes.guard.stdin.take());
        let status = processes.running.get_mut("sleep").unwrap().wait().unwrap();
        assert!(!status.success());
        assert!(!processes.dir().exists());
    }
}
