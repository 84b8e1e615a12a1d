//! The operator's process.

use std::path::Path;
use std::process::Command;

use vane_testbed::{ApiServer, Rest, program};
use vane_up::Process;

/// Name of an operator that is alone.
pub(crate) const IDENTITY: &str = "test";

/// An operator of an API server. Dropping it kills it.
pub(crate) struct Operator {
    process: Process,
}

impl Operator {
    /// Starts one. It logs to a file in `dir`.
    pub(crate) fn start(api: &ApiServer, dir: &Path) -> Self {
        Self::start_with(api, dir, &[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(api: &ApiServer, dir: &Path, arguments: &[&str]) -> Self {
        // One that was killed holds its lease until it ends; under its name the next goes on.
        Self::start_as(IDENTITY, api, dir, arguments)
    }

    /// The same under a name of its own: one among several.
    pub(crate) fn start_as(
        identity: &str,
        api: &ApiServer,
        dir: &Path,
        arguments: &[&str],
    ) -> Self {
        let mut command = Command::new(program::vane_operator().unwrap());
        command
            .args(["--listen", "127.0.0.1:0", "--lease-namespace", "default"])
            .args(["--identity", identity])
            .args(arguments)
            .env("KUBECONFIG", api.kubeconfig())
            .env("NO_COLOR", "1")
            // The server is on this machine.
            .env_remove("HTTPS_PROXY")
            .env_remove("https_proxy");
        let log = dir.join(format!("operator-{identity}.log"));
        Self { process: Process::start(command, &log).unwrap() }
    }

    /// Id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it answers at a path; `None` while it does not listen.
    pub(crate) async fn answer(&self, path: &str) -> Option<String> {
        let log = self.process.output();
        let (_, rest) = log.split_once(" address=")?;
        let rest = Rest::new(&format!("http://{}", rest.split_whitespace().next()?));
        let path = format!("/{path}");
        let asked = tokio::task::spawn_blocking(move || rest.call_raw("GET", &path, b"").ok());
        let answer = asked.await.unwrap().filter(|answer| answer.status == 200)?;
        String::from_utf8(answer.body).ok()
    }

    /// The value of a metric by its name and labels, as `/metrics` has it.
    pub(crate) async fn metric(&self, metric: &str) -> Option<f64> {
        let metrics = self.answer("metrics").await?;
        metrics.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' ')?.parse().ok())
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Exit code, once it has ended.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.process.ended()
    }

    /// What it wrote to its log.
    pub(crate) fn log(&self) -> String {
        self.process.output()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.process.kill();
    }
}
