//! One node: a process on a data directory that outlives it.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Error;
use crate::links::{PEER_PORT, RELAY_PORT, ip};
use crate::rest::Rest;
use crate::wait_until;

/// Port of the REST API.
const REST_PORT: u16 = 7333;
/// Time to end in order.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for its threads to stand.
const FREEZE_TIMEOUT: Duration = Duration::from_secs(10);
/// Secret of all local nodes: they listen on this machine alone.
pub(crate) const TOKEN: &str = "local";
/// Bytes shown of a log.
const TAIL_BYTES: usize = 2000;

/// How a node is started.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) binary: PathBuf,
    pub(crate) token: String,
    /// Where its cluster may be found; none for a node that founds one of its own.
    pub(crate) seeds: String,
    pub(crate) settings: Vec<(String, String)>,
    /// Calls to others pass relays whose wires can be cut.
    pub(crate) relayed: bool,
}

/// A node of a local cluster, running or not. Dropping it kills the process.
pub struct Node {
    number: usize,
    data_dir: PathBuf,
    plan: Plan,
    child: Option<Child>,
}

impl Node {
    pub(crate) fn new(number: usize, data_dir: PathBuf, plan: Plan) -> Self {
        Self { number, data_dir, plan, child: None }
    }

    /// A node that belongs to no cluster of several, at the address of place `number`. It is
    /// not started yet.
    pub fn alone(binary: &Path, number: usize, data_dir: PathBuf) -> Self {
        let (token, seeds) = (TOKEN.to_owned(), String::new());
        let plan =
            Plan { binary: binary.to_owned(), token, seeds, settings: Vec::new(), relayed: false };
        Self::new(number, data_dir, plan)
    }

    /// Its place in the cluster, from 1. The cluster's own number for it may differ.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Where its data is.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Moves it, while it is stopped, to another data directory.
    pub fn set_data_dir(&mut self, data_dir: PathBuf) {
        self.data_dir = data_dir;
    }

    /// Its REST API.
    pub fn rest(&self) -> Rest {
        Rest::new(&format!("http://{}:{REST_PORT}", ip(self.number)))
    }

    /// Where its admin interface listens.
    pub fn admin_address(&self) -> String {
        format!("{}:{PEER_PORT}", ip(self.number))
    }

    /// Whether the process runs.
    pub fn is_up(&self) -> bool {
        self.child.is_some()
    }

