//! The steps of a pass over a VectorCluster.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use vane_crds::VectorCluster;
use vane_crds::cluster::VectorClusterStatus;
use vane_crds::conditions::{
    ACCEPTED, FOUNDED, READY, SAFE_TO_DISRUPT, UPDATED, VOLUMES_HEALTHY, is_true,
};

use super::dereference::{Dereferenced, dereference};
use super::plan::{Plan, Roll, Step, plan};
use super::validate::{ValidatedCluster, validate};
use super::{apply, status};
use crate::context::Context;
use crate::copies::Copies;
use crate::error::{ApplyError, CallError, ValidateError};
use crate::events;
use crate::placement;
use crate::reconcile::{Reconciler, carry_out};

/// Reconciles VectorClusters.
pub(crate) struct ClusterReconciler;

impl Reconciler for ClusterReconciler {
    type Object = VectorCluster;
    type Status = VectorClusterStatus;
    type Validated = ValidatedCluster;
    type Seen = Dereferenced;
    type Plan = Plan;

    /// A database that is not well tells nobody by itself: it is looked at.
    /// Not less often than a budget of disruptions may be old.
    const LATER: Duration = Duration::from_secs(10);
    const TOLD: &'static [&'static str] =
        &[ACCEPTED, FOUNDED, READY, SAFE_TO_DISRUPT, UPDATED, VOLUMES_HEALTHY];

    /// Kubernetes takes the children away; the volumes as `retention` says.
    fn is_over(cluster: &VectorCluster) -> bool {
        cluster.metadata.deletion_timestamp.is_some()
    }

    fn validate(cluster: &VectorCluster) -> Result<ValidatedCluster, ValidateError> {
        validate(cluster)
    }

    async fn dereference(
        &self,
        context: &Context,
        cluster: &ValidatedCluster,
        copies: Option<&Copies>,
    ) -> Result<Dereferenced, CallError> {
        dereference(context, cluster, copies).await
    }

    fn plan(cluster: &ValidatedCluster, seen: &Dereferenced) -> Plan {
        plan(cluster, &seen.observed)
    }

    fn has_steps(plan: &Plan) -> bool {
        !plan.steps.is_empty()
    }

    async fn apply(
        context: &Context,
        cluster: &ValidatedCluster,
        seen: &Dereferenced,
        plan: &Plan,
    ) -> Result<(), ApplyError> {
        let client = &context.client;
        // Before the pods: they find each other by the headless Service.
        if plan.keeps_children {
            apply::children(context, cluster, seen, plan.may_disrupt).await?;
        }
        keep_turn(context, cluster, plan);
        for step in &plan.steps {
            // Another cluster was faster: status says so after the next pass.
            let roll = plan.roll.as_ref().filter(|roll| roll.takes(step));
            if roll.is_some() && !context.turns.take(cluster.uid) {
                break;
            }
            let doing = apply::step(client, cluster, seen, step);
            carry_out(context, &cluster.name, step, step.reason(), doing).await?;
            // Which pod or node, and when: the condition says only what is under way now.
            let told = match step {
                Step::EvictPod { .. } | Step::DeletePod { .. } => step.reason(),
                Step::DeleteClaim { .. } | Step::ForcePod { .. } => step.reason(),
                Step::RaiseLevel(_) => "LevelRaised",
                Step::Leave { .. } => "NodeLeaving",
                Step::RemoveNode { .. } => "NodeRemoved",
                _ => continue,
            };
            events::note(context, &cluster.reference(), told, step).await;
        }
        // Before status, which says that it was told: killed in between, it is told again.
        for interrupts in plan.drains.iter().filter_map(|drain| drain.interrupts.as_ref()) {
            events::warn(context, &cluster.reference(), "DrainInterrupts", interrupts).await;
        }
        // Last: the steps are what a cluster needs to serve, placements only show it.
        if let Some(database) = &seen.observed.database {
            let admin = apply::any_member(cluster, seen).ok();
            placement::sync(context, cluster, database, admin).await?;
        }
        Ok(())
    }

    fn status(
        cluster: &ValidatedCluster,
        seen: &Dereferenced,
        plan: &Plan,
        failed: Option<&ApplyError>,
        now: &Time,
    ) -> Option<VectorClusterStatus> {
        Some(status::status(cluster, &seen.observed, plan, failed, now))
    }

    fn is_settled(plan: &Plan, status: &VectorClusterStatus) -> bool {
        // Pods that take their time wake no watch.
        let waits = plan.roll.as_ref().is_some_and(Roll::waits);
        let moves = plan.leaving.is_some() || plan.lost.iter().any(|lost| lost.is_given_up);
        plan.steps.is_empty() && !waits && !moves && is_true(&status.conditions, READY)
    }
}

/// A roll-out that waits for something else than its pods keeps no other cluster's waiting.
fn keep_turn(context: &Context, cluster: &ValidatedCluster, plan: &Plan) {
    match plan.roll.as_ref().is_some_and(Roll::takes_its_turn) {
        true => context.turns.keep(cluster.uid),
        false => context.turns.give_back(cluster.uid),
    }
}
