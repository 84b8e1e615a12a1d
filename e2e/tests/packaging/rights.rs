//! What the operator's account may do.

use vane_testbed::{Access, ApiServer};

use crate::rendered::{apply, installed, rendered};

/// The calls that the operator's sources make in namespaces that it works in.
const CALLS: [(&str, &[&str]); 16] = [
    ("vectorclusters.vanedb.io", &["get", "list", "watch"]),
    ("vectorclusters.vanedb.io/status", &["patch"]),
    ("collections.vanedb.io", &["list", "watch", "patch"]),
    ("collections.vanedb.io/status", &["patch"]),
    ("shardplacements.vanedb.io", &["list", "watch", "create", "patch", "delete"]),
    ("shardplacements.vanedb.io/status", &["patch"]),
    ("statefulsets.apps", &["get", "list", "watch", "create", "patch"]),
    ("statefulsets.apps/scale", &["patch"]),
    ("services", &["get", "list", "watch", "create", "patch"]),
    ("poddisruptionbudgets.policy", &["get", "list", "watch", "create", "patch"]),
    ("secrets", &["get", "create"]),
    ("pods", &["list", "watch", "delete"]),
    ("pods/eviction", &["create"]),
    ("controllerrevisions.apps", &["get", "list", "watch", "create", "delete"]),
    ("persistentvolumeclaims", &["get", "list", "watch", "patch"]),
    ("events.events.k8s.io", &["create", "patch"]),
];

/// What it never does, and must not be able to.
const NEVER: [(&str, &[&str]); 13] = [
    ("*", &["*", "get"]),
    ("secrets", &["list", "watch", "patch", "update", "delete"]),
    ("pods", &["create", "patch"]),
    ("pods/exec", &["create"]),
    ("vectorclusters.vanedb.io", &["create", "update", "patch", "delete"]),
    ("collections.vanedb.io", &["create", "delete"]),
    ("statefulsets.apps", &["delete"]),
    ("persistentvolumeclaims", &["create", "delete"]),
    ("configmaps", &["list", "watch"]),
    ("serviceaccounts/token", &["create"]),
    ("roles.rbac.authorization.k8s.io", &["get", "create", "escalate", "bind"]),
    ("clusterrolebindings.rbac.authorization.k8s.io", &["create"]),
    ("nodes", &["update", "patch", "delete"]),
];

async fn may(account: &Access, namespace: &str, verb: &str, resource: &str) -> bool {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let subresource = format!("--subresource={subresource}");
    // "no" is an exit status of 1, with nothing on standard error but warnings.
    let args = ["-n", namespace, "auth", "can-i", verb, resource, &subresource];
    account.kubectl(&args).await.is_ok_and(|answer| answer.trim() == "yes")
}

/// What it may not, of these.
async fn missing(account: &Access, namespace: &str, rights: &[(&str, &[&str])]) -> Vec<String> {
    let mut missing = Vec::new();
    for (resource, verbs) in rights {
        for verb in *verbs {
            if !may(account, namespace, verb, resource).await {
                missing.push(format!("{verb} {resource}"));
            }
        }
    }
    missing
}

async fn holds(account: &Access, namespace: &str) {
    assert_eq!(missing(account, namespace, &CALLS).await, [""; 0], "in {namespace}");
    let made: [(&str, &[&str]); 2] = [
        ("configmaps", &["get", "create", "patch", "delete"]),
        ("serviceaccounts", &["get", "list", "watch", "create", "patch"]),
    ];
    assert_eq!(missing(account, namespace, &made).await, [""; 0], "in {namespace}");
    let never: usize = NEVER.iter().map(|(_, verbs)| verbs.len()).sum();
    assert_eq!(
        missing(account, namespace, &NEVER).await.len(),
        never,
        "it may too much in {namespace}"
    );
}

/// They are in no namespace.
async fn sees_machines(account: &Access, namespace: &str) {
    let seen: [(&str, &[&str]); 2] =
        [("nodes", &["get", "list", "watch"]), ("persistentvolumes", &["get"])];
    assert_eq!(missing(account, namespace, &seen).await, [""; 0]);
}

#[tokio::test]
async fn the_operator_may_what_it_does_and_nothing_else() {
    let (_api, account) = installed().await;
    holds(&account, "default").await;
    sees_machines(&account, "default").await;
    for verb in ["get", "update"] {
        // The one that has the operator's name.
        let args = [
            "-n",
            "vane-system",
            "auth",
            "can-i",
            verb,
            "leases.coordination.k8s.io/vane-operator",
        ];
        account.kubectl(&args).await.unwrap();
    }
    assert!(may(&account, "vane-system", "create", "leases.coordination.k8s.io").await);
    assert!(!may(&account, "default", "create", "leases.coordination.k8s.io").await);
}

#[tokio::test]
async fn an_operator_of_two_namespaces_has_no_rights_elsewhere() {
    let api = ApiServer::start().await.unwrap();
    for namespace in ["system", "one", "two", "three"] {
        api.namespace(namespace).await.unwrap();
    }
    let settings = ["--set", "watchNamespaces={one,two}"];
    let switched_on = [&settings[..], &["--set", "rbac.deleteClaims=true"]].concat();
    apply(&api, &rendered("charts/vane-operator", "vane-operator", "system", &settings)).await;
    let account = api.service_account("system", "vane-operator").await.unwrap();
    for namespace in ["one", "two"] {
        holds(&account, namespace).await;
    }
    sees_machines(&account, "one").await;
    let calls: usize = CALLS.iter().map(|(_, verbs)| verbs.len()).sum();
    for namespace in ["three", "system"] {
        assert_eq!(
            missing(&account, namespace, &CALLS).await.len(),
            calls,
            "it may something in {namespace}"
        );
    }
    deletes_claims(&api, &account, &switched_on).await;
}

/// A right that has to be switched on.
async fn deletes_claims(api: &ApiServer, account: &Access, settings: &[&str]) {
    apply(api, &rendered("charts/vane-operator", "vane-operator", "system", settings)).await;
    let may = async |namespace| may(account, namespace, "delete", "persistentvolumeclaims").await;
    assert!(may("one").await && !may("three").await);
}

#[tokio::test]
async fn people_who_edit_a_namespace_edit_its_databases() {
    let (api, _) = installed().await;
    for (account, role) in [("viewer", "view"), ("editor", "edit")] {
        api.kubectl(&["create", "serviceaccount", account]).await.unwrap();
        let subject = format!("--serviceaccount=default:{account}");
        api.kubectl(&[
            "create",
            "rolebinding",
            account,
            &format!("--clusterrole={role}"),
            &subject,
        ])
        .await
        .unwrap();
    }
    let (viewer, editor) = (
        api.service_account("default", "viewer").await.unwrap(),
        api.service_account("default", "editor").await.unwrap(),
    );
    let rights: [(&str, &[&str]); 3] = [
        ("vectorclusters.vanedb.io", &["create", "patch", "delete"]),
        ("collections.vanedb.io", &["create", "patch", "delete"]),
        ("shardplacements.vanedb.io", &["patch"]),
    ];
    crate::rendered::until(
        &api,
        &["get", "clusterrole", "edit", "-o", "yaml"],
        "vectorclusters/scale",
        String::new,
    )
    .await;
    assert_eq!(missing(&editor, "default", &rights).await, [""; 0]);
    assert_eq!(missing(&viewer, "default", &rights).await.len(), 7);
    assert!(may(&viewer, "default", "list", "collections.vanedb.io").await);
    assert!(!may(&editor, "default", "patch", "vectorclusters.vanedb.io/status").await);
}
