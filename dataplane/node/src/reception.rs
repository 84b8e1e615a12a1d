//! Getting to know the starts of the other nodes, and where they are: in answer to what they say
//! of themselves, also while replicas are still being opened here.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;
use vane_catalog::{Catalog, State};
use vane_transport::{Introduction, PeerReception, Peers};
use vane_types::{Error, NodeId};

use crate::gate::Gate;
use crate::open_error::internal;

/// Who this node is, and whom it knows.
pub struct Reception {
    pub(crate) me: NodeId,
    pub(crate) cluster_id: Uuid,
    pub(crate) gate: Arc<Gate>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) peers: Arc<Peers>,
}

impl Reception {
    /// Gets to know a start of another node, and calls it where it is from then on.
    ///
    /// # Errors
    /// A conflict where that start is refused for good; `Internal` where it could not be kept.
    pub(crate) async fn meet(&self, new: Introduction) -> Result<(), Error> {
        let (gate, catalog) = (Arc::clone(&self.gate), Arc::clone(&self.catalog));
        // It may write to the disk.
        let met = tokio::task::spawn_blocking(move || gate.meet(&new, &catalog)).await;
        met.map_err(internal)??;
        // It may be somewhere else than before, and waits to hear from this node.
        self.set_addresses();
        Ok(())
    }

    /// Takes over where the members are.
    pub(crate) fn set_addresses(&self) {
        let of_members = |state: &State| -> HashMap<NodeId, String> {
            let members = state.nodes.values();
            members.map(|member| (member.id, self.gate.address(member))).collect()
        };
        let addresses = self.catalog.read(of_members);
        // A node that has just joined was told where the others are, and knows no more yet.
        if !addresses.is_empty() {
            self.peers.set_addresses(addresses);
        }
    }
}

impl PeerReception for Reception {
    fn node_id(&self) -> NodeId {
        self.me
    }

    fn cluster_id(&self) -> Uuid {
        self.cluster_id
    }

    async fn introduce(&self, new: Introduction) -> Result<Introduction, Error> {
        self.meet(new).await?;
        Ok(self.gate.own().clone())
    }
}
