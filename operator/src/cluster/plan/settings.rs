//! Settings that nodes take while they run, and those that there are not.

use std::collections::BTreeMap;

use vane_proto::setting;

use super::{Refusal, Step};
use crate::cluster::live;
use crate::cluster::observed::Observed;
use crate::cluster::validate::ValidatedCluster;

/// Gives the nodes what the spec has of the settings that they take while they run.
pub(super) fn step(cluster: &ValidatedCluster, observed: &Observed) -> Option<Step> {
    let database = &observed.database.as_ref()?.cluster;
    let set = observed.set.as_ref()?;
    if !set.changes_live {
        return None;
    }
    let wanted = live::wanted(&cluster.spec.settings, &set.live);
    let there: BTreeMap<String, String> =
        database.settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    (there != wanted).then_some(Step::SetSettings(wanted))
}

/// Settings that no node has. They would have no effect, and nobody would notice.
pub(super) fn refusal(cluster: &ValidatedCluster) -> Option<Refusal> {
    let unknown = cluster.spec.settings.keys().filter(|name| setting(name).is_none());
    let unknown: Vec<&str> = unknown.map(String::as_str).collect();
    (!unknown.is_empty()).then(|| Refusal {
        reason: "UnknownSetting",
        message: format!(
            "no node has these settings of spec.settings, and pods stay as they are while they \
             are there: {}",
            unknown.join(", ")
        ),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::{Value, json};
    use vane_crds::VectorCluster;
    use vane_proto::admin;

    use super::*;
    use crate::cluster::observed::Set;
    use crate::cluster::validate::validate;
    use crate::database::Database;

    fn cluster(settings: &Value) -> ValidatedCluster {
        let object: VectorCluster = serde_json::from_value(json!({
            "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster",
            "metadata": {"name": "demo", "namespace": "data", "uid": uuid::Uuid::nil()},
            "spec": {
                "nodes": 1, "version": "2", "storage": {"size": "1Gi"}, "settings": settings,
            },
        }))
        .unwrap();
        validate(&object).unwrap()
    }

    fn named(settings: &[(&str, &str)]) -> BTreeMap<String, String> {
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn nodes_are_given_what_they_take_while_they_run() {
        let step_of =
            |spec: &Value, pods: &[(&str, &str)], there: &[(&str, &str)], changes_live| {
                let told = admin::Cluster {
                    settings: named(there).into_iter().collect(),
                    ..admin::Cluster::default()
                };
                let database = Some(Database { cluster: told, ..Database::default() });
                let set = Some(Set { live: named(pods), changes_live, ..Set::default() });
                let observed = Observed { database, set, ..Observed::default() };
                step(&cluster(spec), &observed)
            };
        let debug = json!({"LOG__LEVEL": "debug", "SEARCH__THREADS": "2"});
        let given = Some(Step::SetSettings(named(&[("LOG__LEVEL", "debug")])));
        assert_eq!(step_of(&debug, &[], &[], true), given);
        assert_eq!(step_of(&debug, &[], &[("LOG__LEVEL", "debug")], true), None);
        assert_eq!(step_of(&debug, &[], &[], false), None, "nodes that cannot");
        // What the spec has no more, and pods were made with, is the default from now on.
        let taken_back = Some(Step::SetSettings(named(&[("LOG__LEVEL", "info")])));
        assert_eq!(step_of(&json!({}), &[("LOG__LEVEL", "debug")], &[], true), taken_back);
        let none = Some(Step::SetSettings(named(&[])));
        assert_eq!(step_of(&json!({}), &[], &[("LOG__LEVEL", "debug")], true), none);
        assert_eq!(step_of(&json!({}), &[], &[], true), None);
    }

    #[test]
    fn a_setting_that_no_node_has_is_refused_by_its_name() {
        let refused = refusal(&cluster(&json!({"LOG__LEVELS": "x", "LOG__LEVEL": "info"})));
        let refused = refused.unwrap();
        assert_eq!(refused.reason, "UnknownSetting");
        assert!(refused.message.ends_with(": LOG__LEVELS"), "{}", refused.message);
        assert_eq!(refusal(&cluster(&json!({"STORAGE__MIN_FREE_MB": "1"}))), None);
    }
}
