//! Vectors of a collection: added and removed.

use std::sync::Arc;

use vane_types::{LogIndex, NewVector};

use crate::call::Call;
use crate::engine::Collection;
use crate::operation::Operation;
use crate::service::{Answering, Service};

impl Service {
    /// Gives a collection a vector, which its points do not have yet. Nothing changes where it has
    /// the same one. Returns the place of the change in the log.
    ///
    /// # Errors
    ///
    /// [`vane_api::Kind::BadInput`] where there is another of the name, or what keeps the meta
    /// group or a shard from it: the call can be repeated.
    pub fn add_vector<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        collection: Arc<Collection>,
        vector: String,
        wanted: NewVector,
    ) -> Answering<'a, LogIndex> {
        Box::pin(async move {
            let (coordinator, timeout) = (self.coordinator()?, call.timeout);
            let name = collection.name().to_owned();
            // Boxed: the way to all shards is a large future.
            let adding = Box::pin(async move {
                coordinator.add_vector(collection.name(), vector, wanted, timeout).await
            });
            self.change(call, Operation::AddVector, &name, adding).await
        })
    }

    /// Takes a vector of a collection away, and of all of its points. Nothing changes where there
    /// is none; with a revision, only while its vectors are at it. Returns the place of the change
    /// in the log.
    ///
    /// # Errors
    ///
    /// [`vane_api::Kind::Conflict`] where they are at another, or what keeps the meta group or a
    /// shard from it: the call can be repeated.
    pub fn remove_vector<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        collection: Arc<Collection>,
        vector: String,
        if_revision: Option<u64>,
    ) -> Answering<'a, LogIndex> {
        Box::pin(async move {
            let (coordinator, timeout) = (self.coordinator()?, call.timeout);
            let name = collection.name().to_owned();
            let removing = Box::pin(async move {
                coordinator.remove_vector(collection.name(), vector, if_revision, timeout).await
            });
            self.change(call, Operation::RemoveVector, &name, removing).await
        })
    }
}
