//! What every reconciliation shares.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use kube::runtime::events::{Recorder, Reporter};
use kube::{Client, Resource, ResourceExt};
use parking_lot::Mutex;

use crate::failpoint::Failpoint;
use crate::metrics::Metrics;
use crate::names::MANAGER;

/// First pause after an error; doubled with each that follows.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// Longest pause after errors.
const RETRY_MAX: Duration = Duration::from_secs(300);

/// Times of writes that are remembered before old ones are looked for.
const WRITTEN_MAX: usize = 10_000;
/// Age at which they are forgotten.
const WRITTEN_KEPT: Duration = Duration::from_secs(300);

/// Shared by all reconciliations of one process.
pub struct Context {
    /// Kubernetes.
    pub client: Client,
    /// Events. One for all, so that those that repeat are counted.
    pub recorder: Recorder,
    /// What is counted.
    pub metrics: Metrics,
    /// Where the process ends, in tests.
    pub failpoint: Failpoint,
    failures: Mutex<HashMap<String, u32>>,
    /// When figures of a status were last written, for those of which only figures change.
    written: Mutex<HashMap<String, Instant>>,
}

impl Context {
    /// A context of this process, which events name as `instance`.
    pub fn new(client: Client, instance: &str, metrics: Metrics, failpoint: Failpoint) -> Self {
        let reporter = Reporter { controller: MANAGER.into(), instance: Some(instance.into()) };
        Self {
            recorder: Recorder::new(client.clone(), reporter),
            client,
            metrics,
            failpoint,
            failures: Mutex::default(),
            written: Mutex::default(),
        }
    }

    /// Whether this process works or stands by.
    pub fn leads(&self, leads: bool) {
        self.metrics.leads(leads);
    }

    /// An object was reconciled.
    pub(crate) fn succeeded<K: Resource<DynamicType = ()>>(&self, object: &K) {
        self.failures.lock().remove(&key(object));
    }

    /// An object could not be reconciled; how long to leave it alone. One that fails again
    /// and again must not keep the others waiting.
    pub(crate) fn failed<K: Resource<DynamicType = ()>>(&self, object: &K) -> Duration {
        let mut failures = self.failures.lock();
        let attempts = failures.entry(key(object)).or_default();
        *attempts = attempts.saturating_add(1);
        jittered(retry_pause(*attempts))
    }

    /// Whether a status of which only figures changed may be written again. Forgetting it at
    /// a restart costs one write for each.
    pub(crate) fn is_due<K: Resource<DynamicType = ()>>(&self, object: &K, pause: Duration) -> bool {
        self.written.lock().get(&key(object)).is_none_or(|it| it.elapsed() >= pause)
    }

    /// A status was written. What was written long ago is forgotten: objects come and go.
    pub(crate) fn wrote<K: Resource<DynamicType = ()>>(&self, object: &K) {
        let mut written = self.written.lock();
        if written.len() >= WRITTEN_MAX {
            written.retain(|_, it| it.elapsed() < WRITTEN_KEPT);
        }
        written.insert(key(object), Instant::now());
    }
}

fn key<K: Resource<DynamicType = ()>>(object: &K) -> String {
    format!("{} {}/{}", K::kind(&()), object.namespace().unwrap_or_default(), object.name_any())
}

fn retry_pause(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    RETRY_MIN.saturating_mul(1 << doublings).min(RETRY_MAX)
}

/// Up to a fifth more, so that those who failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let fifth = pause / 5;
    let part = uuid::Uuid::new_v4().as_u128() % 1000;
    pause + fifth * u32::try_from(part).unwrap_or(0) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        assert_eq!(retry_pause(1), RETRY_MIN);
        assert_eq!(retry_pause(4), RETRY_MIN * 8);
        assert_eq!(retry_pause(u32::MAX), RETRY_MAX);
        assert!(jittered(RETRY_MAX) <= RETRY_MAX + RETRY_MAX / 5);
    }
}