    /// Starts the process and waits until it listens. It need not be ready then.
    pub fn start(&mut self) -> Result<(), Error> {
        let failed = |e: std::io::Error| Error::node(format!("node {}", self.number), e);
        let address = ip(self.number);
        let port = if self.plan.relayed { RELAY_PORT } else { PEER_PORT };
        if let Some(dir) = self.log_path().parent() {
            std::fs::create_dir_all(dir).map_err(failed)?;
        }
        // Else it would be taken for started when the one that is there answers.
        let in_use =
            |source| Error::InUse { number: self.number, address, port: REST_PORT, source };
        drop(TcpListener::bind((address, REST_PORT)).map_err(in_use)?);
        let log =
            File::options().create(true).append(true).open(self.log_path()).map_err(failed)?;
        let mut command = Command::new(&self.plan.binary);
        command
            .args(["serve", "--host", &address.to_string()])
            .args([
                "--http-port",
                &REST_PORT.to_string(),
                "--peer-port",
                &PEER_PORT.to_string(),
                "--data-dir",
            ])
            .arg(&self.data_dir)
            .env("VANE_CLUSTER__TOKEN", &self.plan.token)
            .env("VANE_CLUSTER__NAME", format!("node-{}", self.number))
            .env("VANE_CLUSTER__ADDRESS", format!("{address}:{port}"))
            .env("VANE_CLUSTER__DIAL_FROM", address.to_string())
            .envs(self.plan.settings.iter().map(|(key, value)| (format!("VANE_{key}"), value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log);
        if !self.plan.seeds.is_empty() {
            command.args(["--seeds", &self.plan.seeds]);
        }
        self.child = Some(command.spawn().map_err(failed)?);
        let rest = self.rest();
        let child = &mut self.child;
        let mut ended = false;
        let listens = wait_until("a node to listen", Duration::from_secs(60), || {
            ended = child.as_mut().is_some_and(|it| it.try_wait().ok().flatten().is_some());
            (ended || rest.is_live()).then_some(())
        });
        match (listens, ended) {
            (Ok(()), false) => Ok(()),
            (Ok(()), true) => {
                Err(Error::node(format!("node {} ended", self.number), self.log_tail()))
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Kills it as a power cut does, but for what the system has of its writes.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// SIGTERM; the exit status.
    pub fn stop(&mut self) -> Result<i32, Error> {
        let Some(mut child) = self.child.take() else { return Ok(0) };
        signal(&child, Signal::TERM);
        let status = wait_until("a node to stop", STOP_TIMEOUT, || child.try_wait().ok().flatten());
        Ok(status.inspect_err(|_| drop(child.kill()))?.code().unwrap_or(-1))
    }

    /// Stops every thread where it is; returns once they stand.
    pub fn freeze(&self) -> Result<(), Error> {
        let Some(child) = &self.child else { return Ok(()) };
        signal(child, Signal::STOP);
        let tasks = PathBuf::from(format!("/proc/{}/task", child.id()));
        // A thread that waits for the disk stands only after that.
        wait_until("a node to stand still", FREEZE_TIMEOUT, || stands(&tasks).then_some(()))
    }

    /// Lets a frozen process go on.
    pub fn thaw(&self) {
        if let Some(child) = &self.child {
            signal(child, Signal::CONT);
        }
    }

    /// Seconds of CPU that it has used.
    pub fn cpu_seconds(&self) -> f64 {
        let Some(child) = &self.child else { return 0.0 };
        cpu_seconds(Path::new(&format!("/proc/{}", child.id())))
    }

    /// The same of its threads, by name; threads of one name together.
    pub fn cpu_seconds_by_thread(&self) -> BTreeMap<String, f64> {
        let tasks = self
            .child
            .as_ref()
            .and_then(|it| std::fs::read_dir(format!("/proc/{}/task", it.id())).ok());
        let mut seconds = BTreeMap::new();
        for task in tasks.into_iter().flatten().flatten() {
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            *seconds.entry(name.trim().to_owned()).or_default() += cpu_seconds(&task.path());
        }
        seconds
    }

    /// Bytes of memory it has; 0 where the system does not say.
    pub fn resident_bytes(&self) -> u64 {
        let Some(child) = &self.child else { return 0 };
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
        let kib = line.and_then(|it| it.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.log_path()).unwrap_or_default();
        let start = log.len().saturating_sub(TAIL_BYTES);
        let start = (start..log.len()).find(|it| log.is_char_boundary(*it)).unwrap_or(log.len());
        log[start..].to_owned()
    }

    fn log_path(&self) -> PathBuf {
        let name = self
            .data_dir
            .file_name()
            .map(|it| it.to_string_lossy().into_owned())
            .unwrap_or_default();
        self.data_dir.with_file_name(format!("{name}.log"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.thaw();
        self.kill();
    }
}

/// Seconds of CPU that a process or thread, as a folder of /proc, has used.
fn cpu_seconds(proc: &Path) -> f64 {
    let stat = std::fs::read_to_string(proc.join("stat")).unwrap_or_default();
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|it| it.parse::<f64>().ok()).unwrap_or(0.0);
    // utime and stime, in hundredths.
    (ticks(11) + ticks(12)) / 100.0
}

/// Whether all threads, as folders of /proc, are stopped or gone.
fn stands(tasks: &Path) -> bool {
    let state = |task: PathBuf| {
        let stat = std::fs::read_to_string(task.join("stat")).unwrap_or_default();
        stat.rsplit(')').next().and_then(|it| it.trim_start().chars().next())
    };
    let tasks = std::fs::read_dir(tasks).into_iter().flatten().flatten();
    tasks.map(|it| state(it.path())).all(|it| matches!(it, None | Some('T' | 'Z' | 'X')))
}

fn signal(child: &Child, signal: Signal) {
    // Nothing to do about a process that is gone already.
    let _gone = kill_process(Pid::from_child(child), signal);
}
