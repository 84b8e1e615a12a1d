//! `vanectl leader`: who leads a group.

use serde::Serialize;

use crate::args::LeaderAction;
use crate::client::Client;
use crate::error::Error;
use crate::exit::Exit;
use crate::nodes;
use crate::output::Output;

#[derive(Debug, Serialize)]
struct Transferred {
    group: u64,
    node_id: u64,
    term: u64,
}

/// Does what `action` says.
pub(crate) async fn run(
    client: &mut Client,
    output: &Output,
    action: LeaderAction,
) -> Result<Exit, Error> {
    let LeaderAction::Transfer { group, node } = action;
    let node_id = nodes::resolve(client, &[&node]).await?[0];
    let term = client.transfer_leader(group, node_id).await?;
    let sentence = format!("group/{group} is led by node {node_id} in term {term}");
    output.confirm(&sentence, &Transferred { group, node_id, term })?;
    Ok(Exit::Done)
}
