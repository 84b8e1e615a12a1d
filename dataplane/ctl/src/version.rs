//! `vanectl version`.

use serde::Serialize;

use crate::client::Client;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::{Output, View};
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
pub(crate) async fn both(client: &mut Client, output: &Output) -> Result<Exit, Error> {
    // The client's own version is of use in particular when no node answers.
    let answer = client.cluster().await;
    let node = answer.as_ref().ok().map(|cluster| cluster.version.clone());
    output.show(&Versions { client: CLIENT, node })?;
    answer.map(|_| Exit::Done)
}
