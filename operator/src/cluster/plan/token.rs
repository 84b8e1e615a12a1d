//! When the token of the nodes is made: only while no pod has another.

use super::{Refusal, Step};
use crate::cluster::build::TOKEN_FILE;
use crate::cluster::observed::Observed;
use crate::cluster::validate::ValidatedCluster;
use crate::database::NoToken;
use crate::names::{self, TOKEN_KEY};

/// The step that makes a token, where there is none and none is in use.
pub(super) fn steps(observed: &Observed) -> Option<Step> {
    (observed.no_token.is_some() && is_unused(observed)).then_some(Step::MakeToken)
}

/// Whether no node has a token, so that a new one locks nobody out. A Secret without its key
/// was written by somebody, who may have the token.
fn is_unused(observed: &Observed) -> bool {
    observed.no_token == Some(NoToken::Absent) && observed.set.is_none() && observed.pods.is_empty()
}

/// Why no token is made, where there is none. Nodes that run have theirs since they started
/// and know no other: with a new one in the Secret the operator could not ask them any more,
/// and a pod that starts would not be let in by the others.
pub(super) fn missing(cluster: &ValidatedCluster, observed: &Observed) -> Option<Refusal> {
    let why = observed.no_token?;
    if is_unused(observed) {
        return None;
    }
    let (name, namespace) = (&cluster.name, &cluster.namespace);
    let secret = names::token_secret(name);
    let read = format!("kubectl -n {namespace} exec {name}-0 -- cat {TOKEN_FILE}");
    let put_back = format!(
        "put it back, which nodes have in {TOKEN_FILE}: \
         `kubectl -n {namespace} create secret generic {secret} \
         --from-literal={TOKEN_KEY}=\"$({read})\"`"
    );
    let anew = format!(
        "or stop all nodes for a moment, and they come back with a new one and their volumes: \
         `kubectl -n {namespace} delete statefulset {name}`"
    );
    let message = match why {
        NoToken::Absent if observed.set.is_none() => format!(
            "secret {secret} is gone; a new token is made once all pods are gone, \
             which have the old one"
        ),
        NoToken::Absent => format!(
            "secret {secret} is gone, and with it the token that all nodes have: \
             {put_back}; {anew}"
        ),
        NoToken::Empty => format!(
            "secret {secret} has no key `{TOKEN_KEY}`: delete the secret, and {put_back}; {anew}"
        ),
    };
    Some(Refusal { reason: "NoToken", message })
}
