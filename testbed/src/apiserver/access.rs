//! Who talks to an API server, and how: a kubeconfig file and clients made from it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;

use crate::error::Error;

/// Time for an API server to take a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A user of an API server.
#[derive(Debug, Clone)]
pub struct Access {
    kubeconfig: PathBuf,
    kubectl: PathBuf,
}

impl Access {
    /// Writes the kubeconfig of a user; its file is named after them.
    pub(crate) fn new(server: &Server, user: &str, token: &str) -> Result<Self, Error> {
        let kubeconfig = server.dir.join(format!("{}.kubeconfig", user.replace(':', "-")));
        let content = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{
                "name": "test",
                "cluster": {"server": server.url, "certificate-authority": server.certificate},
            }],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
            "current-context": "test",
        });
        // JSON is YAML.
        std::fs::write(&kubeconfig, content.to_string())
            .map_err(Error::system("write", &kubeconfig))?;
        Ok(Self { kubeconfig, kubectl: server.kubectl.clone() })
    }

    /// A file that kubectl and an operator's process can use. It holds a token.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A client. It lives on the runtime that it is made on: a test with a runtime of its own
    /// asks for its own.
    ///
    /// # Errors
    ///
    /// The certificate is not there: the API server never ran.
    pub async fn client(&self) -> Result<kube::Client, Error> {
        let file = Kubeconfig::read_from(&self.kubeconfig)?;
        let mut config =
            kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // The server is on this machine; the environment's proxy is not for it.
        config.proxy_url = None;
        kube::Client::try_from(config).map_err(Error::api("make a client"))
    }

    /// Runs kubectl; what it wrote to its standard output.
    ///
    /// # Errors
    ///
    /// It failed: what it wrote to its standard error.
    pub async fn kubectl(&self, args: &[&str]) -> Result<String, Error> {
        self.kubectl_reading("", args).await
    }

    /// The same with something to read: `kubectl_reading(yaml, &["apply", "-f", "-"])`.
    ///
    /// # Errors
    ///
    /// As [`Self::kubectl`].
    pub async fn kubectl_reading(&self, input: &str, args: &[&str]) -> Result<String, Error> {
        let shown = args.join(" ");
        // Not the person's own cache, which is of other clusters.
        let cache = self.kubeconfig.with_file_name("kubectl-cache");
        let mut command = Command::new(&self.kubectl);
        command.arg("--kubeconfig").arg(&self.kubeconfig).arg("--cache-dir").arg(cache).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let input = input.to_owned();
        // Not on the runtime's own thread: an operator may be running there.
        let output = tokio::task::spawn_blocking(move || run(&mut command, &input)).await;
        let output = output.map_err(std::io::Error::other).and_then(|output| output);
        let output = output.map_err(Error::system("run", &self.kubectl))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(Error::Kubectl {
                args: shown,
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            })
        }
    }
}

/// Where an API server is and what is needed to talk to it.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) dir: PathBuf,
    pub(crate) url: String,
    pub(crate) certificate: PathBuf,
    pub(crate) kubectl: PathBuf,
}

fn run(command: &mut Command, input: &str) -> std::io::Result<std::process::Output> {
    let mut child = command.spawn()?;
    let stdin = child.stdin.take();
    // Written while the output is read: a full pipe on either side would stop both.
    std::thread::scope(|scope| {
        // One that ends without reading all of it is no failure of ours: its status tells.
        scope.spawn(move || {
            stdin.map(|mut stdin| std::io::Write::write_all(&mut stdin, input.as_bytes()))
        });
        child.wait_with_output()
    })
}
