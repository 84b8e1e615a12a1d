//! Volumes that are local to a machine, of pods that do not run where they were. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{NodeSelectorTerm, PersistentVolume, PersistentVolumeClaim};
use kube::ResourceExt;
use kube::api::Api;

use super::observed::{Local, Pod};
use crate::copies::FORBIDDEN;
use crate::database::machines::{self, HOSTNAME_LABEL};
use crate::database::{Outlook, Scope};
use crate::error::{CallError, Request, kubernetes};
use crate::names;

/// Annotation of a claim: the machine that it was first made for.
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

/// The volumes of pods that have no machine or one that is gone, where they are local to a machine.
/// Looked for only then: of others nobody asks.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
pub(super) async fn volumes(
    scope: Scope<'_>,
    pods: &BTreeMap<i32, Pod>,
) -> Result<BTreeMap<i32, Local>, CallError> {
    let mut local = BTreeMap::new();
    for (ordinal, pod) in pods {
        if pod.ready || !is_nowhere(pod) {
            continue;
        }
        if let Some(volume) = volume(scope, &names::claim(scope.cluster, *ordinal)).await? {
            local.insert(*ordinal, volume);
        }
    }
    Ok(local)
}

fn is_nowhere(pod: &Pod) -> bool {
    let machine = pod.state.machine.as_ref();
    machine.is_none_or(|machine| matches!(machine.outlook, Outlook::Gone(_)))
}

async fn volume(scope: Scope<'_>, claim: &str) -> Result<Option<Local>, CallError> {
    let failed = kubernetes(Request::Read(names::object::<PersistentVolumeClaim>(claim)));
    let found = scope.api::<PersistentVolumeClaim>().get_opt(claim).await.map_err(failed)?;
    let Some(found) = found else { return Ok(None) };
    let selected = found.annotations().get(SELECTED_NODE).cloned();
    let Some(name) = found.spec.and_then(|spec| spec.volume_name) else { return Ok(None) };
    let volumes: Api<PersistentVolume> = Api::all(scope.client.clone());
    let (machine, is_proven) = match volumes.get_opt(&name).await {
        // Volumes are in no namespace either. Where the claim was first made tells people
        // something, and proves nothing: a volume may be reached from elsewhere too.
        Err(kube::Error::Api(status)) if status.code == FORBIDDEN => (selected, false),
        found => {
            let failed = kubernetes(Request::Read(format!("volume {name}")));
            let found = found.map_err(failed)?;
            (found.and_then(|volume| machine_of(&volume, selected.as_deref())), true)
        }
    };
    let Some(machine) = machine else { return Ok(None) };
    let gone = match machines::by_hostname(scope, &machine).await?.outlook {
        Outlook::Gone(why) => Some(why),
        Outlook::Hidden | Outlook::Stays | Outlook::Drained(_) | Outlook::Unready(_) => None,
    };
    Ok(Some(Local { machine, gone, is_proven }))
}

/// The one machine from which a volume can be reached; `None` where there may be others. A driver
/// with a label of its own names there the machine that the claim was made for.
fn machine_of(volume: &PersistentVolume, selected: Option<&str>) -> Option<String> {
    let affinity = volume.spec.as_ref()?.node_affinity.as_ref()?.required.as_ref()?;
    // Each of the terms is enough.
    let terms = affinity.node_selector_terms.iter();
    let machines: Option<BTreeSet<&str>> = terms.map(|term| of_term(term, selected)).collect();
    let mut machines = machines?.into_iter();
    machines.next().filter(|_| machines.next().is_none()).map(str::to_owned)
}

fn of_term<'a>(term: &'a NodeSelectorTerm, selected: Option<&str>) -> Option<&'a str> {
    term.match_expressions.iter().flatten().find_map(|wanted| {
        let [value] = wanted.values.as_deref()? else { return None };
        let names_machine = wanted.key == HOSTNAME_LABEL || Some(value.as_str()) == selected;
        (wanted.operator == "In" && names_machine).then_some(value.as_str())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::{Value, json};

    use super::*;

    fn machine(terms: &Value, selected: Option<&str>) -> Option<String> {
        let volume: PersistentVolume = serde_json::from_value(json!({
            "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}},
        }))
        .unwrap();
        machine_of(&volume, selected)
    }

    fn term(key: &str, values: &[&str]) -> Value {
        json!({"matchExpressions": [{"key": key, "operator": "In", "values": values}]})
    }

    #[test]
    fn a_volume_is_local_where_one_machine_alone_reaches_it() {
        let hostname = |values: &[&str]| term(HOSTNAME_LABEL, values);
        assert_eq!(machine(&json!([hostname(&["m1"])]), None).as_deref(), Some("m1"));
        assert_eq!(machine(&json!([hostname(&["m1", "m2"])]), None), None);
        assert_eq!(machine(&json!([hostname(&["m1"]), hostname(&["m2"])]), None), None);
        // A zone whose machines are all gone is no machine.
        let zone = term("topology.ebs.csi.aws.com/zone", &["a"]);
        assert_eq!(machine(&json!([zone]), Some("m1")), None);
        let own = term("topology.topolvm.io/node", &["m1"]);
        assert_eq!(machine(&json!([own]), Some("m1")).as_deref(), Some("m1"));
        assert_eq!(machine(&json!([own]), None), None, "nobody says what the label is");
        assert_eq!(machine(&json!([zone, own]), Some("m1")), None);
        assert_eq!(machine_of(&PersistentVolume::default(), Some("m1")), None);
    }
}
