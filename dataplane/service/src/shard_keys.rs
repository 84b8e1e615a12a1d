//! Shard keys: looked up for a request, listed, made, deleted.

use std::sync::Arc;

use vane_api::Error;
use vane_types::ShardKey;

use crate::call::Call;
use crate::engine::{Collection, ShardKeys};
use crate::operation::Operation;
use crate::service::{Answering, Service};

impl Service {
    /// A collection by name or alias, as the shard keys that a request names have it.
    ///
    /// # Errors
    ///
    /// As those of [`Service::collection`], and [`vane_api::Kind::NotFound`] where there is no such
    /// key.
    pub async fn collection_among(
        &self,
        call: &Call,
        name: &str,
        keys: Option<&ShardKeys>,
    ) -> Result<Arc<Collection>, Error> {
        let collection = self.collection(call, name).await?;
        Ok(collection.among(keys, call.options().deadline).await?)
    }

    /// Each of some requests of a collection with what its shard keys have of that.
    ///
    /// # Errors
    ///
    /// As those of [`Service::collection_among`].
    pub async fn each_among<T>(
        &self,
        call: &Call,
        collection: &Arc<Collection>,
        requests: Vec<(Option<ShardKeys>, T)>,
    ) -> Result<Vec<(Arc<Collection>, T)>, Error> {
        let deadline = call.options().deadline;
        let mut found = Vec::with_capacity(requests.len());
        for (keys, request) in requests {
            found.push((collection.among(keys.as_ref(), deadline).await?, request));
        }
        Ok(found)
    }

    /// Shard keys of a collection; none where it has no tenants.
    ///
    /// # Errors
    ///
    /// None, beside what every call may meet.
    pub fn shard_keys<'a>(
        &'a self,
        call: &'a Call,
        collection: &'a Collection,
    ) -> Answering<'a, Vec<ShardKey>> {
        let listing = async { Ok::<_, Error>(collection.shard_keys()) };
        Box::pin(self.run(call, Operation::ListShardKeys, collection.name(), listing))
    }

    /// Makes a shard key.
    ///
    /// # Errors
    ///
    /// [`vane_api::Kind::BadInput`] where it cannot be or is there, or what keeps the meta group
    /// from deciding.
    pub fn create_shard_key<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        collection: Arc<Collection>,
        key: ShardKey,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let (timeout, name) = (call.timeout, collection.name().to_owned());
            let making = async move { collection.create_shard_key(key, timeout).await };
            self.change(call, Operation::CreateShardKey, &name, making).await
        })
    }

    /// Deletes a shard key with all of its points.
    ///
    /// # Errors
    ///
    /// [`vane_api::Kind::NotFound`], or what keeps a shard or the meta group from it: then the key
    /// is still listed, and the call can be repeated.
    pub fn delete_shard_key<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        collection: Arc<Collection>,
        key: ShardKey,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let (timeout, name) = (call.timeout, collection.name().to_owned());
            let deleting = async move { collection.delete_shard_key(key, timeout).await };
            self.change(call, Operation::DeleteShardKey, &name, deleting).await
        })
    }
}
