//! The feature level: it waits for this operator, so that a version can be taken back until all
//! pods have run well with it for a while.

use vane_crds::cluster::Finalize;
use vane_proto::LEVEL_OF_ROLLS;

use super::failing::minutes;
use super::{Roll, Stand, Step};
use crate::cluster::observed::Observed;
use crate::cluster::validate::ValidatedCluster;

/// Has the level wait, before anything is rolled out that could raise it.
pub(super) fn hold(observed: &Observed) -> Option<Step> {
    let cluster = &observed.database.as_ref()?.cluster;
    // Below that nobody can say so: the level rises by itself.
    let can_wait = cluster.feature_level >= LEVEL_OF_ROLLS;
    (can_wait && !cluster.feature_level_held).then_some(Step::HoldLevel)
}

/// Raises the level once all pods were ready for long enough with what the spec asks for.
pub(super) fn raise(
    cluster: &ValidatedCluster,
    observed: &Observed,
    roll: Option<&Roll>,
) -> Option<Step> {
    let to = waiting(observed)?;
    let update = &cluster.spec.update;
    let roll = roll.filter(|roll| roll.stand == Stand::Done && roll.target == roll.wanted)?;
    let soak = minutes(update.soak_minutes);
    let have_run = observed.pods.values().all(|pod| pod.ready && pod.state.for_long >= soak);
    let is_due = update.finalize == Finalize::Automatic && have_run && roll.updated > 0;
    is_due.then_some(Step::RaiseLevel(to))
}

/// The level that all nodes speak, while it waits to be raised.
pub(crate) fn waiting(observed: &Observed) -> Option<u32> {
    let database = observed.database.as_ref().filter(|database| database.confirmed.is_some())?;
    let cluster = &database.cluster;
    let waits = cluster.feature_level_held && cluster.feature_level_spoken > cluster.feature_level;
    waits.then_some(cluster.feature_level_spoken)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::time::Duration;

    use serde_json::json;
    use vane_crds::VectorCluster;
    use vane_proto::admin::Cluster;

    use super::*;
    use crate::cluster::observed::Pod;
    use crate::cluster::validate::validate;
    use crate::database::{Database, Disk, PodState};

    /// What is done at the level 10 of nodes that speak 11, after a change of all that is known.
    fn raised(
        change: impl FnOnce(&mut ValidatedCluster, &mut Observed, &mut Roll),
    ) -> Option<Step> {
        let object: VectorCluster = serde_json::from_value(json!({
            "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster",
            "metadata": {"name": "demo", "namespace": "data", "uid": uuid::Uuid::nil()},
            "spec": {"nodes": 1, "version": "2", "storage": {"size": "1Gi"}},
        }))
        .unwrap();
        let mut cluster = validate(&object).unwrap();
        let for_long = Duration::from_secs(3600);
        let state = PodState { for_long, ..PodState::default() };
        let disk = Disk::Member { cluster_id: "a".into(), node_id: 1 };
        let pod = Pod { name: "demo-0".into(), ready: true, zone: None, disk, state };
        let told = Cluster {
            feature_level: 10,
            feature_level_spoken: 11,
            feature_level_held: true,
            ..Cluster::default()
        };
        let database = Database { cluster: told, confirmed: Some(1), ..Database::default() };
        let mut observed =
            Observed { pods: [(0, pod)].into(), database: Some(database), ..Observed::default() };
        let mut roll = Roll {
            target: "b".into(),
            wanted: "b".into(),
            updated: 1,
            pod: None,
            stand: Stand::Done,
            step: None,
            is_planned: false,
        };
        change(&mut cluster, &mut observed, &mut roll);
        raise(&cluster, &observed, Some(&roll))
    }

    fn told(observed: &mut Observed) -> &mut Cluster {
        &mut observed.database.as_mut().unwrap().cluster
    }

    #[test]
    fn the_level_is_raised_once_all_pods_have_run_well_for_the_time() {
        assert_eq!(raised(|_, _, _| ()), Some(Step::RaiseLevel(11)));
        type Change = fn(&mut ValidatedCluster, &mut Observed, &mut Roll);
        let early: [Change; 9] = [
            |cluster, _, _| cluster.spec.update.finalize = Finalize::Manual,
            |cluster, _, _| cluster.spec.update.soak_minutes = 61,
            |_, observed, _| observed.pods.get_mut(&0).unwrap().ready = false,
            |_, observed, _| told(observed).feature_level_spoken = 10,
            |_, observed, _| told(observed).feature_level_held = false,
            |_, observed, _| observed.database.as_mut().unwrap().confirmed = None,
            |_, observed, _| observed.database = None,
            |_, _, roll| roll.stand = Stand::Rolling(String::new()),
            |_, _, roll| roll.target = "a".into(),
        ];
        for (case, change) in early.into_iter().enumerate() {
            assert_eq!(raised(change), None, "{case}");
        }
        let at_once: Change = |cluster, observed, _| {
            cluster.spec.update.soak_minutes = 0;
            observed.pods.get_mut(&0).unwrap().state.for_long = Duration::ZERO;
        };
        assert_eq!(raised(at_once), Some(Step::RaiseLevel(11)));
    }

    #[test]
    fn the_level_is_held_as_soon_as_all_nodes_know_how() {
        let at = |feature_level, feature_level_held| {
            let cluster = Cluster { feature_level, feature_level_held, ..Cluster::default() };
            let database = Some(Database { cluster, ..Database::default() });
            hold(&Observed { database, ..Observed::default() })
        };
        assert_eq!(at(LEVEL_OF_ROLLS, false), Some(Step::HoldLevel));
        assert_eq!((at(LEVEL_OF_ROLLS, true), at(LEVEL_OF_ROLLS - 1, false)), (None, None));
        assert_eq!(hold(&Observed::default()), None);
    }
}
