//! The machines that pods run on, as far as Kubernetes lets them be seen: where they stand, and
//! whether they are about to be taken away or gone. Asks no node, and decides nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node as Object, Pod};
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use super::Scope;
use crate::copies::FORBIDDEN;
use crate::error::{CallError, Request, kubernetes};

/// Label of a machine with the zone that it stands in.
const ZONE_LABEL: &str = "topology.kubernetes.io/zone";
/// Label of a machine with its name, or what its system calls it.
pub(crate) const HOSTNAME_LABEL: &str = "kubernetes.io/hostname";
/// Taint by which people say that what ran on a machine runs no more.
pub(crate) const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// A machine that a pod has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// Zone that it stands in, where it names one.
    pub zone: Option<String>,
    /// What is to be expected of it.
    pub outlook: Outlook,
}

/// What is to be expected of a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Outlook {
    /// It may not be seen, or not yet: nothing is known.
    #[default]
    Hidden,
    /// It stays, as far as it says.
    Stays,
    /// It takes no pods, and those that it has are about to be evicted; why, in words.
    Drained(String),
    /// It has not been ready for so long.
    Unready(Duration),
    /// There is no such machine, or people said that it is gone; in words.
    Gone(String),
}

impl Machine {
    /// Why its pods are about to be evicted, where they are.
    pub(crate) fn drained(&self) -> Option<&str> {
        match &self.outlook {
            Outlook::Drained(why) => Some(why),
            _ => None,
        }
    }
}

/// The machine of a pod; `None` where it has none yet.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
pub(crate) async fn of(scope: Scope<'_>, pod: &Pod) -> Result<Option<Machine>, CallError> {
    match pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()) {
        Some(name) => look(scope, name).await.map(Some),
        None => Ok(None),
    }
}

/// A machine by its name.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
async fn look(scope: Scope<'_>, name: &str) -> Result<Machine, CallError> {
    let now = Timestamp::now();
    if let Some(copies) = scope.copies {
        if let Some(copy) = copies.machine(name) {
            return Ok(facts(&copy, scope.drain_taints, now));
        }
        // Without the right to see all of them the zone is read by name, now and then.
        if let Some(zone) = scope.recent.zone(name).filter(|_| !copies.sees_machines()) {
            return Ok(Machine { name: name.to_owned(), zone, outlook: Outlook::Hidden });
        }
    }
    let machines: Api<Object> = Api::all(scope.client.clone());
    let machine = match machines.get_opt(name).await {
        // Machines are in no namespace, and an operator of one may not be let see them: it knows no
        // zones then and nothing of drains, and does everything else.
        Err(kube::Error::Api(status)) if status.code == FORBIDDEN => {
            Machine { name: name.to_owned(), ..Machine::default() }
        }
        found => {
            let failed = kubernetes(Request::Read(format!("machine {name}")));
            match found.map_err(failed)? {
                Some(found) => facts(&found, scope.drain_taints, now),
                None => gone(name),
            }
        }
    };
    scope.recent.note_zone(name, machine.zone.as_deref());
    Ok(machine)
}

/// The machine of which a volume says that it is local to it: by its name, or by its label.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
pub(crate) async fn by_hostname(scope: Scope<'_>, hostname: &str) -> Result<Machine, CallError> {
    let named = look(scope, hostname).await?;
    if !matches!(named.outlook, Outlook::Gone(_)) {
        return Ok(named);
    }
    let machines: Api<Object> = Api::all(scope.client.clone());
    let selected = ListParams::default().labels(&format!("{HOSTNAME_LABEL}={hostname}")).limit(1);
    match machines.list(&selected).await {
        Err(kube::Error::Api(status)) if status.code == FORBIDDEN => {
            Ok(Machine { outlook: Outlook::Hidden, ..named })
        }
        found => {
            let failed = kubernetes(Request::List("the machines".into()));
            let found = found.map_err(failed)?.items.into_iter().next();
            Ok(found.map_or(named, |machine| facts(&machine, scope.drain_taints, Timestamp::now())))
        }
    }
}

fn gone(name: &str) -> Machine {
    let outlook = Outlook::Gone("is not there any more".into());
    Machine { name: name.to_owned(), zone: None, outlook }
}

/// What a machine says of itself. `drain_taints` are the keys of taints of which each says that it
/// is about to be drained.
fn facts(machine: &Object, drain_taints: &BTreeSet<String>, now: Timestamp) -> Machine {
    let zone = machine.labels().get(ZONE_LABEL).cloned();
    let spec = machine.spec.clone().unwrap_or_default();
    let taints: Vec<&str> = spec.taints.iter().flatten().map(|taint| taint.key.as_str()).collect();
    let outlook = if taints.contains(&OUT_OF_SERVICE) {
        Outlook::Gone(format!("has the taint {OUT_OF_SERVICE}"))
    } else if let Some(for_long) = unready_for(machine, now) {
        Outlook::Unready(for_long)
    } else if spec.unschedulable == Some(true) {
        Outlook::Drained("is cordoned".into())
    } else if let Some(taint) = taints.iter().find(|taint| drain_taints.contains(**taint)) {
        Outlook::Drained(format!("has the taint {taint}"))
    } else {
        Outlook::Stays
    };
    Machine { name: machine.name_any(), zone, outlook }
}

/// For how long a machine has said that it is not ready, or has said nothing.
fn unready_for(machine: &Object, now: Timestamp) -> Option<Duration> {
    let mut conditions =
        machine.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let ready = conditions.find(|condition| condition.type_ == "Ready")?;
    let since = ready.last_transition_time.as_ref().filter(|_| ready.status != "True")?;
    // Another clock may be ahead.
    Some(Duration::try_from(now.duration_since(since.0)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::{Value, json};

    use super::*;

    fn outlook(spec: &Value, ready: &str) -> Outlook {
        let machine: Object = serde_json::from_value(json!({
            "metadata": {"name": "m", "labels": {"topology.kubernetes.io/zone": "a"}},
            "spec": spec,
            "status": {"conditions": [{
                "type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z",
            }]},
        }))
        .unwrap();
        let taints = BTreeSet::from(["karpenter.sh/disrupted".to_owned()]);
        let machine = facts(&machine, &taints, "2026-01-01T00:05:00Z".parse().unwrap());
        assert_eq!((machine.name.as_str(), machine.zone.as_deref()), ("m", Some("a")));
        machine.outlook
    }

    fn tainted(key: &str) -> Value {
        json!({"taints": [{"key": key, "effect": "NoSchedule"}]})
    }

    #[test]
    fn a_machine_says_what_is_to_be_expected_of_it() {
        assert_eq!(outlook(&json!({}), "True"), Outlook::Stays);
        let cordoned = json!({"unschedulable": true});
        assert_eq!(outlook(&cordoned, "True"), Outlook::Drained("is cordoned".into()));
        let disrupted = outlook(&tainted("karpenter.sh/disrupted"), "True");
        assert!(matches!(disrupted, Outlook::Drained(why) if why.contains("karpenter.sh")));
        // A taint that keeps pods away says nothing of those that are there.
        let candidate = tainted("DeletionCandidateOfClusterAutoscaler");
        assert_eq!(outlook(&candidate, "True"), Outlook::Stays);
        // One that does not answer hands nothing over.
        let unready = Outlook::Unready(Duration::from_secs(300));
        assert_eq!(outlook(&cordoned, "Unknown"), unready);
        assert!(matches!(outlook(&tainted(OUT_OF_SERVICE), "False"), Outlook::Gone(_)));
    }
}
