//! A process: started, watched, asked to end, killed.
//!
//! The one launcher of long-lived processes: nodes of `vane up` are started here, and so are
//! those of tests. What it runs is a plain `Command`; what a pod comes to is in `pod`.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Error;

/// Bytes of a log that are shown in errors.
const TAIL_BYTES: usize = 2000;

/// A process that was started. Dropping it leaves it running.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
    /// Length in bytes of what earlier processes wrote to the log.
    log_begin: u64,
}

impl Process {
    /// Starts a command. Its output is appended to `log`, and it has no input. It joins the
    /// process group that the command names, or else that of the caller.
    ///
    /// # Errors
    ///
    /// The log cannot be written, or the program cannot be started; nothing runs then.
    pub fn start(mut command: Command, log: &Path) -> Result<Self, Error> {
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(Error::system("write", log))?;
        // Before the process writes: what is there now is of those before it.
        let log_begin = output.metadata().map_err(Error::system("read", log))?.len();
        let errors = output.try_clone().map_err(Error::system("write", log))?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let program = PathBuf::from(command.get_program());
        let child = command.spawn().map_err(Error::system("start", &program))?;
        Ok(Self { child, log: log.to_owned(), log_begin })
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Exit code once it has ended; 128 and the signal's number for a killed one, as in
    /// Kubernetes.
    pub fn ended(&mut self) -> Option<i32> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default()))
    }

    /// All that this process wrote to its log so far.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.output_bytes()).into_owned()
    }

    /// The last lines that this process wrote to its log.
    pub fn output_tail(&self) -> String {
        tail(&self.output_bytes())
    }

    fn output_bytes(&self) -> Vec<u8> {
        let mut bytes = fs::read(&self.log).unwrap_or_default();
        let begin = usize::try_from(self.log_begin).unwrap_or(usize::MAX);
        bytes.split_off(begin.min(bytes.len()))
    }

    /// Asks it to end, with SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Kills it with SIGKILL and waits until it is gone. Like a power cut, except that the
    /// system keeps what it wrote.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Stops its threads with SIGSTOP. One that waits for a disk stands only after that.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a frozen process go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        // Fails only for a process that is gone, which needs no signal.
        let _gone = kill_process(Pid::from_child(&self.child), signal);
    }
}

/// The last lines of a log, for errors; empty where there is none.
pub fn log_tail(log: &Path) -> String {
    tail(&fs::read(log).unwrap_or_default())
}

fn tail(bytes: &[u8]) -> String {
    let begin = bytes.len().saturating_sub(TAIL_BYTES);
    let tail = &bytes[begin..];
    // The cut leaves part of a line, which would read like a whole one.
    let line_end = tail.iter().position(|byte| *byte == b'\n').filter(|_| begin > 0);
    let lines = line_end.map_or(tail, |end| &tail[end + 1..]);
    String::from_utf8_lossy(lines).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_process_is_heard_apart_from_those_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("it.log");
        for word in ["first", "second"] {
            let mut process = Process::start(shell(&format!("echo {word}")), &log).unwrap();
            process.child.wait().unwrap();
            assert_eq!((process.ended(), process.output_tail()), (Some(0), word.to_owned()));
        }
        assert_eq!(log_tail(&log), "first\nsecond");
    }

    #[test]
    fn a_killed_process_has_the_exit_code_of_its_signal() {
        let dir = tempfile::tempdir().unwrap();
        let mut process = Process::start(shell("sleep 600"), &dir.path().join("it.log")).unwrap();
        assert_eq!(process.ended(), None);
        process.kill();
        assert_eq!(process.ended(), Some(128 + 9));
    }

    #[test]
    fn a_tail_begins_with_a_whole_line() {
        let long = format!("{}\nlast line\n", "ä".repeat(TAIL_BYTES));
        assert_eq!(tail(long.as_bytes()), "last line");
        assert_eq!(tail(b"only line"), "only line");
    }
}
