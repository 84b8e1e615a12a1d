//! A node as a child process.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::Client;
use crate::error::Error;

const START_TIMEOUT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(2);

/// A running `vane serve`; it is stopped in order when dropped.
pub struct Node {
    child: Child,
    url: String,
    log: PathBuf,
}

impl Node {
    /// Starts a node on a data directory and waits until it answers. Its log goes beside
    /// the directory.
    pub fn start(binary: &Path, data_dir: &Path, port: Option<u16>) -> Result<Self, Error> {
        let failed = |e: std::io::Error| Error::node(format!("failed to start {}", binary.display()), e);
        let port = match port {
            Some(port) => port,
            None => TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr()).map_err(failed)?.port(),
        };
        let log = data_dir.with_extension("log");
        if let Some(dir) = log.parent() {
            std::fs::create_dir_all(dir).map_err(failed)?;
        }
        let file = File::create(&log).map_err(failed)?;
        let child = Command::new(binary)
            .args(["serve", "--host", "127.0.0.1", "--http-port", &port.to_string(), "--data-dir"])
            .arg(data_dir)
            .stdin(Stdio::null())
            .stdout(file.try_clone().map_err(failed)?)
            .stderr(file)
            .spawn()
            .map_err(failed)?;
        let mut node = Self { child, url: format!("http://127.0.0.1:{port}"), log };
        node.wait_ready()?;
        Ok(node)
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Bytes of memory it has; 0 where the system does not say.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
        let kib = line.and_then(|it| it.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    }

    fn wait_ready(&mut self) -> Result<(), Error> {
        let (client, end) = (Client::new(&self.url), Instant::now() + START_TIMEOUT);
        while !client.is_ready() {
            let ended = self.child.try_wait().ok().flatten();
            if ended.is_some() || Instant::now() > end {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                return Err(Error::node("the node did not start", log.trim()));
            }
            pause(PAUSE);
        }
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Nothing to do about a process that is gone already.
        let _gone = kill_process(Pid::from_child(&self.child), Signal::TERM);
        drop(self.child.wait());
    }
}

/// Waits between two looks at something that has no way to tell.
#[allow(clippy::disallowed_methods, reason = "a program of one thread that nothing needs to wake")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
