//! etcd, kube-apiserver and kube-controller-manager as plain processes: no root, no Docker, no
//! machines, so pods stay `Pending` unless a test plays the kubelet.
//!
//! Everything of an [`ApiServer`] is in a folder of its own and on ports of its own: tests may
//! share one or have one each. It ends with the process that started it, even a killed one.

mod access;
mod assets;
mod processes;

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;

pub use access::Access;

use crate::error::Error;
use crate::wait::wait_until_async;
use access::Server;
use assets::Assets;
use processes::Processes;

/// Token of the administrator: the server listens on this machine alone and holds nothing.
const ADMIN_TOKEN: &str = "admin";
/// Time for an API server to be ready; three seconds are usual.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// Time for what a running Kubernetes does at once.
const SOON: Duration = Duration::from_secs(30);
/// Ports to choose from: below those that the system gives to connections, which could take
/// an API server's while it is stopped.
const PORTS: std::ops::Range<u16> = 20_000..30_000;
/// Starts with other ports, where another process took one between the choice and its use.
const START_ATTEMPTS: usize = 3;
/// Who applies what this module applies.
const FIELD_MANAGER: &str = "vane-testbed";

/// A Kubernetes without machines. Dropping it kills its processes and removes its files.
pub struct ApiServer {
    processes: Processes,
    assets: Assets,
    server: Server,
    etcd_port: u16,
    port: u16,
    admin: Access,
}

