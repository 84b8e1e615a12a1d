//! What people keep for the cluster as a whole, by key.

use std::sync::Arc;

use serde_json::Value;
use vane_api::Error;

use crate::call::Call;
use crate::operation::Operation;
use crate::service::{Answering, Service};

impl Service {
    /// All keys, in order.
    ///
    /// # Errors
    ///
    /// [`vane_api::Kind::Unavailable`] while this node belongs to no cluster.
    pub fn metadata_keys<'a>(&'a self, call: &'a Call) -> Answering<'a, Vec<String>> {
        let listing = async move {
            let coordinator = self.coordinator()?;
            coordinator.be_current(call.options().deadline).await;
            let keys = coordinator.catalog().read(|state| state.metadata.keys().cloned().collect());
            Ok::<_, Error>(keys)
        };
        Box::pin(self.run(call, Operation::GetMetadata, "", listing))
    }

    /// The value of a key; `null` where there is none.
    ///
    /// # Errors
    ///
    /// As those of [`Service::metadata_keys`].
    pub fn metadata<'a>(&'a self, call: &'a Call, key: &'a str) -> Answering<'a, Value> {
        let looking = async move {
            let coordinator = self.coordinator()?;
            coordinator.be_current(call.options().deadline).await;
            let value = coordinator.catalog().read(|state| state.metadata.get(key).cloned());
            Ok::<_, Error>(value.unwrap_or_default())
        };
        Box::pin(self.run(call, Operation::GetMetadata, key, looking))
    }

    /// Keeps a value; `null` forgets it.
    ///
    /// # Errors
    ///
    /// [`vane_api::Kind::BadInput`] where it is too large or too deep, or there are too many; what
    /// keeps the meta group from deciding.
    pub fn set_metadata<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        key: String,
        value: Value,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let (coordinator, timeout, subject) = (self.coordinator()?, call.timeout, key.clone());
            let setting = async move { coordinator.set_metadata(key, value, timeout).await };
            self.change(call, Operation::SetMetadata, &subject, setting).await
        })
    }
}
