//! A Python worker with a library: `peers/worker.py` says what the two say to each other.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use vane_testbed::proc;

use super::{Cost, Library, Turn};
use crate::error::Error;
use crate::interrupt;

const WORKER: &str = include_str!("../../peers/worker.py");

/// A process that answers lines of JSON.
pub(super) struct Worker {
    library: Library,
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
struct Opened {
    version: String,
}

#[derive(Deserialize)]
struct Built {
    seconds: f64,
    cpu: f64,
}

#[derive(Deserialize)]
pub(super) struct Searched {
    seconds: f64,
    cpu: f64,
    found: Vec<Vec<u64>>,
}

impl Searched {
    /// So many searches as a turn. They were one call, so there is no latency of each.
    pub(super) fn turn(self, searches: usize) -> Turn {
        let searches = searches as f64;
        let (qps, cpu) = (searches / self.seconds, Some(self.cpu / searches));
        Turn { found: self.found, qps, latencies: Vec::new(), cpu }
    }
}

/// A file that the worker reads.
pub(super) fn file(dir: &TempDir, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).map_err(|e| Error::output(&path, e))?;
    Ok(path)
}

impl Worker {
    pub(super) fn start(library: Library, python: &Path) -> Result<Self, Error> {
        let absent = |e| Error::Peer {
            library: library.name(),
            reason: format!("failed to start {}: {e}", python.display()),
        };
        let mut command = Command::new(python);
        command.args(["-c", WORKER]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(absent)?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (requests, answers) = pipes.expect("both were asked for");
        Ok(Self { library, child, requests, answers: BufReader::new(answers) })
    }

    /// Imports the library; its version.
    pub(super) fn open(&mut self) -> Result<String, Error> {
        let request = json!({"do": "open", "library": self.library.module()});
        let Opened { version } = self.ask(&request)?;
        Ok(version)
    }

    /// Has it build what `request` says; what that cost.
    pub(super) fn build(&mut self, request: &Value) -> Result<Cost, Error> {
        let before = proc::memory(self.child.id()).anonymous;
        let built: Built = self.ask(request)?;
        let grown = proc::memory(self.child.id()).anonymous.saturating_sub(before);
        Ok(Cost {
            load: Some(Duration::from_secs_f64(built.seconds)),
            cpu: Some(built.cpu),
            anonymous: Some(grown),
            ..Cost::default()
        })
    }

    /// One request; its answer.
    pub(super) fn ask<T: for<'de> Deserialize<'de>>(
        &mut self,
        request: &Value,
    ) -> Result<T, Error> {
        interrupt::check()?;
        let library = self.library.name();
        let failed = |reason: String| Error::Peer { library, reason };
        let mut answer = String::new();
        writeln!(self.requests, "{request}").map_err(|e| failed(e.to_string()))?;
        self.answers.read_line(&mut answer).map_err(|e| failed(e.to_string()))?;
        let answer: Value = serde_json::from_str(&answer)
            .map_err(|_| failed(format!("the worker ended at {}", request["do"])))?;
        match answer["error"].as_str() {
            Some(error) => Err(failed(error.to_owned())),
            None => serde_json::from_value(answer).map_err(|e| failed(e.to_string())),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It holds nothing that must be ended in order.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_that_is_not_there_is_an_error_that_says_what_to_do() {
        let error = Worker::start(Library::Hnswlib, Path::new("/no/such/python")).err().unwrap();
        let text = error.to_string();
        assert!(text.contains("/no/such/python") && text.contains("make bench-peers"), "{text}");
    }
}
