//! The steps of a pass over a Collection.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use vane_crds::Collection;
use vane_crds::collection::CollectionStatus;
use vane_crds::conditions::{ACCEPTED, READY, VECTORS_AS_DECLARED};

use super::dereference::{Collections, Dereferenced, dereference};
use super::plan::{Plan, Step, plan};
use super::validate::{ValidatedCollection, validate};
use super::vectors::are_changing;
use super::{apply, status};
use crate::context::Context;
use crate::copies::Copies;
use crate::error::{ApplyError, CallError, ValidateError};
use crate::reconcile::{Reconciler, carry_out};

/// Reconciles Collections.
pub(crate) struct CollectionReconciler {
    /// Those that the controller watches: one name in a database belongs to one of them.
    pub(crate) all: Collections,
}

impl Reconciler for CollectionReconciler {
    type Object = Collection;
    type Status = CollectionStatus;
    type Validated = ValidatedCollection;
    type Seen = Dereferenced;
    type Plan = Plan;

    const LATER: Duration = Duration::from_secs(30);
    const TOLD: &'static [&'static str] = &[ACCEPTED, READY, VECTORS_AS_DECLARED];

    fn validate(collection: &Collection) -> Result<ValidatedCollection, ValidateError> {
        validate(collection)
    }

    async fn dereference(
        &self,
        context: &Context,
        collection: &ValidatedCollection,
        copies: Option<&Copies>,
    ) -> Result<Dereferenced, CallError> {
        dereference(context, collection, &self.all, copies).await
    }

    fn plan(collection: &ValidatedCollection, seen: &Dereferenced) -> Plan {
        plan(collection, &seen.observed)
    }

    fn has_steps(plan: &Plan) -> bool {
        !plan.steps.is_empty()
    }

    async fn apply(
        context: &Context,
        collection: &ValidatedCollection,
        seen: &Dereferenced,
        plan: &Plan,
    ) -> Result<(), ApplyError> {
        for step in &plan.steps {
            let doing = apply::step(&context.client, seen.node.clone(), collection, step);
            carry_out(context, &collection.object, step, step.reason(), doing).await?;
        }
        Ok(())
    }

    fn status(
        collection: &ValidatedCollection,
        seen: &Dereferenced,
        plan: &Plan,
        failed: Option<&ApplyError>,
        now: &Time,
    ) -> Option<CollectionStatus> {
        // An object that was let go is not there to be written to.
        let is_gone =
            collection.going && failed.is_none() && plan.steps.contains(&Step::Finalizer(false));
        (!is_gone).then(|| status::status(collection, &seen.observed, plan, failed, now))
    }

    fn is_settled(plan: &Plan, status: &CollectionStatus) -> bool {
        plan.steps.is_empty() && !plan.verdict.waits() && !are_changing(&status.vectors)
    }
}
