//! Becoming a member: the one who asks, and the one who admits.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;
use vane_discovery::{parse_seeds, resolve};
use vane_proto::peer::{JoinReply, JoinRequest, Member};

use crate::error::Error;
use crate::inner::Inner;
use vane_catalog::{MetaCommand, NodeEntry};
use crate::net::{Peers, Token};
use crate::settings::Settings;
use crate::{follow, gateway};

/// Time for a member to admit a node.
const ADMIT_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause between attempts to tell the others of a changed address or version.
const ANNOUNCE_PAUSE: Duration = Duration::from_secs(1);

/// What a member answers to one that asks to join.
pub(crate) struct Admitted {
    pub(crate) cluster_id: Uuid,
    pub(crate) node_id: u64,
    pub(crate) members: HashMap<u64, String>,
}

/// Asks the seeds, one after the other; an error says what each answered.
pub(crate) async fn ask(
    settings: &Settings,
    token: &Token,
    disk_id: Uuid,
) -> Result<Admitted, String> {
    let seeds = settings.node.seeds.clone().unwrap_or_default();
    let seeds = parse_seeds(&seeds).map_err(|e| e.to_string())?;
    let own: Vec<std::net::SocketAddr> = settings.node.address.parse().into_iter().collect();
    let found = resolve(&seeds, &own).await;
    let peers = Peers::new(token.clone(), None, settings.node.dial_from);
    let NodeEntry { name, address, rest_address, version, .. } = entry(settings, disk_id, 0);
    let disk_id = disk_id.to_string();
    let mut answers: Vec<String> =
        found.failures.iter().map(|it| format!("{}: {}", it.seed, it.error)).collect();
    for seed in found.addresses {
        let request = JoinRequest {
            disk_id: disk_id.clone(),
            name: name.clone(),
            address: address.clone(),
            rest_address: rest_address.clone(),
            version: version.clone(),
        };
        let call = async {
            let mut client = peers.client_at(&seed.to_string()).await?;
            client.join(request).await.map_err(|e| format!("{seed}: {}", e.message()))
        };
        match tokio::time::timeout(ADMIT_TIMEOUT, call).await {
            Ok(Ok(reply)) => {
                let JoinReply { cluster_id, node_id, members } = reply.into_inner();
                let cluster_id =
                    cluster_id.parse().map_err(|e| format!("{seed}: its cluster id: {e}"))?;
                let members = members.into_iter().map(|it| (it.node_id, it.address)).collect();
                return Ok(Admitted { cluster_id, node_id, members });
            }
            Ok(Err(why)) => answers.push(why),
            Err(_) => {
                answers.push(format!("{seed}: no answer within {} s", ADMIT_TIMEOUT.as_secs()))
            }
        }
    }
    match answers.is_empty() {
        true => Err("no address to join through was found".into()),
        false => Err(answers.join("; ")),
    }
}

/// Makes the asking disk a member's, or says which member it is already.
pub(crate) async fn admit(inner: &Arc<Inner>, request: JoinRequest) -> Result<JoinReply, Error> {
    let JoinRequest { disk_id, name, address, rest_address, version } = request;
    let disk_id: Uuid =
        disk_id.parse().map_err(|_| Error::BadInput("the disk id is no UUID".into()))?;
    let entry = NodeEntry { disk_id, name, address, rest_address, version, start: 0 };
    // One that has started as a member speaks for itself.
    let is_known = |it: &vane_catalog::Member| it.entry.start > 0 || it.entry == entry;
    let known = inner.meta.read(|it| it.node_of_disk(disk_id).is_some_and(is_known));
    if !known {
        let deadline = Instant::now() + ADMIT_TIMEOUT;
        let index =
            gateway::propose_meta(inner, MetaCommand::PutNode(entry).encode_stored(), deadline)
                .await?;
        follow::wait(inner, index, deadline).await?;
    }
    inner.meta.read(|state| {
        let node = state
            .node_of_disk(disk_id)
            .ok_or_else(|| Error::Unavailable("the node was not admitted".into()))?;
        let member = |(id, node): (&u64, &vane_catalog::Member)| Member {
            node_id: *id,
            address: node.entry.address.clone(),
        };
        let members = state.nodes.iter().map(member).collect();
        Ok(JoinReply { cluster_id: inner.cluster_id.to_string(), node_id: node.id, members })
    })
}

/// Tells the others how this node presents itself, once in every start: what the process
/// before this one said may still be on its way, and is refused from then on.
pub(crate) async fn announce(inner: Arc<Inner>, entry: NodeEntry) {
    loop {
        let known = inner.meta.read(|it| it.nodes.get(&inner.me).map(|it| it.entry.clone()));
        // One that has just joined is known to the others, and hears of it in a moment.
        if known.as_ref() == Some(&entry) {
            return;
        }
        if known.is_some() {
            let command = MetaCommand::PutNode(entry.clone()).encode_stored();
            let told = gateway::propose_meta(&inner, command, Instant::now() + ADMIT_TIMEOUT).await;
            if let Err(error) = told {
                tracing::debug!(%error, "failed to tell the others of this node's address; trying again");
            }
        }
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
    }
}
