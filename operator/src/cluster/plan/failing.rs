//! When a pod has failed with what it was made from: not when it is slow, and not for what a
//! machine or a registry does for a moment.

use std::time::Duration;

use vane_crds::cluster::Update;
use vane_proto::EXIT_FORMAT_TOO_NEW;

use crate::cluster::observed::Pod;
use crate::database::Lack;

/// Starts after the first that end before the pod is ready.
const RESTARTS_MAX: i32 = 3;
/// How long an image or a setting may be missing: a registry may be away, and an object come late.
const MISSING_MAX: Duration = Duration::from_secs(120);

/// Why a pod has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// A word for a condition's reason.
    pub(super) reason: &'static str,
    /// What happened.
    pub(super) message: String,
}

/// Why a pod has failed, where it has.
pub(super) fn failure(pod: &Pod, update: &Update) -> Option<Failure> {
    if pod.ready || pod.state.going {
        return None;
    }
    let state = &pod.state;
    if state.exit_code == Some(EXIT_FORMAT_TOO_NEW.into()) {
        // It would say the same at each start.
        let message = "what is on its disk was written by a later version".into();
        return Some(Failure { reason: "FormatTooNew", message });
    }
    if state.restarts >= RESTARTS_MAX {
        let code = state.exit_code.map_or(String::new(), |code| format!(", with exit code {code}"));
        let message = format!("its node ended {} times{code}", state.restarts);
        return Some(Failure { reason: "Crashing", message });
    }
    let deadline = seconds(update.progress_deadline_seconds);
    if let Some(missing) = missing(pod, deadline) {
        return Some(missing);
    }
    (state.for_long >= deadline).then(|| Failure {
        reason: "DeadlineExceeded",
        message: format!("it has not been ready for {} s{}", deadline.as_secs(), waits(pod)),
    })
}

fn missing(pod: &Pod, deadline: Duration) -> Option<Failure> {
    let reason = match pod.state.lack()? {
        Lack::Image => "ImageNotFound",
        Lack::Config => "ConfigMissing",
    };
    // From its machine on: until then nobody looked for either.
    let waited = pod.state.placed_for.unwrap_or(pod.state.for_long);
    (waited >= MISSING_MAX.min(deadline)).then(|| Failure {
        reason,
        message: format!("it was not started for {} s{}", waited.as_secs(), waits(pod)),
    })
}

/// Kubernetes' own words, where it has some.
fn waits(pod: &Pod) -> String {
    let waits = pod.state.waits.as_ref();
    waits.map_or(String::new(), |(word, message)| {
        format!(": {word}{}{message}", if message.is_empty() { "" } else { ": " })
    })
}

pub(super) fn seconds(seconds: i32) -> Duration {
    Duration::from_secs(seconds.try_into().unwrap_or_default())
}

pub(super) fn minutes(minutes: i32) -> Duration {
    seconds(minutes.saturating_mul(60))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::database::{Disk, PodState};

    fn reason(ready: bool, state: PodState) -> Option<&'static str> {
        let disk = Disk::Unreachable(String::new());
        let pod = Pod { name: "demo-0".into(), ready, zone: None, disk, state };
        failure(&pod, &Update::default()).map(|failure| failure.reason)
    }

    fn waits(word: &str, seconds: u64) -> PodState {
        PodState {
            waits: Some((word.into(), String::new())),
            placed_for: Some(Duration::from_secs(seconds)),
            ..PodState::default()
        }
    }

    #[test]
    fn a_pod_has_failed_when_time_will_not_help() {
        let restarted = |restarts| PodState { restarts, exit_code: Some(1), ..PodState::default() };
        let late =
            |seconds| PodState { for_long: Duration::from_secs(seconds), ..PodState::default() };
        let too_new = || PodState { exit_code: Some(78), ..PodState::default() };
        let going = PodState { going: true, ..too_new() };
        for (state, expected) in [
            (PodState::default(), None),
            (restarted(2), None),
            (restarted(3), Some("Crashing")),
            (too_new(), Some("FormatTooNew")),
            (going, None),
            (waits("ImagePullBackOff", 119), None),
            (waits("ErrImagePull", 120), Some("ImageNotFound")),
            (waits("CreateContainerConfigError", 119), None),
            (waits("CreateContainerConfigError", 120), Some("ConfigMissing")),
            (waits("ContainerCreating", 500), None),
            (late(599), None),
            (late(600), Some("DeadlineExceeded")),
        ] {
            assert_eq!(reason(false, state.clone()), expected, "{state:?}");
        }
        assert_eq!(reason(true, restarted(9)), None, "it is ready now");
    }

    #[test]
    fn a_pod_that_waits_for_a_machine_has_asked_for_no_image() {
        let pending = PodState { for_long: Duration::from_secs(500), ..waits("ErrImagePull", 1) };
        assert_eq!(reason(false, pending), None);
    }
}
