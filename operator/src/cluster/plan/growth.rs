//! Volumes that become larger, one after the other. Their claims are changed and nothing else: no
//! pod, claim or StatefulSet is deleted for it.

use vane_crds::Quantity;

use super::{Founding, Step};
use crate::cluster::observed::{Claim, Observed};
use crate::cluster::validate::ValidatedCluster;
use crate::names;

/// A volume that is not as large as it was asked to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// The claim.
    pub claim: String,
    /// What it has, and what it was asked to have.
    pub has: Quantity,
    /// What its claim asks for.
    pub asked: Quantity,
    /// Why it is not that large yet, as Kubernetes says, where it says so.
    pub trouble: Option<String>,
    /// It grows once the pod that uses it is made anew.
    pub needs_restart: bool,
}

/// Volumes that grow: all that were asked to, and are not there.
pub(super) fn growing(cluster: &ValidatedCluster, observed: &Observed) -> Vec<Growth> {
    let growing = used(observed).filter_map(|(ordinal, claim)| {
        let (has, asked) = (claim.has.clone()?, claim.asked.clone()?);
        (has.milli()? < asked.milli()?).then(|| Growth {
            claim: names::claim(&cluster.name, ordinal),
            has,
            asked,
            trouble: claim.trouble.clone(),
            needs_restart: claim.needs_restart,
        })
    });
    growing.collect()
}

/// The next volume that is asked to have what the spec says.
pub(super) fn step(
    cluster: &ValidatedCluster,
    observed: &Observed,
    founding: &Founding,
) -> Option<Step> {
    if !matches!(founding, Founding::Done(_)) {
        return None;
    }
    let size = &cluster.spec.storage.size;
    let wanted = size.milli()?;
    // No volume becomes smaller, and Kubernetes takes back what was asked only down to something
    // above what there is.
    let may_have = |(_, claim): &(i32, &Claim)| {
        let (has, asked) = sizes(claim).unwrap_or((wanted, wanted));
        asked != wanted && has < wanted
    };
    // One at a time. What was asked for by mistake is taken back of the one that is on its way:
    // nowhere else was it asked for.
    let is_growing =
        |(_, claim): &(i32, &Claim)| sizes(claim).is_some_and(|(has, asked)| has < asked);
    let next = match used(observed).find(is_growing) {
        Some(growing) => Some(growing).filter(may_have),
        None => used(observed).find(may_have),
    };
    next.map(|(ordinal, _)| Step::ResizeVolume {
        claim: names::claim(&cluster.name, ordinal),
        size: size.0.clone(),
    })
}

/// What a claim's volume has and was asked to have, in thousandths of a byte, where there is one.
fn sizes(claim: &Claim) -> Option<(u128, u128)> {
    Some((claim.has.as_ref()?.milli()?, claim.asked.as_ref()?.milli()?))
}

/// What the largest volume has.
pub(crate) fn largest(observed: &Observed) -> Option<Quantity> {
    let sizes = used(observed).filter_map(|(_, claim)| claim.has.clone());
    sizes.max_by_key(Quantity::milli)
}

/// The claims that pods use. Others are what was retained of pods that went.
fn used(observed: &Observed) -> impl Iterator<Item = (i32, &Claim)> + Clone {
    let replicas = observed.set.as_ref().map_or(0, |set| set.replicas);
    let claims = observed.claims.iter().map(|(ordinal, claim)| (*ordinal, claim));
    claims.filter(move |(ordinal, claim)| {
        *ordinal < replicas && claim.retired.is_none() && !claim.going
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::json;
    use vane_crds::VectorCluster;

    use super::*;
    use crate::cluster::observed::Set;
    use crate::cluster::validate::validate;

    fn cluster(size: &str) -> ValidatedCluster {
        let object: VectorCluster = serde_json::from_value(json!({
            "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster",
            "metadata": {"name": "demo", "namespace": "data", "uid": uuid::Uuid::nil()},
            "spec": {"nodes": 2, "version": "0.1.0", "storage": {"size": size}},
        }))
        .unwrap();
        validate(&object).unwrap()
    }

    /// Claims that ask for this and have that.
    fn observed(claims: &[(&str, Option<&str>)]) -> Observed {
        let claim = |(asked, has): &(&str, Option<&str>)| Claim {
            asked: Some((*asked).into()),
            has: has.map(Into::into),
            ..Claim::default()
        };
        let replicas = i32::try_from(claims.len()).unwrap();
        Observed {
            set: Some(Set { replicas, ..Set::default() }),
            claims: (0..).zip(claims.iter().map(claim)).collect(),
            ..Observed::default()
        }
    }

    fn next(size: &str, claims: &[(&str, Option<&str>)]) -> Option<(String, String)> {
        match step(&cluster(size), &observed(claims), &Founding::Done(None))? {
            Step::ResizeVolume { claim, size } => Some((claim, size)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn volumes_grow_one_after_the_other() {
        let of = |claim: &str, size: &str| Some((format!("data-demo-{claim}"), size.to_owned()));
        assert_eq!(next("20Gi", &[("10Gi", Some("10Gi")); 2]), of("0", "20Gi"));
        let first = ("20Gi", Some("10Gi"));
        assert_eq!(next("20Gi", &[first, ("10Gi", Some("10Gi"))]), None, "the first is waited for");
        let there = ("20Gi", Some("20Gi"));
        assert_eq!(next("20Gi", &[there, ("10Gi", Some("10Gi"))]), of("1", "20Gi"));
        assert_eq!(next("20480Mi", &[there; 2]), None, "the same amount");
        // Not bound yet, and what is not used any more.
        assert_eq!(next("20Gi", &[there, ("10Gi", None)]), None);
        let mut more = observed(&[there, ("10Gi", Some("10Gi"))]);
        more.set.as_mut().unwrap().replicas = 1;
        assert_eq!(step(&cluster("20Gi"), &more, &Founding::Done(None)), None);
        let waiting = Founding::Waiting("a disk".into());
        let both = observed(&[("10Gi", Some("10Gi")); 2]);
        assert_eq!(step(&cluster("20Gi"), &both, &waiting), None);
    }

    #[test]
    fn a_size_is_taken_back_while_nothing_grew() {
        let of = |claim: &str, size: &str| Some((format!("data-demo-{claim}"), size.to_owned()));
        let old = ("10Gi", Some("10Gi"));
        assert_eq!(next("11Gi", &[old, ("20Gi", Some("10Gi"))]), of("1", "11Gi"));
        // Kubernetes would refuse that, and no other is asked.
        assert_eq!(next("10Gi", &[("20Gi", Some("10Gi")), old]), None);
        assert_eq!(next("10Gi", &[old; 2]), None);
        // A volume may be larger than was asked for.
        assert_eq!(next("10Gi", &[("10Gi", Some("11Gi")), old]), None);
        assert_eq!(next("10Gi", &[("20Gi", Some("20Gi")), old]), None);
        assert_eq!(next("20Gi", &[("20Gi", Some("20Gi")), old]), of("1", "20Gi"));
    }

    #[test]
    fn what_grows_is_told() {
        let seen = observed(&[("20Gi", Some("10Gi")), ("10Gi", Some("10Gi"))]);
        let told = growing(&cluster("20Gi"), &seen);
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].claim.as_str(), told[0].asked.0.as_str()), ("data-demo-0", "20Gi"));
    }
}
