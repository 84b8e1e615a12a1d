//! Recipes as they are kept: what pods are made from, whole, so that the way back does not depend
//! on the operator that goes it.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::{ConfigMap, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use kube::ResourceExt;
use serde::{Deserialize, Serialize};

use super::{config_map, stateful_set};
use crate::cluster::validate::ValidatedCluster;
use crate::names;

/// Form of the data. Another one gets another number, and this one is read for ever.
const FORM: u32 = 1;

/// What pods are made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recipe {
    form: u32,
    /// The pods.
    pub template: PodTemplateSpec,
    /// Name of the ConfigMap that the pods take their environment from.
    pub settings_name: String,
    /// What is in it.
    pub settings: BTreeMap<String, String>,
}

impl Recipe {
    /// The recipe of a spec.
    pub fn of_spec(cluster: &ValidatedCluster) -> Self {
        Self::of(stateful_set::template(cluster), &config_map::config_map(cluster))
    }

    /// The recipe of pods that there are.
    pub fn of(template: PodTemplateSpec, settings: &ConfigMap) -> Self {
        Self {
            form: FORM,
            template,
            settings_name: settings.name_any(),
            settings: settings.data.clone().unwrap_or_default(),
        }
    }

    /// The recipe that was kept; `None` of what an operator of another form kept.
    pub fn kept(revision: &ControllerRevision) -> Option<Self> {
        let data = revision.data.as_ref()?.0.clone();
        serde_json::from_value(data).ok().filter(|recipe: &Self| recipe.form == FORM)
    }

    /// The object that keeps it under its name.
    pub fn revision(&self, cluster: &ValidatedCluster, name: &str) -> ControllerRevision {
        let mut metadata = cluster.child(names::recipe(&cluster.name, name));
        let labels = metadata.labels.get_or_insert_default();
        labels.insert(names::RECIPE.to_owned(), name.to_owned());
        ControllerRevision {
            metadata,
            data: serde_json::to_value(self).ok().map(RawExtension),
            // They have no order: which one is good is noted elsewhere.
            revision: 1,
        }
    }

    /// The settings of the recipe of this name.
    pub fn config_map(&self, cluster: &ValidatedCluster, name: &str) -> ConfigMap {
        config_map::of(cluster, name, self.settings_name.clone(), self.settings.clone())
    }
}
