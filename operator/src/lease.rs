//! Which of several operators works: the one that holds the Lease.
//!
//! kube has no leader election, and no published crate has one for this version of it. There
//! is no fencing: a holder that stood still may finish a call after another took over, so
//! every step can be repeated without harm.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Client;
use kube::api::{Api, PostParams};
use tokio::time::Instant;

/// Time after which a Lease that was not renewed is free.
const DURATION: Duration = Duration::from_secs(15);
/// Time in which a holder must have renewed it, else it stops working.
const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// Time between attempts.
const RETRY: Duration = Duration::from_secs(2);

/// A Lease and who wants it.
pub struct Election {
    leases: Api<Lease>,
    name: String,
    holder: String,
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
        Self { leases: Api::namespaced(client, namespace), name: name.to_owned(), holder: holder.to_owned() }
    }

    /// Waits until the Lease is ours.
    pub async fn win(&self) {
        while !self.attempt().await {
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Renews the Lease for as long as that works; returns when it was not renewed in time
    /// or somebody else has it. The process should end then.
    pub async fn hold(&self) {
        let mut renewed = Instant::now();
        while renewed.elapsed() < RENEW_DEADLINE {
            tokio::time::sleep(RETRY).await;
            let began = Instant::now();
            if let Ok(true) = tokio::time::timeout(RENEW_DEADLINE, self.attempt()).await {
                renewed = began;
            }
        }
    }

    /// Gives the Lease back, so that another need not wait for its end.
    pub async fn release(&self) {
        let Ok(Some(mut lease)) = self.leases.get_opt(&self.name).await else { return };
        let Some(spec) = lease.spec.as_mut().filter(|it| it.holder_identity.as_deref() == Some(&self.holder)) else {
            return;
        };
        spec.holder_identity = None;
        spec.renew_time = None;
        if let Err(error) = self.leases.replace(&self.name, &PostParams::default(), &lease).await {
            tracing::debug!(%error, "failed to give the lease back; it ends by itself");
        }
    }

    /// Takes or renews it; whether it is ours now. The resource version that was read guards
    /// the write: of two who take it at once, one fails.
    async fn attempt(&self) -> bool {
        let outcome = self.try_attempt().await;
        outcome.unwrap_or_else(|error| {
            tracing::debug!(%error, "failed to take or renew the lease");
            false
        })
    }

    async fn try_attempt(&self) -> Result<bool, kube::Error> {
        let found = self.leases.get_opt(&self.name).await?;
        let current = found.as_ref().and_then(|it| it.spec.as_ref());
        let Claim::Take(spec) = claim(current, &self.holder, Timestamp::now()) else { return Ok(false) };
        let parameters = PostParams::default();
        match found {
            Some(lease) => {
                let lease = Lease { spec: Some(*spec), ..lease };
                self.leases.replace(&self.name, &parameters, &lease).await?;
            }
            None => {
                let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
                self.leases.create(&parameters, &Lease { metadata, spec: Some(*spec) }).await?;
            }
        }
        Ok(true)
    }
}

fn claim(current: Option<&LeaseSpec>, holder: &str, now: Timestamp) -> Claim {
    let held_by = current.and_then(|it| it.holder_identity.as_deref()).filter(|it| !it.is_empty());
    let ours = held_by == Some(holder);
    let ends = current.and_then(|it| {
        let seconds = i64::from(it.lease_duration_seconds?);
        it.renew_time.as_ref()?.0.checked_add(SignedDuration::from_secs(seconds)).ok()
    });
    if held_by.is_some() && !ours && ends.is_some_and(|it| it > now) {
        return Claim::Leave;
    }
    let acquired = current.filter(|_| ours).and_then(|it| it.acquire_time.clone());
    let transitions = current.and_then(|it| it.lease_transitions).unwrap_or(0);
    Claim::Take(Box::new(LeaseSpec {
        holder_identity: Some(holder.to_owned()),
        lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
        acquire_time: Some(acquired.unwrap_or(MicroTime(now))),
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(if ours || current.is_none() { transitions } else { transitions.saturating_add(1) }),
        ..LeaseSpec::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("it is in range")
    }

    fn taken(current: Option<&LeaseSpec>, holder: &str, now: i64) -> LeaseSpec {
        match claim(current, holder, at(now)) {
            Claim::Take(spec) => *spec,
            Claim::Leave => panic!("{holder} left it at {now}"),
        }
    }

    #[test]
    fn a_lease_is_free_when_it_was_not_renewed_or_given_back() {
        let first = taken(None, "a", 100);
        assert_eq!(claim(Some(&first), "b", at(114)), Claim::Leave);
        let renewed = taken(Some(&first), "a", 114);
        assert_eq!((renewed.acquire_time.clone(), renewed.lease_transitions), (first.acquire_time.clone(), Some(0)));
        assert_eq!(claim(Some(&renewed), "b", at(128)), Claim::Leave);
        let second = taken(Some(&renewed), "b", 130);
        assert_eq!((second.holder_identity.as_deref(), second.lease_transitions), (Some("b"), Some(1)));
        let given_back = LeaseSpec { holder_identity: None, renew_time: None, ..second };
        assert_eq!(taken(Some(&given_back), "a", 131).holder_identity.as_deref(), Some("a"));
    }
}
