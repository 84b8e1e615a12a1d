//! The charts and the one file, as users apply them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use vane_testbed::{Access, ApiServer, wait_until_async};

/// Time for what a running Kubernetes does at once.
const SOON: Duration = Duration::from_secs(30);
/// A cluster with a collection, as values of its chart.
const DATABASE: &str = concat!(
    r#"collections={"docs":{"vectors":[{"size":4,"distance":"Dot"}],"#,
    r#""shards":2,"aliases":["now"]}}"#,
);

/// A file of the project.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

/// What Helm makes of a chart.
pub(crate) fn rendered(chart: &str, release: &str, namespace: &str, settings: &[&str]) -> String {
    let tools = Command::new(file("e2e/kubernetes/tools"))
        .arg("charts")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(tools.status.success(), "helm could not be brought");
    let helm = Path::new(String::from_utf8(tools.stdout).unwrap().trim()).join("helm");
    let mut command = Command::new(helm);
    command.args(["template", release, "--namespace", namespace]).arg(file(chart)).args(settings);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Applies a file of objects as a person does. Objects of a kind that the same file defines are
/// refused until the kind is served: none of ours has such.
pub(crate) async fn apply(api: &ApiServer, objects: &str) {
    let args = ["apply", "--server-side", "--validate=strict", "-f", "-"];
    api.admin().kubectl_reading(objects, &args).await.unwrap();
}

/// What `install.yaml` gives, and the operator's account.
pub(crate) async fn installed() -> (ApiServer, Access) {
    let api = ApiServer::start().await.unwrap();
    apply(&api, &std::fs::read_to_string(file("kustomize/install.yaml")).unwrap()).await;
    api.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"])
        .await
        .unwrap();
    let account = api.service_account("vane-system", "vane-operator").await.unwrap();
    (api, account)
}

/// Applies a database with a collection once its kinds are served.
pub(crate) async fn apply_database(api: &ApiServer, namespace: &str) {
    let objects = rendered("charts/vane-cluster", "demo", namespace, &["--set-json", DATABASE]);
    let args = ["apply", "--server-side", "--validate=strict", "-f", "-"];
    let apply = async || match api.admin().kubectl_reading(&objects, &args).await {
        Err(error) if error.to_string().contains("no matches for kind") => {
            Ok(Err(error.to_string()))
        }
        applied => applied.map(Ok),
    };
    wait_until_async("the kinds to be served", SOON, apply).await.unwrap();
}

/// Waits until kubectl says what is wanted.
pub(crate) async fn until(api: &ApiServer, args: &[&str], wanted: &str, log: impl Fn() -> String) {
    let said = api.kubectl_until(args, wanted).await;
    said.unwrap_or_else(|error| panic!("{error}\n{}", log()));
}

#[tokio::test]
async fn the_pod_of_one_file_passes_the_restricted_profile() {
    let (api, _) = installed().await;
    // The namespace of the file refuses any other.
    until(&api, &["-n", "vane-system", "get", "pods"], "vane-operator-", String::new).await;
}

#[tokio::test]
async fn a_database_of_the_chart_is_accepted() {
    let (api, _) = installed().await;
    apply_database(&api, "default").await;
    let shown = api.kubectl(&["get", "vc/demo", "col/docs", "-o", "name"]).await.unwrap();
    assert_eq!(shown.lines().count(), 2, "{shown}");
}
