//! A process of a pod: started from a plan, watched, ended.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Error;
use crate::pod::Plan;

/// Bytes shown of a log.
const TAIL_BYTES: usize = 2000;

/// A process that was started. Dropping it leaves it running.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Bytes of its log that are older than it.
    log_from: u64,
}

impl Process {
    /// Writes the files of the plan and starts the binary. Its output goes to `log`, after
    /// what is there. `group` is the process group that it becomes part of; 0 for one of its
    /// own, which outlives whoever starts it.
    ///
    /// # Errors
    ///
    /// A file cannot be written, or the binary cannot be started.
    pub fn start(binary: &Path, plan: &Plan, log: &Path, group: i32) -> Result<Self, Error> {
        lay_out(plan)?;
        let output = fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(Error::system("write", log))?;
        let log_from = output.metadata().map_err(Error::system("read", log))?.len();
        let second = output.try_clone().map_err(Error::system("write", log))?;
        let mut command = Command::new(binary);
        // Settings of whoever starts it are none of the pod's.
        for (key, _) in
            std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("VANE_"))
        {
            command.env_remove(key);
        }
        command.args(&plan.args).envs(&plan.env).process_group(group);
        command.stdin(Stdio::null()).stdout(output).stderr(second);
        Ok(Self { child: command.spawn().map_err(Error::system("start", binary))?, log_from })
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its exit code once it has ended; 128 and the signal's number for a killed one, as in
    /// Kubernetes.
    pub fn ended(&mut self) -> Option<i32> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default()))
    }

    /// The end of what this process wrote to its log.
    pub fn said(&self, log: &Path) -> String {
        let bytes = fs::read(log).unwrap_or_default();
        let own =
            usize::try_from(self.log_from).ok().and_then(|it| bytes.get(it..)).unwrap_or_default();
        tail(own)
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Kills it as a power cut does, but for what the system has of its writes, and waits
    /// until it is gone.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Stops every thread of it soon.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        // Nothing to do about a process that is gone already.
        let _gone = kill_process(Pid::from_child(&self.child), signal);
    }
}

fn lay_out(plan: &Plan) -> Result<(), Error> {
    for dir in &plan.dirs {
        fs::create_dir_all(dir).map_err(Error::system("make the folder", dir))?;
    }
    for file in &plan.files {
        let options = fs::File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&file.path);
        let written = options.and_then(|mut it| it.write_all(&file.bytes));
        written.map_err(Error::system("write", &file.path))?;
    }
    Ok(())
}

/// The end of a log, for errors.
pub fn log_tail(log: &Path) -> String {
    tail(&fs::read(log).unwrap_or_default())
}

/// The last lines.
fn tail(bytes: &[u8]) -> String {
    let tail = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
    let line = tail.iter().position(|it| *it == b'\n').filter(|_| tail.len() < bytes.len());
    String::from_utf8_lossy(line.map_or(tail, |it| &tail[it + 1..])).trim_end().to_owned()
}
