//! `vanectl nodes`: the members, and where they stand.

use std::time::Duration;

use serde::Serialize;
use vane_proto::admin::Node;

use crate::args::values::NodeRef;
use crate::args::{NodeAction, Watch};
use crate::client::Client;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::{Console, Row};
use crate::table::printable;
use crate::units::{bytes, span};
use crate::watch;

mod going;

impl Row for Node {
    const NOTHING: &'static str = "no nodes";
    const COLUMNS: &'static [&'static str] =
        &["ID", "NAME", "STATUS", "ZONE", "META", "REPLICAS", "LEADERS", "DISK-FREE"];
    const WIDE: &'static [&'static str] =
        &["DISK-TOTAL", "ADDRESS", "REST", "HEARD", "SCRUBBED", "VERSION"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.name.clone(),
            status(self).into(),
            self.zone.clone(),
            if self.meta_voter { "voter" } else { "learner" }.into(),
            self.replicas.to_string(),
            self.leaders.to_string(),
            bytes(self.disk_free_bytes),
            bytes(self.disk_total_bytes),
            self.address.clone(),
            self.rest_address.clone(),
            format!("{} ago", span(self.silent_ms)),
            self.scrubbed_ms_ago.map_or_else(|| "never".into(), |ms| format!("{} ago", span(ms))),
            self.version.clone(),
        ]
    }
}

/// How a node is, in a word.
fn status(node: &Node) -> &'static str {
    match (node.alive, node.leaving) {
        (true, false) if node.follows_only => "Following",
        (true, false) => "Alive",
        (true, true) => "Leaving",
        // Nothing runs under this number: its address is another node's by now.
        (false, _) if !node.displaced.is_empty() => "Gone",
        (false, _) => "Dead",
    }
}

/// Lists the nodes, or does what `action` says, where that takes time within `limit`.
pub(crate) async fn run(
    console: &mut Console,
    flags: Watch,
    action: Option<NodeAction>,
    limit: Duration,
) -> Result<Exit, Error> {
    match action {
        None => drop(watch::show(console, flags, Client::nodes).await?),
        Some(NodeAction::Zone { node, zone }) => set_zone(console, &node, zone).await?,
        Some(NodeAction::Leave { node, undo }) => going::leave(console, &node, !undo).await?,
        Some(NodeAction::Follow { node, seconds, undo }) => {
            going::follow(console, &node, if undo { 0 } else { seconds }).await?;
        }
        Some(NodeAction::Replace { node, with, yes }) => {
            going::replace(console, &node, &with, yes, limit).await?;
        }
        Some(NodeAction::Remove { node, yes }) => going::remove(console, &node, yes).await?,
    }
    Ok(Exit::Done)
}

#[derive(Debug, Serialize)]
struct ZoneSet {
    node_id: u64,
    zone: String,
}

async fn set_zone(console: &mut Console, node: &NodeRef, zone: String) -> Result<(), Error> {
    let Console { client, output } = console;
    let node_id = resolve(client, &[node]).await?[0];
    client.set_node_zone(node_id, zone.clone()).await?;
    let sentence = match zone.as_str() {
        "" => format!("node/{node_id} has no zone now"),
        zone => format!("node/{node_id} zone set to {zone}"),
    };
    output.confirm(&sentence, &ZoneSet { node_id, zone })
}

/// The numbers of nodes, in the order given. Asks the cluster only where a name is among them.
///
/// # Errors
/// When a name is nobody's or several nodes have it, and those of the call. Nothing was changed.
pub(crate) async fn resolve(client: &mut Client, nodes: &[&NodeRef]) -> Result<Vec<u64>, Error> {
    let named = nodes.iter().any(|node| matches!(node, NodeRef::Name(_)));
    let members = if named { client.nodes().await? } else { Vec::new() };
    nodes.iter().map(|node| number(node, &members)).collect()
}

fn number(node: &NodeRef, members: &[Node]) -> Result<u64, Error> {
    let name = match node {
        NodeRef::Id(id) => return Ok(*id),
        NodeRef::Name(name) => name,
    };
    let mut found = members.iter().filter(|member| member.name == *name);
    match (found.next(), found.next()) {
        (Some(member), None) => Ok(member.id),
        // A node that came back with an empty disk has a new number and its old name.
        (Some(_), Some(_)) => Err(Error::NotFound(format!(
            "several nodes are called {name}: give a number; nothing was changed"
        ))),
        (None, _) => {
            let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
            let names = printable(&names.join(", "));
            Err(Error::NotFound(format!(
                "there is no node {name}: the members are {names}; nothing was changed"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NodeRef, number};
    use crate::output::View;
    use vane_proto::admin::Node;

    fn node(id: u64, name: &str) -> Node {
        Node { id, name: name.into(), alive: id == 1, silent_ms: 12_000, ..Node::default() }
    }

    #[test]
    fn names_stand_for_numbers() {
        let members = [node(1, "vane-0"), node(2, "vane-1"), node(3, "vane-1")];
        let number_of = |name: &str| number(&NodeRef::Name(name.into()), &members);
        assert_eq!(number_of("vane-0").unwrap(), 1);
        assert_eq!(number(&NodeRef::Id(9), &members).unwrap(), 9);
        assert!(number_of("vane-1").unwrap_err().to_string().contains("several"));
        assert!(number_of("vane-7").unwrap_err().to_string().contains("vane-0, vane-1"));
    }

    #[test]
    fn a_node_fits_on_a_line() {
        let nodes = vec![node(1, "vane-0"), node(2, "")];
        assert_eq!(
            nodes.table().render(true, false),
            "ID   NAME     STATUS   ZONE   META      REPLICAS   LEADERS   DISK-FREE\n\
             1    vane-0   Alive    -      learner   0          0         0\n\
             2    -        Dead     -      learner   0          0         0\n"
        );
        assert!(nodes.table().render(false, true).contains("12s ago"));
    }
}
