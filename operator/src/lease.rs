//! Which of several operators works: the one that holds the Lease.
//!
//! kube has no leader election, and no published crate has one for this version of it. There
//! is no fencing: a holder that stood still may finish a call after another took over, so
//! every step can be repeated without harm. Clocks of two machines are never compared: a
//! Lease ends when it was seen unchanged for its duration, by the clock of who waits for it.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Client;
use kube::api::{Api, PostParams};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

/// Time after which a Lease that was not renewed is free.
const DURATION: Duration = Duration::from_secs(15);

/// When a holder, and who waits, do what.
struct Times {
    /// In which a holder must have renewed it, else it stops working: before the Lease ends.
    deadline: Duration,
    /// Between attempts.
    retry: Duration,
}

const TIMES: Times = Times { deadline: Duration::from_secs(10), retry: Duration::from_secs(2) };

/// A Lease and who wants it.
pub struct Election {
    leases: Api<Lease>,
    name: String,
    holder: String,
    times: Times,
    /// The Lease as it was read last, and since when it is so.
    seen: Mutex<Option<(LeaseSpec, Instant)>>,
}

/// Whose a Lease is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Ours, as of now.
    Ours,
    /// Somebody else's.
    Theirs,
    /// The API server refused or did not answer.
    Unknown,
}

/// What is to be done about a Lease as it was read.
#[derive(Debug, PartialEq)]
enum Claim {
    /// Write it: it is ours, free, or new.
    Take(Box<LeaseSpec>),
    /// Somebody else holds it.
    Leave,
}

impl Election {
    /// `holder` names this process, as no other is named.
    pub fn new(client: Client, namespace: &str, name: &str, holder: &str) -> Self {
        let leases = Api::namespaced(client, namespace);
        Self {
            leases,
            name: name.to_owned(),
            holder: holder.to_owned(),
            times: TIMES,
            seen: Mutex::default(),
        }
    }

    /// Waits until the Lease is ours; since when it is, at the latest.
    pub async fn win(&self) -> Instant {
        loop {
            // Before the attempt: others count from when the Lease was written, or later.
            let began = Instant::now();
            if let Ok(Standing::Ours) = timeout(self.times.deadline, self.attempt()).await {
                return began;
            }
            sleep(self.times.retry).await;
        }
    }

    /// Renews the Lease for as long as that works; returns when it was not renewed in time,
    /// and at once when somebody else has it. The process should end then.
    pub async fn hold(&self, won: Instant) {
        let mut renewed = won;
        loop {
            let end = renewed + self.times.deadline;
            sleep_until(end.min(Instant::now() + self.times.retry)).await;
            let began = Instant::now();
            // An attempt that hangs must not outlast the Lease.
            match timeout_at(end, self.attempt()).await {
                Ok(Standing::Ours) => renewed = began,
                Ok(Standing::Unknown) if Instant::now() < end => {}
                Ok(Standing::Unknown | Standing::Theirs) | Err(_) => return,
            }
        }
    }

    /// Gives the Lease back, so that another need not wait for its end.
    pub async fn release(&self) {
        let Ok(Some(mut lease)) = self.leases.get_opt(&self.name).await else { return };
        let Some(spec) = lease.spec.as_mut() else { return };
        // It may have been taken since it was renewed last.
        if spec.holder_identity.as_deref() != Some(&self.holder) {
            return;
        }
        spec.holder_identity = None;
        spec.renew_time = None;
        // With the version that was read: whoever took the Lease meanwhile keeps it.
        if let Err(error) = self.leases.replace(&self.name, &PostParams::default(), &lease).await {
            tracing::debug!(%error, "failed to give the lease back; it ends by itself");
        }
    }

    /// Takes or renews it. The resource version that was read guards the write: of two who
    /// take it at once, one fails.
    async fn attempt(&self) -> Standing {
        let outcome = self.try_attempt().await;
        outcome.unwrap_or_else(|error| {
            tracing::debug!(%error, "failed to take or renew the lease");
            Standing::Unknown
        })
    }

    async fn try_attempt(&self) -> Result<Standing, kube::Error> {
        let found = self.leases.get_opt(&self.name).await?;
        let current = found.as_ref().and_then(|lease| lease.spec.as_ref());
        let unchanged = self.unchanged(current);
        let Claim::Take(spec) = claim(current, unchanged, &self.holder, Timestamp::now()) else {
            return Ok(Standing::Theirs);
        };
        let parameters = PostParams::default();
        match found {
            Some(lease) => {
                let lease = Lease { spec: Some(*spec), ..lease };
                self.leases.replace(&self.name, &parameters, &lease).await?;
            }
            None => {
                let metadata =
                    ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
                self.leases.create(&parameters, &Lease { metadata, spec: Some(*spec) }).await?;
            }
        }
        Ok(Standing::Ours)
    }

    /// How long the Lease was seen as it is now.
    fn unchanged(&self, current: Option<&LeaseSpec>) -> Duration {
        let mut seen = self.seen.lock();
        match (&*seen, current) {
            (Some((before, since)), Some(current)) if before == current => return since.elapsed(),
            // It changed, or is seen for the first time: its duration begins now.
            (_, current) => *seen = current.map(|spec| (spec.clone(), Instant::now())),
        }
        Duration::ZERO
    }
}

/// What is to be done about a Lease that was seen unchanged for so long.
fn claim(current: Option<&LeaseSpec>, unchanged: Duration, holder: &str, now: Timestamp) -> Claim {
    let spec = current.cloned().unwrap_or_default();
    // One that was given back names nobody.
    let held_by = spec.holder_identity.as_deref().filter(|identity| !identity.is_empty());
    let ours = held_by == Some(holder);
    // The duration that its holder wrote, which is what that one goes by.
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    if held_by.is_some() && !ours && unchanged < seconds.map_or(DURATION, Duration::from_secs) {
        return Claim::Leave;
    }
    // The number of changes of holder: a new Lease begins with none.
    let changes = i32::from(!ours && current.is_some());
    let transitions = spec.lease_transitions.unwrap_or(0).saturating_add(changes);
    let acquired = spec.acquire_time.filter(|_| ours).unwrap_or(MicroTime(now));
    Claim::Take(Box::new(LeaseSpec {
        holder_identity: Some(holder.to_owned()),
        lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
        acquire_time: Some(acquired),
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(transitions),
        ..LeaseSpec::default()
    }))
}

#[cfg(test)]
mod tests;
