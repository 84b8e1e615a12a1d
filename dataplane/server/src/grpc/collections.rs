//! `qdrant.Collections`: collections, their aliases and shard keys.

use std::sync::Arc;

use tonic::{Request, Response, Status};
use vane_api::grpc::{self, Termed};
use vane_api::rest::cluster::collection_cluster;
use vane_wire::qdrant as wire;
use vane_wire::qdrant::CollectionOperationResponse;
use vane_wire::qdrant::collections_server::Collections;

use super::call::{Answered, Call};
use super::error::Failed;
use crate::state::AppState;

/// What a method answers.
type Answer<T> = Result<Response<T>, Status>;

/// The methods that are about collections.
pub(super) struct CollectionsDoor(pub(super) Arc<AppState>);

impl CollectionsDoor {
    fn call<M: Termed>(&self, request: Request<M>) -> Result<(Call, M), Failed> {
        Call::of(&self.0, request)
    }

    async fn create(&self, request: Request<wire::CreateCollection>) -> Changed {
        let (call, message) = self.call(request)?;
        let wanted = call.read(message).await?.into_parts()?;
        // No key: there is no way to tell a repeated call from a second one.
        let name = call.name.clone();
        call.service.create_collection(&call.context, name, wanted, String::new()).await?;
        changed(&call, true)
    }

    async fn update(&self, request: Request<wire::UpdateCollection>) -> Changed {
        let (call, message) = self.call(request)?;
        let body = call.read(message).await?;
        let collection = call.collection(None).await?;
        let layout = body.layout_change(collection.layout())?;
        let change = body.into_change(collection.config())?;
        call.service.update_collection(&call.context, collection, change, layout).await?;
        changed(&call, true)
    }

    async fn delete(&self, request: Request<wire::DeleteCollection>) -> Changed {
        let (call, _) = self.call(request)?;
        let name = call.name.clone();
        let existed = call.service.delete_collection(&call.context, name, String::new()).await?;
        changed(&call, existed)
    }

    async fn update_aliases(&self, request: Request<wire::ChangeAliases>) -> Changed {
        let (call, message) = self.call(request)?;
        let changes = call.read(message).await?.into_changes()?;
        call.service.change_aliases(&call.context, changes).await?;
        changed(&call, true)
    }

    async fn info(
        &self,
        request: Request<wire::GetCollectionInfoRequest>,
    ) -> Answered<wire::GetCollectionInfoResponse> {
        let (call, _) = self.call(request)?;
        let collection = call.collection(None).await?;
        let info = call.service.collection_info(&call.context, &collection).await?;
        let result = grpc::collection_info(collection.config(), collection.layout(), &info);
        let time = call.seconds();
        call.answer(wire::GetCollectionInfoResponse { result: Some(result), time })
    }

    async fn list(
        &self,
        request: Request<wire::ListCollectionsRequest>,
    ) -> Answered<wire::ListCollectionsResponse> {
        let (call, _) = self.call(request)?;
        let names = call.service.collection_names(&call.context).await?.into_iter();
        let collections = names.map(|name| wire::CollectionDescription { name }).collect();
        call.answer(wire::ListCollectionsResponse { collections, time: call.seconds() })
    }

    async fn exists(
        &self,
        request: Request<wire::CollectionExistsRequest>,
    ) -> Answered<wire::CollectionExistsResponse> {
        let (call, _) = self.call(request)?;
        let exists = call.service.collection_exists(&call.context, &call.name).await?;
        let (result, time) = (Some(wire::CollectionExists { exists }), call.seconds());
        call.answer(wire::CollectionExistsResponse { result, time })
    }

    /// Aliases: all, or those of the collection that the call names.
    async fn aliases<M: Termed>(
        &self,
        request: Request<M>,
        of_one: bool,
    ) -> Answered<wire::ListAliasesResponse> {
        let (call, _) = self.call(request)?;
        let only = if of_one { Some(call.collection(None).await?) } else { None };
        let aliases = call.service.aliases(&call.context).await?.into_iter();
        let is_meant = |named: &str| only.as_ref().is_none_or(|only| only.name() == named);
        let aliases = aliases.filter(|(_, named)| is_meant(named));
        let aliases = aliases.map(|(alias_name, collection_name)| wire::AliasDescription {
            alias_name,
            collection_name,
        });
        let aliases = aliases.collect();
        call.answer(wire::ListAliasesResponse { aliases, time: call.seconds() })
    }

    async fn cluster(
        &self,
        request: Request<wire::CollectionClusterInfoRequest>,
    ) -> Answered<wire::CollectionClusterInfoResponse> {
        let (call, _) = self.call(request)?;
        let collection = call.collection(None).await?;
        let node = call.service.member()?.node_id();
        let places = call.service.replica_places(&call.context, collection).await?;
        let is_silent = |node| places.silent.contains(&node);
        let json = collection_cluster(node, &places.shards, &places.points, is_silent);
        call.answer(grpc::cluster_info(&json, call.seconds()))
    }

