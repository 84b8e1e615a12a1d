//! A claim as the plan takes it. Pure.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimCondition};
use vane_crds::Quantity;

use super::observed::Claim;
use crate::names;

/// Conditions of a claim whose volume did not grow, which Kubernetes goes on trying.
const FAILED: [&str; 2] = ["ControllerResizeError", "NodeResizeError"];
/// The condition of a claim whose volume grew, and whose file system grows with the next pod.
const NEEDS_POD: &str = "FileSystemResizePending";

/// What a claim says.
pub(super) fn claim(found: PersistentVolumeClaim) -> Claim {
    let metadata = found.metadata;
    let requests =
        found.spec.and_then(|spec| spec.resources).and_then(|resources| resources.requests);
    let status = found.status.unwrap_or_default();
    let size = |amount: k8s_openapi::apimachinery::pkg::api::resource::Quantity| {
        Quantity::from(&*amount.0)
    };
    let conditions = status.conditions.unwrap_or_default();
    let of = |kinds: &[&str]| {
        let mut holding = conditions.iter().filter(|condition| condition.status == "True");
        holding.find(|condition| kinds.contains(&&*condition.type_)).cloned()
    };
    let message = |failed: PersistentVolumeClaimCondition| failed.message.unwrap_or(failed.type_);
    Claim {
        uid: metadata.uid.unwrap_or_default(),
        going: metadata.deletion_timestamp.is_some(),
        retired: metadata.labels.and_then(|mut labels| labels.remove(names::RETIRED_LABEL)),
        asked: requests.and_then(|mut requests| requests.remove("storage")).map(size),
        has: status.capacity.and_then(|mut capacity| capacity.remove("storage")).map(size),
        trouble: of(&FAILED).map(message),
        needs_restart: of(&[NEEDS_POD]).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_kubernetes_says_of_a_claim_is_read() {
        let read = |status: serde_json::Value| {
            let found = json!({
                "metadata": {"uid": "u", "labels": {"vanedb.io/retired": "3"}},
                "spec": {"resources": {"requests": {"storage": "20Gi"}}}, "status": status,
            });
            claim(serde_json::from_value(found).expect("a claim"))
        };
        let pending = read(json!({}));
        assert_eq!((pending.uid.as_str(), pending.retired.as_deref()), ("u", Some("3")));
        assert_eq!((pending.asked, pending.has), (Some("20Gi".into()), None));
        let of = |kind: &str, holds: &str| {
            let condition = json!({"type": kind, "status": holds, "message": "no room"});
            read(json!({"capacity": {"storage": "10Gi"}, "conditions": [condition]}))
        };
        let failed = of("ControllerResizeError", "True");
        assert_eq!((failed.has, failed.trouble.as_deref()), (Some("10Gi".into()), Some("no room")));
        assert_eq!(of("ControllerResizeError", "False").trouble, None);
        assert!(of("FileSystemResizePending", "True").needs_restart);
        assert!(!of("Resizing", "True").needs_restart);
    }
}