impl ApiServer {
    /// Starts one and waits until it is ready, about three seconds. Where the binaries are
    /// missing they are brought first, which may take minutes.
    ///
    /// # Errors
    ///
    /// A binary is missing, or a process ended: the end of its log is in the error.
    pub async fn start() -> Result<Self, Error> {
        // Binaries that are missing are built, for minutes: not on the caller's runtime.
        let assets = tokio::task::spawn_blocking(Assets::find).await;
        let assets = assets
            .map_err(std::io::Error::from)
            .map_err(Error::system("run", Path::new("e2e/kubernetes/tools")))??;
        let mut attempt = 1;
        loop {
            match Self::start_on_free_ports(assets.clone()).await {
                Err(Error::Ended { log, .. })
                    if log.contains("address already in use") && attempt < START_ATTEMPTS =>
                {
                    // Another process took a port between the choice and its use.
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn start_on_free_ports(assets: Assets) -> Result<Self, Error> {
        let processes = Processes::new()?;
        let [etcd_port, port] = free_ports()?;
        let dir = processes.dir().to_owned();
        let tokens = dir.join("tokens.csv");
        std::fs::write(&tokens, format!("{ADMIN_TOKEN},admin,admin,system:masters\n"))
            .map_err(Error::system("write", &tokens))?;
        let server = Server {
            url: format!("https://127.0.0.1:{port}"),
            certificate: dir.join("certificates/apiserver.crt"),
            kubectl: assets.kubectl.clone(),
            dir,
        };
        let admin = Access::new(&server, "admin", ADMIN_TOKEN)?;
        let mut server = Self { processes, assets, server, etcd_port, port, admin };
        server.processes.start("etcd", &server.assets.etcd, &server.etcd_args())?;
        server.start_api().await?;
        server.processes.start(
            "kube-controller-manager",
            &server.assets.controllers,
            &server.controllers_args(),
        )?;
        Ok(server)
    }

    /// The administrator: may do everything.
    pub fn admin(&self) -> &Access {
        &self.admin
    }

    /// A client of the administrator, on the runtime of the caller.
    ///
    /// # Errors
    ///
    /// See [`Access::client`].
    pub async fn client(&self) -> Result<kube::Client, Error> {
        self.admin.client().await
    }

    /// The administrator's kubeconfig: for kubectl and for processes of the operator.
    pub fn kubeconfig(&self) -> &Path {
        self.admin.kubeconfig()
    }

    /// Runs kubectl as the administrator; see [`Access::kubectl`].
    ///
    /// # Errors
    ///
    /// It failed: what it wrote to its standard error.
    pub async fn kubectl(&self, args: &[&str]) -> Result<String, Error> {
        self.admin.kubectl(args).await
    }

    /// Runs kubectl as the administrator until its output contains `wanted`.
    ///
    /// # Errors
    ///
    /// It does not within half a minute; the error has what kubectl wrote last.
    pub async fn kubectl_until(&self, args: &[&str], wanted: &str) -> Result<(), Error> {
        let what = format!("{wanted:?} in the output of kubectl {}", args.join(" "));
        wait_until_async(&what, SOON, async || match self.kubectl(args).await {
            Ok(text) if text.contains(wanted) => Ok(Ok(())),
            seen => Ok(Err(format!("{seen:?}"))),
        })
        .await
    }

    /// Access as a ServiceAccount that exists: it may do what roles say, and nothing else.
    ///
    /// # Errors
    ///
    /// There is no such account.
    pub async fn service_account(&self, namespace: &str, name: &str) -> Result<Access, Error> {
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client().await?, namespace);
        let request = TokenRequest {
            // Longer than any test runs: nobody renews it.
            spec: TokenRequestSpec { expiration_seconds: Some(24 * 60 * 60), ..Default::default() },
            ..Default::default()
        };
        let answer = accounts.create_token_request(name, &PostParams::default(), &request).await;
        let answer = answer.map_err(Error::api(format!("make a token for {user}")))?;
        let token = answer.status.map(|status| status.token).unwrap_or_default();
        Access::new(&self.server, &user, &token)
    }

    /// Kills kube-apiserver. etcd keeps what it had, controllers try again and again.
    pub fn stop_api(&mut self) {
        self.processes.kill("kube-apiserver");
    }

    /// Starts kube-apiserver again where it was, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub async fn start_api(&mut self) -> Result<(), Error> {
        self.processes.start("kube-apiserver", &self.assets.apiserver, &self.api_args())?;
        let (processes, address) = (&mut self.processes, (Ipv4Addr::LOCALHOST, self.port));
        wait_until_async("kube-apiserver to listen", READY_TIMEOUT, async || {
            // A process that ended would be waited for in vain.
            processes.check()?;
            Ok(tokio::net::TcpStream::connect(address).await.map(drop).map_err(|e| e.to_string()))
        })
        .await?;
        // Only now: the server writes its certificate when it starts, and a client needs that.
        let client = self.admin.client().await?;
        let processes = &mut self.processes;
        wait_until_async("kube-apiserver to be ready", READY_TIMEOUT, async || {
            processes.check()?;
            let ready = kube::core::Request::new("").get("readyz", &Default::default());
            let answer = client.request_text(ready.expect("the path is plain")).await;
            Ok(answer.map(drop).map_err(|e| e.to_string()))
        })
        .await
    }

    /// Applies Vane's definitions and waits until the API server serves them and says so.
    ///
    /// # Errors
    ///
    /// It refuses one, with its reasons.
    pub async fn install_definitions(&self) -> Result<(), Error> {
        let client = self.client().await?;
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        let how = PatchParams::apply(FIELD_MANAGER).force();
        let mut kinds = Vec::new();
        for (_, definition) in vane_crds::definitions::all() {
            let name = definition.name_any();
            let applied = definitions.patch(&name, &how, &Patch::Apply(&definition)).await;
            applied.map_err(Error::api(format!("apply {name}")))?;
            kinds.push(definition.spec.names.plural);
        }
        // What kubectl asks. It follows the definitions' own `Established` by a moment.
        wait_until_async("the definitions to be served", SOON, async || {
            let groups =
                client.list_api_groups_aggregated().await.map_err(Error::api("list groups"))?;
            let served: Vec<String> = groups
                .items
                .into_iter()
                .filter(|group| {
                    group.metadata.as_ref().and_then(|group| group.name.as_deref())
                        == Some(vane_crds::GROUP)
                })
                .flat_map(|group| group.versions)
                .flat_map(|version| version.resources)
                .filter_map(|resource| resource.resource)
                .collect();
            Ok(if kinds.iter().all(|kind| served.contains(kind)) {
                Ok(())
            } else {
                Err(format!("{served:?}"))
            })
        })
        .await
    }

    /// Makes a namespace, and waits for the account that its pods have by default.
    ///
    /// # Errors
    ///
    /// The API server refuses it, or the controllers do not run.
    pub async fn namespace(&self, name: &str) -> Result<(), Error> {
        let client = self.client().await?;
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let applied = namespaces
            .patch(name, &PatchParams::apply(FIELD_MANAGER), &Patch::Apply(namespace))
            .await;
        applied.map_err(Error::api(format!("make the namespace {name}")))?;
        let accounts: Api<ServiceAccount> = Api::namespaced(client, name);
        wait_until_async("the default account of a namespace", SOON, async || {
            let account =
                accounts.get_opt("default").await.map_err(Error::api("get the default account"))?;
            Ok(account.map(drop).ok_or_else(|| "none".to_owned()))
        })
        .await
    }

    fn etcd_args(&self) -> Vec<String> {
        let url = format!("http://127.0.0.1:{}", self.etcd_port);
        vec![
            "--data-dir=etcd".into(),
            format!("--listen-client-urls={url}"),
            format!("--advertise-client-urls={url}"),
            "--listen-peer-urls=http://127.0.0.1:0".into(),
            // What a test wrote need not outlive a power cut, and syncs cost seconds.
            "--unsafe-no-fsync".into(),
        ]
    }

    fn api_args(&self) -> Vec<String> {
        // The key that the server makes for its certificate also signs tokens of accounts.
        let key = self.server.certificate.with_extension("key");
        vec![
            format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port),
            "--bind-address=127.0.0.1".into(),
            format!("--secure-port={}", self.port),
            // A machine without a network has no other address to advertise.
            "--advertise-address=127.0.0.1".into(),
            "--endpoint-reconciler-type=none".into(),
            format!("--cert-dir={}", self.server.dir.join("certificates").display()),
            "--service-account-issuer=https://kubernetes.default.svc".into(),
            format!("--service-account-key-file={}", key.display()),
            format!("--service-account-signing-key-file={}", key.display()),
            "--authorization-mode=RBAC".into(),
            "--token-auth-file=tokens.csv".into(),
            // Room for a thousand Services.
            "--service-cluster-ip-range=10.0.0.0/20".into(),
        ]
    }

    fn controllers_args(&self) -> Vec<String> {
        let certificate = &self.server.certificate;
        vec![
            format!("--kubeconfig={}", self.kubeconfig().display()),
            format!(
                "--service-account-private-key-file={}",
                certificate.with_extension("key").display()
            ),
            format!("--root-ca-file={}", certificate.display()),
            // There is only this one, and nobody asks it.
            "--leader-elect=false".into(),
            "--secure-port=0".into(),
            // A test waits for it, and has the server for itself.
            "--kube-api-qps=200".into(),
            "--kube-api-burst=400".into(),
        ]
    }
}

/// Two ports that nobody listens on now.
fn free_ports() -> Result<[u16; 2], Error> {
    static CHOSEN: AtomicU32 = AtomicU32::new(0);
    let count = u32::from(PORTS.end - PORTS.start);
    // Who chooses at the same time, in this process or another, begins elsewhere.
    let begin = std::process::id().wrapping_add(CHOSEN.fetch_add(2, Ordering::Relaxed));
    let ports =
        (0..count).filter_map(|offset| u16::try_from(begin.wrapping_add(offset) % count).ok());
    let free = ports
        .map(|offset| PORTS.start + offset)
        // Let go again: `start` makes another attempt where one is taken before its use.
        .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    match free.take(2).collect::<Vec<u16>>()[..] {
        [first, second] => Ok([first, second]),
        _ => Err(Error::System {
            what: format!("find two free ports of {}..{}", PORTS.start, PORTS.end),
            source: std::io::ErrorKind::AddrInUse.into(),
        }),
    }
}