    async fn change_cluster(
        &self,
        request: Request<wire::UpdateCollectionClusterSetupRequest>,
    ) -> Answered<wire::UpdateCollectionClusterSetupResponse> {
        let (call, message) = self.call(request)?;
        let operation = call.read(message).await?;
        call.service.change_cluster(&call.context, &call.name, operation).await?;
        let time = call.seconds();
        call.answer(wire::UpdateCollectionClusterSetupResponse { result: true, time })
    }

    async fn shard_keys(
        &self,
        request: Request<wire::ListShardKeysRequest>,
    ) -> Answered<wire::ListShardKeysResponse> {
        let (call, _) = self.call(request)?;
        let collection = call.collection(None).await?;
        let keys = call.service.shard_keys(&call.context, &collection).await?;
        let (shard_keys, time) = (grpc::shard_keys(&keys), call.seconds());
        call.answer(wire::ListShardKeysResponse { shard_keys, time })
    }

    async fn make_shard_key(
        &self,
        request: Request<wire::CreateShardKeyRequest>,
    ) -> Answered<wire::CreateShardKeyResponse> {
        let (call, message) = self.call(request)?;
        let body = call.read(message).await?;
        let collection = call.collection(None).await?;
        let key = body.into_key(collection.layout())?;
        call.service.create_shard_key(&call.context, collection, key).await?;
        call.answer(wire::CreateShardKeyResponse { result: true, time: call.seconds() })
    }

    async fn drop_shard_key(
        &self,
        request: Request<wire::DeleteShardKeyRequest>,
    ) -> Answered<wire::DeleteShardKeyResponse> {
        let (call, message) = self.call(request)?;
        let key = call.read(message).await?.into_key();
        let collection = call.collection(None).await?;
        call.service.delete_shard_key(&call.context, collection, key).await?;
        call.answer(wire::DeleteShardKeyResponse { result: true, time: call.seconds() })
    }
}

type Changed = Answered<CollectionOperationResponse>;

fn changed(call: &Call, result: bool) -> Changed {
    call.answer(CollectionOperationResponse { result, time: call.seconds() })
}

#[tonic::async_trait]
impl Collections for CollectionsDoor {
    async fn get(
        &self,
        request: Request<wire::GetCollectionInfoRequest>,
    ) -> Answer<wire::GetCollectionInfoResponse> {
        Ok(self.info(request).await?)
    }

    async fn list(
        &self,
        request: Request<wire::ListCollectionsRequest>,
    ) -> Answer<wire::ListCollectionsResponse> {
        Ok(Self::list(self, request).await?)
    }

    async fn create(
        &self,
        request: Request<wire::CreateCollection>,
    ) -> Answer<CollectionOperationResponse> {
        Ok(Self::create(self, request).await?)
    }

    async fn update(
        &self,
        request: Request<wire::UpdateCollection>,
    ) -> Answer<CollectionOperationResponse> {
        Ok(Self::update(self, request).await?)
    }

    async fn delete(
        &self,
        request: Request<wire::DeleteCollection>,
    ) -> Answer<CollectionOperationResponse> {
        Ok(Self::delete(self, request).await?)
    }

    async fn update_aliases(
        &self,
        request: Request<wire::ChangeAliases>,
    ) -> Answer<CollectionOperationResponse> {
        Ok(Self::update_aliases(self, request).await?)
    }

    async fn list_collection_aliases(
        &self,
        request: Request<wire::ListCollectionAliasesRequest>,
    ) -> Answer<wire::ListAliasesResponse> {
        Ok(self.aliases(request, true).await?)
    }

    async fn list_aliases(
        &self,
        request: Request<wire::ListAliasesRequest>,
    ) -> Answer<wire::ListAliasesResponse> {
        Ok(self.aliases(request, false).await?)
    }

    async fn collection_cluster_info(
        &self,
        request: Request<wire::CollectionClusterInfoRequest>,
    ) -> Answer<wire::CollectionClusterInfoResponse> {
        Ok(self.cluster(request).await?)
    }

    async fn collection_exists(
        &self,
        request: Request<wire::CollectionExistsRequest>,
    ) -> Answer<wire::CollectionExistsResponse> {
        Ok(self.exists(request).await?)
    }

    async fn update_collection_cluster_setup(
        &self,
        request: Request<wire::UpdateCollectionClusterSetupRequest>,
    ) -> Answer<wire::UpdateCollectionClusterSetupResponse> {
        Ok(self.change_cluster(request).await?)
    }

    async fn create_shard_key(
        &self,
        request: Request<wire::CreateShardKeyRequest>,
    ) -> Answer<wire::CreateShardKeyResponse> {
        Ok(self.make_shard_key(request).await?)
    }

    async fn delete_shard_key(
        &self,
        request: Request<wire::DeleteShardKeyRequest>,
    ) -> Answer<wire::DeleteShardKeyResponse> {
        Ok(self.drop_shard_key(request).await?)
    }

    async fn list_shard_keys(
        &self,
        request: Request<wire::ListShardKeysRequest>,
    ) -> Answer<wire::ListShardKeysResponse> {
        Ok(self.shard_keys(request).await?)
    }
}
