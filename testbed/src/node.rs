//! One node: a process on a data directory that outlives it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use vane_up::Process;
use vane_up::process::log_tail;

use crate::error::Error;
use crate::links::{PEER_PORT, RELAY_PORT, ip};
use crate::proc;
use crate::rest::Rest;
use crate::wait::wait_until;

/// Port of the REST API.
const REST_PORT: u16 = 7333;
/// Time to listen; a node that verifies its files takes seconds.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(60);
/// Time to end in order.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for its threads to stand.
const FREEZE_TIMEOUT: Duration = Duration::from_secs(10);
/// Secret of all local nodes: they listen on this machine alone.
pub(crate) const TOKEN: &str = "local";

/// How a node is started.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) binary: PathBuf,
    pub(crate) token: String,
    /// Where its cluster may be found; empty for a node that founds one of its own.
    pub(crate) seeds: String,
    pub(crate) settings: Vec<(String, String)>,
    /// Calls to others pass relays whose links can be cut.
    pub(crate) relayed: bool,
}

/// A node of a local cluster, running or not. Dropping it kills the process.
pub struct Node {
    number: usize,
    data_dir: PathBuf,
    plan: Plan,
    process: Option<Process>,
}

impl Node {
    pub(crate) fn new(number: usize, data_dir: PathBuf, plan: Plan) -> Self {
        Self { number, data_dir, plan, process: None }
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

    /// Folder of its data.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// A client of its REST API.
    pub fn rest(&self) -> Rest {
        Rest::new(&format!("http://{}:{REST_PORT}", ip(self.number)))
    }

    /// Address of its admin interface, as host:port.
    pub fn admin_address(&self) -> String {
        format!("{}:{PEER_PORT}", ip(self.number))
    }

    /// Whether the process was started and neither stopped nor killed since.
    pub fn is_up(&self) -> bool {
        self.process.is_some()
    }

    /// Starts the process and waits until it listens. It need not be ready then.
    ///
    /// # Errors
    ///
    /// Its port is taken, the binary cannot be started, or it ended or did not listen in time.
    /// In the last case the process goes on.
    pub fn start(&mut self) -> Result<(), Error> {
        let address = ip(self.number);
        let log = self.log_path();
        if let Some(dir) = log.parent() {
            std::fs::create_dir_all(dir).map_err(Error::system("make the folder", dir))?;
        }
        // Else it would be taken for started when the one that is there answers.
        let in_use =
            |source| Error::InUse { number: self.number, address, port: REST_PORT, source };
        drop(TcpListener::bind((address, REST_PORT)).map_err(in_use)?);
        let process = self
            .process
            .insert(Process::start(self.plan.command(self.number, address, &self.data_dir), &log)?);
        let rest = Rest::new(&format!("http://{address}:{REST_PORT}"));
        let ended = wait_until("a node to listen", LISTEN_TIMEOUT, || match process.ended() {
            Some(status) => Some(Some(status)),
            None => rest.is_live().then_some(None),
        })?;
        match ended {
            None => Ok(()),
            Some(status) => {
                let process = format!("node {}", self.number);
                Err(Error::Ended { process, status, log: self.log_tail() })
            }
        }
    }

    /// Kills it with SIGKILL. Like a power cut, except that the system keeps what it wrote.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Ends it in order, with SIGTERM.
    ///
    /// # Errors
    ///
    /// It did not end in time, and was killed.
    pub fn stop(&mut self) -> Result<(), Error> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        process.terminate();
        let ended = wait_until("a node to stop", STOP_TIMEOUT, || process.ended());
        ended.map(drop).inspect_err(|_| process.kill())
    }

    /// Stops every thread where it is; returns once they stand.
    ///
    /// # Errors
    ///
    /// A thread still runs after some time.
    pub fn freeze(&self) -> Result<(), Error> {
        let Some(process) = &self.process else { return Ok(()) };
        process.freeze();
        // A thread that waits for the disk stands only after that.
        wait_until("a node to stand still", FREEZE_TIMEOUT, || {
            proc::is_stopped(process.id()).then_some(())
        })
    }

    /// Lets a frozen process go on.
    pub fn thaw(&self) {
        self.process.iter().for_each(Process::thaw);
    }

    /// Id of its process, while that runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Seconds that it has used of processors.
    pub fn cpu_seconds(&self) -> f64 {
        self.process.as_ref().map_or(0.0, |process| proc::cpu_seconds(process.id()))
    }

    /// The same of its threads, by name; threads of one name together.
    pub fn cpu_seconds_by_thread(&self) -> BTreeMap<String, f64> {
        self.process
            .as_ref()
            .map(|process| proc::cpu_seconds_by_thread(process.id()))
            .unwrap_or_default()
    }

    /// Bytes of memory that it has.
    pub fn resident_bytes(&self) -> u64 {
        self.process.as_ref().map_or(0, |process| proc::resident_bytes(process.id()))
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        log_tail(&self.log_path())
    }

    fn log_path(&self) -> PathBuf {
        let name = self.data_dir.file_name().unwrap_or_default().to_string_lossy();
        self.data_dir.with_file_name(format!("{name}.log"))
    }
}

impl Plan {
    fn command(&self, number: usize, address: Ipv4Addr, data_dir: &Path) -> Command {
        let port = if self.relayed { RELAY_PORT } else { PEER_PORT };
        let mut command = Command::new(&self.binary);
        command
            .args(["serve", "--host", &address.to_string()])
            .args(["--http-port", &REST_PORT.to_string()])
            .args(["--peer-port", &PEER_PORT.to_string()])
            .arg("--data-dir")
            .arg(data_dir)
            .env("VANE_CLUSTER__TOKEN", &self.token)
            .env("VANE_CLUSTER__NAME", format!("node-{number}"))
            .env("VANE_CLUSTER__ADDRESS", format!("{address}:{port}"))
            // The relays tell by the address of the caller which link a connection is of.
            .env("VANE_CLUSTER__DIAL_FROM", address.to_string())
            .envs(self.settings.iter().map(|(key, value)| (format!("VANE_{key}"), value)));
        // Without seeds a node founds a cluster of its own.
        if !self.seeds.is_empty() {
            command.args(["--seeds", &self.seeds]);
        }
        command
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.thaw();
        self.kill();
    }
}
