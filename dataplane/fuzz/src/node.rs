//! A node in a process of its own: what ends it ends not the one that tries it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use ureq::Agent;
use vane_server::args::Serve;
use vane_server::settings::{LogFormat, LogLevel};

use crate::Failure;

/// Time to start, to answer or to stop, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Largest answer that is read.
const ANSWER_BYTES_MAX: u64 = 1 << 30;
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// A running node.
pub(crate) struct Node {
    child: Child,
    log: PathBuf,
    /// Where its REST API answers: host:port.
    pub(crate) rest: String,
    /// Where Qdrant's gRPC answers: host:port.
    pub(crate) grpc: String,
    /// Where other nodes and administration call it: host:port.
    pub(crate) peer: String,
}

/// An answer of the REST API.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Runs a node in this process until it is told to stop: the product's own, with no reserve of
/// disk, on ports that the system chooses.
///
/// # Errors
/// Why it could not start or go on.
pub fn run_node(data_dir: &Path) -> Result<(), Failure> {
    let flags = Serve {
        data_dir: Some(data_dir.to_owned()),
        http_port: Some(0),
        grpc_port: Some(0),
        peer_port: Some(0),
        log_level: Some(LogLevel::Info),
        log_format: Some(LogFormat::Json),
        ..Serve::default()
    };
    let mut loaded = flags.load().map_err(|error| Failure::of("settings", error))?;
    let storage = &mut loaded.settings.storage;
    (storage.min_free_mb, storage.ballast_mb) = (0, 0);
    // Soon: segments, graphs and merges are to be there while hostile input comes.
    (storage.growing_rows_max, storage.idle_seal_ms) = (50, 100);
    vane_server::serve(loaded).map_err(|error| Failure::of("serve", error))
}

impl Node {
    /// Starts `program` (this crate's, which has [`run_node`]) and waits until it answers.
    pub(crate) fn start(program: &Path, dir: &Path) -> Result<Self, Failure> {
        let mut node = Self::launch(program, dir)?;
        node.wait("is not ready", |node| node.get("/readyz").is_ok_and(|is| is.status == 200))?;
        Ok(node)
    }

    /// Waits until it has opened what is on its disk, and says so.
    pub(crate) fn await_opened(&mut self) -> Result<(), Failure> {
        self.wait("does not open", |node| {
            fs::read_to_string(&node.log).is_ok_and(|log| log.contains("\"message\":\"ready\""))
        })
    }

    /// Starts `program` and waits until it listens.
    pub(crate) fn launch(program: &Path, dir: &Path) -> Result<Self, Failure> {
        let log = dir.join("log");
        let file = File::create(&log).map_err(|error| Failure::of("log", error))?;
        let child = Command::new(program)
            .arg("node")
            .arg(dir.join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .map_err(|error| Failure::of("start a node", error))?;
        let nowhere = String::new;
        let (rest, grpc, peer) = (nowhere(), nowhere(), nowhere());
        let mut node = Self { child, log, rest, grpc, peer };
        node.wait("does not listen", |node| match node.addresses() {
            Some(found) => {
                (node.rest, node.grpc, node.peer) = found;
                true
            }
            None => false,
        })?;
        Ok(node)
    }

    /// Where it says that it listens.
    fn addresses(&self) -> Option<(String, String, String)> {
        let log = fs::read_to_string(&self.log).ok()?;
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.into_iter().find_map(|line| {
            let text = |name: &str| Some(line.get(name)?.as_str()?.to_owned());
            Some((text("address")?, text("grpc_address")?, text("peer_address")?))
        })
    }

    fn wait(
        &mut self,
        without: &str,
        mut is_there: impl FnMut(&mut Self) -> bool,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        while !is_there(self) {
            self.check()?;
            if began.elapsed() > PATIENCE {
                return Err(Failure::of("the node", without));
            }
            pause();
        }
        Ok(())
    }

    /// Whether it runs and nothing in it has panicked.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        let log = fs::read(&self.log).map_err(|error| Failure::of("log", error))?;
        let log = String::from_utf8_lossy(&log);
        if let Some(at) = log.find("panicked at") {
            let told: String = log[at..].chars().take(600).collect();
            return Err(Failure(format!("something panicked: {told}")));
        }
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.ended(status)),
            Err(error) => Err(Failure::of("look at the node", error)),
        }
    }

    fn ended(&self, status: ExitStatus) -> Failure {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(5).collect();
        Failure(format!("the node ended ({status}): {last:#?}"))
    }

    /// Asks its REST API for something.
    pub(crate) fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.send("GET", path, b"")
    }

    /// Sends a request to its REST API.
    pub(crate) fn send(&self, method: &str, path: &str, body: &[u8]) -> Result<Answer, Failure> {
        self.send_by(&Self::agent(), method, path, body)
    }

    /// Connections to a node.
    pub(crate) fn agent() -> Agent {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(PATIENCE));
        config.build().new_agent()
    }

    /// Sends a request over the connections of `agent`.
    pub(crate) fn send_by(
        &self,
        agent: &Agent,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Result<Answer, Failure> {
        let failed = |error: ureq::Error| Failure::of("no answer", error);
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.rest))
            .header("content-type", "application/json");
        let mut response = match body {
            [] => request.body(()).map_err(ureq::Error::from).and_then(|it| agent.run(it)),
            body => request.body(body).map_err(ureq::Error::from).and_then(|it| agent.run(it)),
        }
        .map_err(failed)?;
        let status = response.status().as_u16();
        let reader = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        Ok(Answer { status, body: reader.read_to_vec().map_err(failed)? })
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        self.check()?;
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let told = pid.map(|pid| kill_process(pid, Signal::TERM));
        if !matches!(told, Some(Ok(()))) {
            return Err(Failure::of("the node", "cannot be told to stop"));
        }
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(self.ended(status)),
                Ok(None) => pause(),
                Err(error) => return Err(Failure::of("look at the node", error)),
            }
        }
        Err(Failure::of("the node", "did not stop"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // One that has ended already is no failure here.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[allow(clippy::disallowed_methods, reason = "nothing but a process is waited for")]
fn pause() {
    sleep(PAUSE);
}
