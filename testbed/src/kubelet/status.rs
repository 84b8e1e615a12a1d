//! Status of a pod, in the words of a kubelet. Pure, but for the clock.

use jiff::{SignedDuration, Timestamp, Unit};
use serde_json::{Value, json};
use vane_up::pod::Plan;

use super::seat::Seat;
use super::tend::Tended;

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

/// The patch of the status of a pod that no machine takes.
pub(super) fn unscheduled(since: &str) -> Value {
    json!({"status": {
        "phase": "Pending",
        "conditions": [{
            "type": "PodScheduled", "status": "False", "lastTransitionTime": since,
            "reason": "Unschedulable", "message": "no machine takes the pod",
        }],
    }})
}

/// The patch of the status; `waiting` is why there is no process, where there is none.
pub(super) fn patch(seat: &Seat, tended: &Tended, waiting: &str) -> Value {
    let Tended { seen, ready, since, ready_since, .. } = tended;
    let address = seat.address.to_string();
    let running = seen.is_some_and(|seen| seen.running);
    let started = seen.is_some_and(|seen| seen.starts > 0);
    let container = tended.plan.as_ref().map(|(plan, _)| container(tended, plan, running, waiting));
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
        "startTime": since,
        "containerStatuses": container.map(|container| vec![container]),
        "conditions": [
            condition("PodScheduled", true, since, None),
            condition("Initialized", true, since, None),
            condition("ContainersReady", *ready, ready_since, unready),
            condition("Ready", *ready, ready_since, unready),
        ],
    }})
}

fn container(tended: &Tended, plan: &Plan, running: bool, waiting: &str) -> Value {
    let exit_code = tended.seen.and_then(|seen| seen.last_exit);
    let state = if tended.lacks_image {
        json!({"waiting": {"reason": "ImagePullBackOff", "message": "there is no such image"}})
    } else if running {
        json!({"running": {"startedAt": tended.running_since}})
    } else {
        let reason = if exit_code.is_some() { "CrashLoopBackOff" } else { "CreateContainerError" };
        json!({"waiting": {"reason": reason, "message": waiting}})
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
        "ready": tended.ready,
        "started": running,
        // Kubernetes counts the starts after the first.
        "restartCount": tended.seen.map_or(0, |seen| (seen.starts - 1).max(0)),
        "state": state,
        "lastState": terminated,
    })
}
