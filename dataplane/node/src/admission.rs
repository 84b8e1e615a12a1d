//! Becoming a member: the one who asks, and the one who admits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;
use vane_catalog::{Catalog, FeatureLevel, Member, MetaCommand, NodeEntry, State, removed};
use vane_coordinator::{Coordinator, Shards};
use vane_discovery::{parse_seeds, resolve};
use vane_transport::{JoinReply, JoinRequest, PROTOCOL, Peers, Token};
use vane_types::{Error, NodeId, Retry};

use crate::settings::Settings;

/// Time for a member to admit a node.
const ADMIT_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause between attempts to tell the others of a changed address or version.
const ANNOUNCE_PAUSE: Duration = Duration::from_secs(1);

/// Why no member admitted this node: what each seed answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .answers.join("; "))]
pub(crate) struct NotAdmitted {
    answers: Vec<String>,
}

/// Asks the seeds, one after the other, to make this disk a member's.
///
/// # Errors
/// Where none did.
pub(crate) async fn ask(
    settings: &Settings,
    token: &Token,
    disk_id: Uuid,
) -> Result<JoinReply, NotAdmitted> {
    let seeds = settings.node.seeds.clone().unwrap_or_default();
    let seeds =
        parse_seeds(&seeds).map_err(|error| NotAdmitted { answers: vec![error.to_string()] })?;
    // A name of all nodes resolves to this one too, which cannot admit itself.
    let own: Vec<std::net::SocketAddr> = settings.node.address.parse().into_iter().collect();
    let found = resolve(&seeds, &own).await;
    // Without a cluster id: which cluster it is, the node learns from the answer.
    let peers = Peers::new(token.clone(), None, settings.node.dial_from);
    let failures = found.failures.iter();
    let mut answers: Vec<String> =
        failures.map(|failure| format!("{}: {}", failure.seed, failure.error)).collect();
    // One after the other: the first that admits is enough, and several at once would each have the
    // same node proposed.
    for seed in found.addresses {
        let address = seed.to_string();
        match peers.join(&address, request(settings, disk_id), ADMIT_TIMEOUT).await {
            Ok(reply) => return Ok(reply),
            Err(error) => answers.push(format!("{address}: {}", error.detail)),
        }
    }
    if answers.is_empty() {
        answers.push("no address to join through was found".into());
    }
    Err(NotAdmitted { answers })
}

fn request(settings: &Settings, disk_id: Uuid) -> JoinRequest {
    let NodeEntry { name, address, rest_address, version, level, .. } = entry(settings, disk_id, 0);
    let (protocol, feature_level) = (PROTOCOL, level.0);
    JoinRequest { disk_id, name, address, rest_address, version, protocol, feature_level }
}

/// Makes the asking disk a member's, or says which member it is already.
///
/// # Errors
/// `Unavailable` or `Timeout` where the meta group does not answer; asking again is safe.
pub(crate) async fn admit<S: Shards>(
    coordinator: &Coordinator<S>,
    request: JoinRequest,
) -> Result<JoinReply, Error> {
    let catalog = coordinator.catalog();
    catalog.read(|state| check_may_join(state, request.disk_id))?;
    let JoinRequest { disk_id, name, address, rest_address, version, feature_level, .. } = request;
    // What is older than levels announces none, and speaks the first.
    let level = FeatureLevel(feature_level).max(FeatureLevel::FIRST);
    let entry = NodeEntry { disk_id, name, address, rest_address, version, start: 0, level };
    let is_known = |member: &Member| member.entry == entry;
    if !catalog.read(|state| state.node_of_disk(disk_id).is_some_and(is_known)) {
        let deadline = Instant::now() + ADMIT_TIMEOUT;
        coordinator.change(MetaCommand::PutNode(entry), deadline).await?;
    }
    // Read after the change, and not from its answer: the catalog alone gives the number, and an
    // earlier copy of the request may have got it.
    catalog.read(|state| {
        let member = state
            .node_of_disk(disk_id)
            .ok_or_else(|| Error::unavailable("the node was not admitted"))?;
        let members = state.nodes.values();
        Ok(JoinReply {
            cluster_id: state.cluster_id,
            node_id: member.id,
            members: members.map(|member| (member.id, member.entry.address.clone())).collect(),
        })
    })
}

/// Refuses a disk that was a member's already, and does not know it.
fn check_may_join(state: &State, disk_id: Uuid) -> Result<(), Error> {
    if let Some(node) = state.removed_node_of(disk_id) {
        return Err(Error::conflict(removed(node)).nothing_changed().retry(Retry::No));
    }
    match state.node_of_disk(disk_id) {
        // It has voted since: as the same node it could vote a second time.
        Some(Member { id, entry, .. }) if entry.start > 0 => {
            let text = format!(
                "the disk is node {id}'s, in its start {}, and has forgotten it: this is a copy \
                 from before it joined; nothing was changed: put the newest copy back or empty the \
                 data directory",
                entry.start
            );
            Err(Error::conflict(text).nothing_changed().retry(Retry::No))
        }
        _ => Ok(()),
    }
}

/// Tells the others how this node presents itself, once in every start: what the process
/// before this one said may still be on its way, and is refused from then on.
pub(crate) async fn announce<S: Shards>(
    me: NodeId,
    catalog: Arc<Catalog>,
    coordinator: Arc<Coordinator<S>>,
    entry: NodeEntry,
) {
    loop {
        let known = catalog.read(|state| state.nodes.get(&me).map(|node| node.entry.clone()));
        // One that has just joined is known to the others, and hears of it in a moment.
        if known.as_ref() == Some(&entry) {
            return;
        }
        if known.is_some() {
            let command = MetaCommand::PutNode(entry.clone());
            let deadline = Instant::now() + ADMIT_TIMEOUT;
            if let Err(error) = coordinator.propose_meta(command, deadline).await {
                tracing::debug!(
                    %error,
                    "failed to tell the others of this node's address; trying again"
                );
            }
        }
        // Also after a success: it is over when this node has applied the entry, not when a leader
        // has answered.
        tokio::time::sleep(ANNOUNCE_PAUSE).await;
    }
}

/// How this node presents itself in one of its starts.
pub(crate) fn entry(settings: &Settings, disk_id: Uuid, start: u64) -> NodeEntry {
    let node = &settings.node;
    NodeEntry {
        disk_id,
        name: node.name.clone(),
        address: node.address.clone(),
        rest_address: node.rest_address.clone(),
        version: node.version.clone(),
        start,
        level: FeatureLevel::SPOKEN,
    }
}
