//! `vanectl leader`: who leads a group.

use serde::Serialize;

use crate::args::LeaderAction;
use crate::error::Error;
use crate::exit::Exit;
use crate::nodes;
use crate::output::Console;

#[derive(Debug, Serialize)]
struct Transferred {
    group: u64,
    node_id: u64,
    term: u64,
}

/// Does what `action` says.
pub(crate) async fn run(console: &mut Console, action: LeaderAction) -> Result<Exit, Error> {
    let LeaderAction::Transfer { group, node } = action;
    let node_id = nodes::resolve(&mut console.client, &[&node]).await?[0];
    let term = console.client.transfer_leader(group, node_id).await?;
    let sentence = format!("group/{group} is led by node {node_id} in term {term}");
    console.output.confirm(&sentence, &Transferred { group, node_id, term })?;
    Ok(Exit::Done)
}
