//! `vanectl version`.

use serde::Serialize;

use crate::error::Error;
use crate::exit::Exit;
use crate::output::{Console, Output, View};
use crate::table::Table;

#[derive(Debug, Serialize)]
struct Versions {
    client: &'static str,
    /// Of the node that answered; `None` when none was asked.
    node: Option<String>,
}

impl View for Versions {
    fn table(&self) -> Table {
        let mut table = Table::fields([("Client", self.client.into())]);
        if let Some(node) = &self.node {
            table.field("Node", node.clone());
        }
        table
    }
}

const CLIENT: &str = env!("CARGO_PKG_VERSION");

/// Shows the version of this program.
pub(crate) fn client(output: &Output) -> Result<Exit, Error> {
    output.show(&Versions { client: CLIENT, node: None })?;
    Ok(Exit::Done)
}

/// Shows the versions of this program and of the node that answers.
pub(crate) async fn both(console: &mut Console) -> Result<Exit, Error> {
    // The client's own version is of use in particular when no node answers.
    let answer = console.client.cluster().await;
    let node = answer.as_ref().ok().map(|cluster| cluster.version.clone());
    console.output.show(&Versions { client: CLIENT, node })?;
    answer.map(|_| Exit::Done)
}
