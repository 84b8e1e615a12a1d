//! What a spec asks for that this cluster cannot get. Pure. What one object alone can say
//! wrong was refused by the API server; this is about what is there.

use vane_crds::VectorCluster;

use super::build::template_hash;
use super::observed::Observed;

/// What is refused, because it is not possible yet or never will be. Nothing is touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A word for the condition's reason.
    pub reason: &'static str,
    /// What and why, and what to do.
    pub message: String,
}

/// What a running cluster cannot become: what comes with later versions.
pub fn validate(cluster: &VectorCluster, observed: &Observed) -> Vec<Refusal> {
    let Some(set) = &observed.set else { return Vec::new() };
    let mut refusals = Vec::new();
    if cluster.spec.nodes < set.replicas {
        refusals.push(Refusal {
            reason: "ScaleInNotSupported",
            message: format!(
                "nodes cannot be taken away yet: {} run and go on, spec.nodes asks for {}; set it back",
                set.replicas, cluster.spec.nodes
            ),
        });
    }
    let size = cluster.spec.storage.size.0.as_str();
    if set.size.as_deref().is_some_and(|it| {
        vane_crds::Quantity::from(it).milli() != vane_crds::Quantity::from(size).milli()
    }) {
        refusals.push(Refusal {
            reason: "VolumeGrowthNotSupported",
            message: format!(
                "volumes cannot grow yet: they keep {}, spec.storage.size asks for {size}",
                set.size.as_deref().unwrap_or_default()
            ),
        });
    } else if set.template.as_deref().is_some_and(|it| it != template_hash(cluster)) {
        refusals.push(Refusal {
            reason: "RollOutNotSupported",
            message: "version, image, resources, placement, settings and retention of a running cluster cannot be \
                      changed yet: its pods go on as they are; set the spec back"
                .into(),
        });
    }
    refusals
}
