//! The operator's process with the account of its Deployment.

use std::path::Path;
use std::process::Command;

use vane_testbed::program;
use vane_up::Process;

use serde_json::json;

use crate::rendered::{apply_database, installed, until};

/// Killed when it is dropped.
struct Operator(Process);

impl Drop for Operator {
    fn drop(&mut self) {
        self.0.kill();
    }
}

fn start(kubeconfig: &Path, log: &Path) -> Operator {
    let mut command = Command::new(program::vane_operator().unwrap());
    command
        .args(["--listen=127.0.0.1:0", "--lease-namespace=vane-system"])
        .arg("--log=info,vane_operator=debug")
        .env("KUBECONFIG", kubeconfig)
        // The server is on this machine.
        .env_remove("HTTPS_PROXY")
        .env_remove("https_proxy");
    Operator(Process::start(command, log).unwrap())
}

#[tokio::test]
async fn the_operator_works_with_the_rights_that_it_is_given() {
    let (api, account) = installed().await;
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("operator.log");
    let operator = start(account.kubeconfig(), &log);
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    apply_database(&api, "default").await;
    until(
        &api,
        &["get", "statefulset/demo", "pdb/demo", "service/demo", "secret/demo-token", "-o", "name"],
        "demo-token",
        said,
    )
    .await;
    let reason = "jsonpath={.status.conditions[?(@.type=='Ready')].reason}";
    until(&api, &["get", "vc/demo", "-o", reason], "Founding", said).await;
    until(&api, &["get", "col/docs", "-o", reason], "Cluster", said).await;
    until(&api, &["get", "events.events.k8s.io", "-o", "name"], "event", said).await;
    // A pod on a machine makes it look for the machine's zone.
    let node = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"m"}}"#;
    api.admin().kubectl_reading(node, &["create", "-f", "-"]).await.unwrap();
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": {"name": "demo-0"},
        "target": {"kind": "Node", "name": "m"},
    })
    .to_string();
    let to = "/api/v1/namespaces/default/pods/demo-0/binding";
    api.admin().kubectl_reading(&binding, &["create", "--raw", to, "-f", "-"]).await.unwrap();
    // A database that was founded can be scaled out.
    let founded = json!({"status": {"conditions": [{
        "type": "Founded", "status": "True", "reason": "Founded", "message": "",
        "lastTransitionTime": "2025-01-01T00:00:00Z",
    }]}})
    .to_string();
    api.kubectl(&["patch", "vc/demo", "--subresource=status", "--type=merge", "-p", &founded])
        .await
        .unwrap();
    api.kubectl(&["scale", "vc/demo", "--replicas=4"]).await.unwrap();
    until(&api, &["get", "statefulset/demo", "-o", "jsonpath={.spec.replicas}"], "4", said).await;
    // A finalizer is a right of its own. One that was made gets it, which status remembers.
    let made = founded.replace("Founded", "Created");
    api.kubectl(&["patch", "col/docs", "--subresource=status", "--type=merge", "-p", &made])
        .await
        .unwrap();
    let patch = r#"{"spec":{"deletionPolicy":"Delete"}}"#;
    api.kubectl(&["patch", "col/docs", "--type=merge", "-p", patch]).await.unwrap();
    until(&api, &["get", "col/docs", "-o", "jsonpath={.metadata.finalizers}"], "vanedb.io", said)
        .await;
    drop(operator);
    assert!(!said().to_lowercase().contains("forbidden"), "{}", said());
}
