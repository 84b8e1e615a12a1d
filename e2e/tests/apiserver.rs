//! A Kubernetes for tests does what a test relies on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use vane_testbed::ApiServer;

const STATEFUL_SET: &str = r#"
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web, namespace: one}
spec:
  serviceName: web
  replicas: 2
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: web
        image: example/web
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"#;

#[tokio::test]
async fn controllers_work_and_pod_security_is_enforced() {
    let api = ApiServer::start().await.unwrap();
    api.namespace("one").await.unwrap();
    api.kubectl(&["label", "namespace", "one", "pod-security.kubernetes.io/enforce=restricted"])
        .await
        .unwrap();
    api.admin().kubectl_reading(STATEFUL_SET, &["apply", "-f", "-"]).await.unwrap();
    api.kubectl_until(&["-n", "one", "get", "pods"], "web-1").await.unwrap();
    api.kubectl_until(&["-n", "one", "get", "pvc"], "data-web-1").await.unwrap();
    let refused =
        api.kubectl(&["-n", "one", "run", "root", "--image=example/web"]).await.unwrap_err();
    assert!(refused.to_string().contains("restricted"), "{refused}");

    // What goes with its owner is collected.
    api.kubectl(&["-n", "one", "delete", "statefulset", "web"]).await.unwrap();
    api.kubectl_until(&["-n", "one", "get", "pods", "-o", "jsonpath=left:{.items}"], "left:[]")
        .await
        .unwrap();
}

#[tokio::test]
async fn an_account_may_do_what_its_role_says() {
    let api = ApiServer::start().await.unwrap();
    api.namespace("one").await.unwrap();
    let account = api.service_account("one", "default").await.unwrap();
    assert!(
        account
            .kubectl(&["-n", "one", "get", "pods"])
            .await
            .unwrap_err()
            .to_string()
            .contains("forbidden")
    );
    for args in [
        &["-n", "one", "create", "role", "reader", "--verb=list", "--resource=pods"][..],
        &[
            "-n",
            "one",
            "create",
            "rolebinding",
            "reader",
            "--role=reader",
            "--serviceaccount=one:default",
        ],
    ] {
        api.kubectl(args).await.unwrap();
    }
    account.kubectl(&["-n", "one", "get", "pods"]).await.unwrap();
    assert!(
        account
            .kubectl(&["-n", "one", "get", "secrets"])
            .await
            .unwrap_err()
            .to_string()
            .contains("forbidden")
    );
    assert!(api.service_account("one", "nobody").await.is_err());
}

#[tokio::test]
async fn a_stopped_api_server_comes_back_with_everything() {
    let mut api = ApiServer::start().await.unwrap();
    api.namespace("one").await.unwrap();
    let client = api.client().await.unwrap();
    let account = api.service_account("one", "default").await.unwrap();
    api.stop_api();
    assert!(client.apiserver_version().await.is_err());
    assert!(api.kubectl(&["get", "namespaces"]).await.is_err());
    api.start_api().await.unwrap();
    client.apiserver_version().await.unwrap();
    assert!(api.kubectl(&["get", "namespaces"]).await.unwrap().contains("one"));
    // Tokens stay valid, and the controllers come back by themselves.
    account.client().await.unwrap().apiserver_version().await.unwrap();
    api.namespace("two").await.unwrap();
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let api = ApiServer::start().await.unwrap();
    let dir = api.kubeconfig().parent().unwrap().to_owned();
    assert!(dir.is_dir());
    drop(api);
    assert!(!dir.exists());
}
