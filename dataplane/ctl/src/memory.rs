//! `vanectl memory`: what the nodes have memory for.

use serde::Serialize;
use vane_proto::admin::{CollectionMemory, NodeMemory};

use crate::args::Watch;
use crate::client::Client;
use crate::error::Error;
use crate::output::{Console, Row};
use crate::units::bytes;
use crate::watch;

impl Row for NodeMemory {
    const NOTHING: &'static str = "no nodes";
    const COLUMNS: &'static [&'static str] = &[
        "NODE",
        "NAME",
        "RESIDENT",
        "ANONYMOUS",
        "COLLECTIONS",
        "MEMTABLES",
        "BLOCK-CACHE",
        "OTHER",
        "PINNED",
    ];
    const WIDE: &'static [&'static str] = &[];

    fn cells(&self) -> Vec<String> {
        let collections = self.collections.iter().map(total).sum();
        let known = collections + self.memtable_bytes + self.block_cache_bytes;
        // Threads, connections, what allocators keep. The parts are estimates, so they may be more
        // than all.
        let other = self.anonymous_bytes.saturating_sub(known);
        let figures = [
            self.resident_bytes,
            self.anonymous_bytes,
            collections,
            self.memtable_bytes,
            self.block_cache_bytes,
            other,
            self.pinned_bytes,
        ];
        // Zeros would be taken for what a silent node has.
        let shown = |figure| if self.answered { bytes(figure) } else { "?".to_owned() };
        let name = [self.node_id.to_string(), self.name.clone()];
        name.into_iter().chain(figures.map(shown)).collect()
    }
}

/// A collection on a node.
#[derive(Debug, Serialize)]
struct OnNode {
    node_id: u64,
    #[serde(flatten)]
    memory: CollectionMemory,
}

impl Row for OnNode {
    const NOTHING: &'static str = "no collections";
    const COLUMNS: &'static [&'static str] =
        &["NODE", "COLLECTION", "TOTAL", "IDS", "PLACES", "ROWS", "INDEXES", "GRAPHS"];
    const WIDE: &'static [&'static str] = &[];

    fn cells(&self) -> Vec<String> {
        let CollectionMemory { collection, ids, places, rows, payload_indexes, graphs } =
            &self.memory;
        let figures = [total(&self.memory), *ids, *places, *rows, *payload_indexes, *graphs];
        let name = [self.node_id.to_string(), collection.clone()];
        name.into_iter().chain(figures.map(bytes)).collect()
    }
}

fn total(memory: &CollectionMemory) -> u64 {
    let CollectionMemory { collection: _, ids, places, rows, payload_indexes, graphs } = memory;
    ids + places + rows + payload_indexes + graphs
}

/// Shows what the nodes have memory for; with `by_collection` or a collection's name, what that is
/// of collections.
pub(crate) async fn show(
    console: &mut Console,
    collection: Option<String>,
    by_collection: bool,
    flags: Watch,
) -> Result<(), Error> {
    let by_collection = by_collection || collection.is_some();
    let name = collection.unwrap_or_default();
    if !by_collection {
        let fetch = async move |client: &mut Client| client.memory(name.clone()).await;
        return watch::show(console, flags, fetch).await.map(drop);
    }
    let fetch = async move |client: &mut Client| {
        let nodes = client.memory(name.clone()).await?;
        Ok(nodes.into_iter().flat_map(of_collections).collect::<Vec<_>>())
    };
    watch::show(console, flags, fetch).await.map(drop)
}

fn of_collections(node: NodeMemory) -> impl Iterator<Item = OnNode> {
    let NodeMemory { node_id, collections, .. } = node;
    collections.into_iter().map(move |memory| OnNode { node_id, memory })
}
