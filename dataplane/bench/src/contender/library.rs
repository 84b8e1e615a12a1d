//! A library in the process of a Python worker: `peers/worker.py` says what they say to each other.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use bytemuck::cast_slice;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use vane_index::GraphParams;
use vane_testbed::proc;

use super::{Contender, Cost, K, Turn, repeats};
use crate::dataset::{Dataset, Distance};
use crate::error::Error;
use crate::interrupt;

const WORKER: &str = include_str!("../../peers/worker.py");

/// A library that a worker knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Library {
    Hnswlib,
    Usearch,
}

impl Library {
    /// As the command line has it, and the worker.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "hnswlib" => Ok(Self::Hnswlib),
            "usearch" => Ok(Self::Usearch),
            "glass" => Err("Zilliz' pyglass is in no package of PyPI; `glass` there is another \
                            program"
                .to_owned()),
            _ => Err("hnswlib and usearch are known".to_owned()),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Hnswlib => "hnswlib",
            Self::Usearch => "usearch",
        }
    }
}

/// A library with an index over a data set. Dropping it ends its process.
pub(crate) struct Loaded {
    name: String,
    worker: Worker,
    queries: usize,
    cost: Cost,
}

/// A process that answers lines of JSON.
struct Worker {
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
struct Searched {
    seconds: f64,
    cpu: f64,
    found: Vec<Vec<u64>>,
}

impl Loaded {
    /// Starts a worker and has it build its index.
    ///
    /// # Errors
    /// When Python or the library is not there, or the library fails.
    pub(crate) fn build(
        library: Library,
        python: &Path,
        data: &Dataset,
        params: GraphParams,
    ) -> Result<Self, Error> {
        let mut worker = Worker::start(library, python)?;
        let version = worker.open()?;
        let dir = tempfile::tempdir().map_err(|e| Error::node("a directory for rows", e))?;
        let rows = file(&dir, "rows", &data.rows)?;
        let queries = file(&dir, "queries", &data.query_values())?;
        let request = json!({"do": "queries", "path": queries, "dim": data.dim});
        let _count: Value = worker.ask(&request)?;
        let before = proc::memory(worker.child.id()).anonymous;
        let metric = match data.distance {
            Distance::Cosine | Distance::Dot => "ip",
            Distance::Euclid => "l2",
        };
        let built: Built = worker.ask(&json!({
            "do": "build", "rows": rows, "metric": metric,
            "m": params.m, "ef_construct": params.ef_construct,
        }))?;
        let grown = proc::memory(worker.child.id()).anonymous.saturating_sub(before);
        let cost = Cost {
            load: Some(Duration::from_secs_f64(built.seconds)),
            cpu: Some(built.cpu),
            anonymous: Some(grown),
            ..Cost::default()
        };
        let name = format!("{} {version}", library.name());
        Ok(Self { name, worker, queries: data.queries.len(), cost })
    }
}

/// A file of values as the worker reads them.
fn file(dir: &TempDir, name: &str, values: &[f32]) -> Result<std::path::PathBuf, Error> {
    let path = dir.path().join(name);
    std::fs::write(&path, cast_slice::<f32, u8>(values)).map_err(|e| Error::output(&path, e))?;
    Ok(path)
}

impl Contender for Loaded {
    fn name(&self) -> &str {
        &self.name
    }

    fn cost(&self) -> Cost {
        self.cost
    }

    /// All queries are one call of the library on one thread, so there is no latency of each.
    fn turn(&mut self, ef: usize, clients: usize) -> Result<Option<Turn>, Error> {
        if clients > 1 {
            return Ok(None);
        }
        let repeats = repeats(self.queries);
        let request = json!({"do": "search", "ef": ef, "k": K, "repeats": repeats});
        let Searched { seconds, cpu, found } = self.worker.ask(&request)?;
        let searches = (self.queries * repeats) as f64;
        let (qps, cpu) = (searches / seconds, Some(cpu / searches));
        Ok(Some(Turn { found, qps, latencies: Vec::new(), cpu }))
    }
}

impl Worker {
    fn start(library: Library, python: &Path) -> Result<Self, Error> {
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
    fn open(&mut self) -> Result<String, Error> {
        let request = json!({"do": "open", "library": self.library.name()});
        let Opened { version } = self.ask(&request)?;
        Ok(version)
    }

    /// One request; its answer.
    fn ask<T: for<'de> Deserialize<'de>>(&mut self, request: &Value) -> Result<T, Error> {
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
    fn only_libraries_with_a_worker_are_known() {
        assert_eq!(Library::parse("usearch"), Ok(Library::Usearch));
        assert!(Library::parse("glass").unwrap_err().contains("PyPI"));
        assert!(Library::parse("annoy").is_err());
    }

    #[test]
    fn a_python_that_is_not_there_is_an_error_that_says_what_to_do() {
        let error = Worker::start(Library::Hnswlib, Path::new("/no/such/python")).err().unwrap();
        let text = error.to_string();
        assert!(text.contains("/no/such/python") && text.contains("make bench-peers"), "{text}");
    }
}
