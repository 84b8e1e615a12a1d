//! Status of a pod, in the words of a kubelet. Pure, but for the clock.

use jiff::{SignedDuration, Timestamp, Unit};
use serde_json::{Value, json};
use vane_up::pod::Plan;

use super::seat::{Seat, Seen};

/// What is said of a pod.
pub(super) struct Facts<'a> {
    pub(super) seat: &'a Seat,
    /// Once there is one.
    pub(super) plan: Option<&'a Plan>,
    pub(super) seen: Option<Seen>,
    pub(super) ready: bool,
    /// Why there is no process, where there is none.
    pub(super) waiting: &'a str,
    /// When the pod came.
    pub(super) since: &'a str,
    /// When the process started.
    pub(super) running_since: &'a str,
    /// When it became ready, or stopped being so.
    pub(super) ready_since: &'a str,
}

/// Now, as Kubernetes writes it.
pub(super) fn now() -> String {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now).to_string()
}

/// Now, as leases have it.
pub(super) fn now_micro() -> String {
    let now = Timestamp::now();
    // Leases want all six digits.
    let micros = now.subsec_nanosecond().unsigned_abs() / 1_000;
    let whole = now - SignedDuration::from_nanos(i64::from(now.subsec_nanosecond()));
    format!("{}.{micros:06}Z", whole.to_string().trim_end_matches('Z'))
}

/// The patch of the status.
pub(super) fn patch(facts: &Facts<'_>) -> Value {
    let Facts { seat, seen, ready, .. } = facts;
    let address = seat.address.to_string();
    let running = seen.is_some_and(|seen| seen.running);
    let started = seen.is_some_and(|seen| seen.starts > 0);
    let condition = |kind: &str, is: bool, since: &str, reason: Option<&str>| {
        json!({
            "type": kind, "status": if is { "True" } else { "False" }, "lastTransitionTime": since,
            // Only what is not so has a reason.
            "reason": reason.filter(|_| !is),
        })
    };
    let unready = Some("ContainersNotReady");
    json!({"status": {
        "phase": if started { "Running" } else { "Pending" },
        "hostIP": "127.0.0.1",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": facts.since,
        "containerStatuses": facts.plan.map(|plan| vec![container(facts, plan, running)]),
        "conditions": [
            condition("PodScheduled", true, facts.since, None),
            condition("Initialized", true, facts.since, None),
            condition("ContainersReady", *ready, facts.ready_since, unready),
            condition("Ready", *ready, facts.ready_since, unready),
        ],
    }})
}

fn container(facts: &Facts<'_>, plan: &Plan, running: bool) -> Value {
    let exit_code = facts.seen.and_then(|seen| seen.last_exit);
    let state = if running {
        json!({"running": {"startedAt": facts.running_since}})
    } else {
        let reason = if exit_code.is_some() { "CrashLoopBackOff" } else { "CreateContainerError" };
        json!({"waiting": {"reason": reason, "message": facts.waiting}})
    };
    let terminated = exit_code.map_or_else(
        || json!({}),
        |code| {
            let reason = if code == 0 { "Completed" } else { "Error" };
            json!({"terminated": {"exitCode": code, "reason": reason}})
        },
    );
    json!({
        "name": plan.container,
        "image": plan.image,
        "imageID": "",
        "ready": facts.ready,
        "started": running,
        // Kubernetes counts the starts after the first.
        "restartCount": facts.seen.map_or(0, |seen| (seen.starts - 1).max(0)),
        "state": state,
        "lastState": terminated,
    })
}
