//! What Kubernetes says of a pod that is replaced when its recipe changes: facts, and since when.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::Machine;
use crate::names;

/// What Kubernetes says of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodState {
    /// UUID of this very pod.
    pub uid: String,
    /// Recipe that it was made from, where it says so.
    pub recipe: Option<String>,
    /// Number of a lost node whose copies it is to make again, by the word of a person.
    pub replaces: Option<u64>,
    /// It is being deleted.
    pub going: bool,
    /// Its container runs.
    pub running: bool,
    /// Times that its container was started again.
    pub restarts: i32,
    /// Exit code that its container ended with last.
    pub exit_code: Option<i32>,
    /// Why its container waits, where it does: a word and a sentence.
    pub waits: Option<(String, String)>,
    /// How long it has been ready, or not been ready.
    pub for_long: Duration,
    /// How long it has had a machine.
    pub placed_for: Option<Duration>,
    /// That machine.
    pub machine: Option<Machine>,
}

/// What a container is not started without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    /// Its image.
    Image,
    /// A ConfigMap, a Secret or something else that it names.
    Config,
}

impl PodState {
    /// What its container is not started without, in the words of kubelets.
    pub(crate) fn lack(&self) -> Option<Lack> {
        match self.waits.as_ref()?.0.as_str() {
            "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
                Some(Lack::Image)
            }
            "CreateContainerConfigError" | "CreateContainerError" => Some(Lack::Config),
            _ => None,
        }
    }
}

/// What the status of a pod says that has this machine.
pub(crate) fn pod_state(pod: &Pod, machine: Option<Machine>, now: Timestamp) -> PodState {
    let status = pod.status.clone().unwrap_or_default();
    let container = status.container_statuses.iter().flatten().next();
    let waits = container.and_then(|container| container.state.as_ref()?.waiting.clone());
    let condition = |kind: &str| {
        let mut conditions = status.conditions.iter().flatten();
        conditions.find(|condition| condition.type_ == kind)
    };
    let turned = condition("Ready").and_then(|ready| ready.last_transition_time.clone());
    let placed = condition("PodScheduled").filter(|placed| placed.status == "True");
    let created = pod.metadata.creation_timestamp.clone();
    let replaces = pod.annotations().get(names::REPLACE_ANNOTATION);
    PodState {
        uid: pod.uid().unwrap_or_default(),
        recipe: pod.annotations().get(names::RECIPE).cloned(),
        replaces: replaces.and_then(|number| number.trim().parse().ok()),
        going: pod.metadata.deletion_timestamp.is_some(),
        running: container.is_some_and(is_running),
        restarts: container.map_or(0, |container| container.restart_count),
        exit_code: container.and_then(exit_code),
        waits: waits.map(|it| (it.reason.unwrap_or_default(), it.message.unwrap_or_default())),
        for_long: turned.or(created).map_or(Duration::ZERO, |time| passed(&time, now)),
        placed_for: placed
            .and_then(|placed| placed.last_transition_time.as_ref())
            .map(|time| passed(time, now)),
        machine,
    }
}

fn is_running(container: &ContainerStatus) -> bool {
    container.state.as_ref().is_some_and(|state| state.running.is_some())
}

/// That of the last end: a container that waits to be started again has it in its last state.
fn exit_code(container: &ContainerStatus) -> Option<i32> {
    let ended = |state: &Option<k8s_openapi::api::core::v1::ContainerState>| {
        Some(state.as_ref()?.terminated.as_ref()?.exit_code)
    };
    ended(&container.state).or_else(|| ended(&container.last_state))
}

/// Nothing where the clock of who wrote it is ahead of ours.
fn passed(since: &Time, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since.0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::{Value, json};

    use super::*;

    fn state(status: &Value) -> PodState {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {
                "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z",
                "annotations": {"vanedb.io/recipe": "a"},
            },
            "status": status,
        }))
        .unwrap();
        pod_state(&pod, None, "2026-01-01T00:01:40Z".parse().unwrap())
    }

    fn condition(kind: &str, status: &str, second: u32) -> Value {
        let at = format!("2026-01-01T00:00:{second:02}Z");
        json!({"type": kind, "status": status, "lastTransitionTime": at})
    }

    fn container(state: &Value, last: &Value, restarts: i32) -> Value {
        json!([{
            "name": "vane", "image": "i", "imageID": "", "ready": false, "restartCount": restarts,
            "state": state, "lastState": last,
        }])
    }

    #[test]
    fn a_pod_that_fails_says_how_and_since_when() {
        let ended = json!({"terminated": {"exitCode": 78}});
        let waits = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}});
        let conditions = [condition("Ready", "False", 30), condition("PodScheduled", "True", 10)];
        let crashing = state(&json!({
            "conditions": conditions, "containerStatuses": container(&waits, &ended, 4),
        }));
        let expected = PodState {
            uid: "u".into(),
            recipe: Some("a".into()),
            restarts: 4,
            exit_code: Some(78),
            waits: Some(("CrashLoopBackOff".into(), "back-off".into())),
            for_long: Duration::from_secs(70),
            placed_for: Some(Duration::from_secs(90)),
            ..PodState::default()
        };
        assert_eq!(crashing, expected);
        // It has just ended, and is not waited for yet.
        let ended = state(&json!({"containerStatuses": container(&ended, &json!({}), 0)}));
        assert_eq!((ended.exit_code, ended.running), (Some(78), false));
        assert_eq!((ended.for_long, ended.placed_for), (Duration::from_secs(100), None));
    }

    #[test]
    fn a_pod_is_ready_for_as_long_as_its_condition_says() {
        let runs = json!({"running": {"startedAt": "2026-01-01T00:00:20Z"}});
        let ready = |second| {
            state(&json!({
                "conditions": [condition("Ready", "True", second)],
                "containerStatuses": container(&runs, &json!({}), 0),
            }))
        };
        assert!(ready(40).running);
        assert_eq!(ready(40).for_long, Duration::from_secs(60));
        let ahead = json!([{
            "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:09:00Z",
        }]);
        let ahead = state(&json!({"conditions": ahead}));
        assert_eq!(ahead.for_long, Duration::ZERO, "another clock is ahead");
    }
}
