//! The operator's process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use vane_testbed::ApiServer;

/// Name of an operator that is alone.
pub(crate) const IDENTITY: &str = "test";

/// An operator of an API server. Dropping it kills it.
pub(crate) struct Operator {
    child: Child,
    log: PathBuf,
    /// Where its own lines begin, after those of operators before it.
    log_begin: usize,
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
        let log = dir.join(format!("operator-{identity}.log"));
        let log_begin = std::fs::read(&log).map_or(0, |log| log.len());
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let child = Command::new(binary())
            .args([
                "--listen",
                "127.0.0.1:0",
                "--lease-namespace",
                "default",
                "--identity",
                identity,
            ])
            .args(arguments)
            .env("KUBECONFIG", api.kubeconfig())
            .env("NO_COLOR", "1")
            // The server is on this machine.
            .env_remove("HTTPS_PROXY")
            .env_remove("https_proxy")
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Self { child, log, log_begin }
    }

    /// Number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it answers at a path; `None` while it does not listen.
    pub(crate) async fn answer(&self, path: &str) -> Option<String> {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let (_, rest) = log.get(self.log_begin..)?.split_once(" address=")?;
        let url = format!("http://{}/{path}", rest.split_whitespace().next()?);
        let asked = tokio::task::spawn_blocking(move || {
            ureq::get(&url).call().ok()?.body_mut().read_to_string().ok()
        });
        asked.await.unwrap()
    }

    /// The value of a metric by its name and labels, as `/metrics` has it.
    pub(crate) async fn metric(&self, metric: &str) -> Option<f64> {
        let metrics = self.answer("metrics").await?;
        metrics.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' ')?.parse().ok())
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Exit status, once it has ended.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.try_wait().unwrap().map(|status| status.code().unwrap_or(-1))
    }

    /// The end of its log.
    pub(crate) fn log(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn binary() -> PathBuf {
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into());
    let path = std::env::var("VANE_OPERATOR_BIN")
        .unwrap_or_else(|_| format!("{target}/debug/vane-operator"));
    assert!(Path::new(&path).exists(), "{path} is not there: run `make build`");
    path.into()
}
