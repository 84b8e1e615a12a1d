//! `qdrant.Points`: every method, and where it is answered.

use std::sync::Arc;

use tonic::{Request, Response, Status};
use vane_api::grpc::{matrix_offsets, matrix_pairs};
use vane_api::rest::select::PointsSelector;
use vane_api::rest::update::{DeletePayload, DeleteVectors, SetPayload, UpdateVectors, Upsert};
use vane_wire::qdrant as wire;
use vane_wire::qdrant::PointsOperationResponse;
use vane_wire::qdrant::points_server::Points;

use super::call::Answered;
use super::{reads, updates, values};
use crate::engine::Write;
use crate::state::AppState;

/// What a method answers.
type Answer<T> = Result<Response<T>, Status>;

/// The methods that are about points.
pub(super) struct PointsDoor(pub(super) Arc<AppState>);

fn done<T>(answered: Answered<T>) -> Answer<T> {
    Ok(answered?)
}

#[tonic::async_trait]
impl Points for PointsDoor {
    async fn upsert(
        &self,
        request: Request<wire::UpsertPoints>,
    ) -> Answer<PointsOperationResponse> {
        done(updates::change(&self.0, request, Upsert::into_write).await)
    }

    async fn delete(
        &self,
        request: Request<wire::DeletePoints>,
    ) -> Answer<PointsOperationResponse> {
        let read = |points: PointsSelector| points.into_selection().map(Write::Delete);
        done(updates::change(&self.0, request, read).await)
    }

    async fn get(&self, request: Request<wire::GetPoints>) -> Answer<wire::GetResponse> {
        done(reads::get(&self.0, request).await)
    }

    async fn update_vectors(
        &self,
        request: Request<wire::UpdatePointVectors>,
    ) -> Answer<PointsOperationResponse> {
        done(updates::change(&self.0, request, UpdateVectors::into_write).await)
    }

    async fn delete_vectors(
        &self,
        request: Request<wire::DeletePointVectors>,
    ) -> Answer<PointsOperationResponse> {
        done(updates::change(&self.0, request, DeleteVectors::into_write).await)
    }

    async fn set_payload(
        &self,
        request: Request<wire::SetPayloadPoints>,
    ) -> Answer<PointsOperationResponse> {
        done(updates::change(&self.0, request, SetPayload::into_set).await)
    }

    async fn overwrite_payload(
        &self,
        request: Request<wire::SetPayloadPoints>,
    ) -> Answer<PointsOperationResponse> {
        done(updates::change(&self.0, request, SetPayload::into_overwrite).await)
    }

    async fn delete_payload(
        &self,
        request: Request<wire::DeletePayloadPoints>,
    ) -> Answer<PointsOperationResponse> {
        done(updates::change(&self.0, request, DeletePayload::into_write).await)
    }

    async fn clear_payload(
        &self,
        request: Request<wire::ClearPayloadPoints>,
    ) -> Answer<PointsOperationResponse> {
        let read = |points: PointsSelector| points.into_selection().map(Write::ClearPayload);
        done(updates::change(&self.0, request, read).await)
    }

    async fn create_field_index(
        &self,
        request: Request<wire::CreateFieldIndexCollection>,
    ) -> Answer<PointsOperationResponse> {
        done(updates::create_index(&self.0, request).await)
    }

    async fn delete_field_index(
        &self,
        request: Request<wire::DeleteFieldIndexCollection>,
    ) -> Answer<PointsOperationResponse> {
        done(updates::drop_field_index(&self.0, request).await)
    }

    async fn update_batch(
        &self,
        request: Request<wire::UpdateBatchPoints>,
    ) -> Answer<wire::UpdateBatchResponse> {
        done(updates::batch(&self.0, request).await)
    }

    async fn scroll(&self, request: Request<wire::ScrollPoints>) -> Answer<wire::ScrollResponse> {
        done(reads::scroll(&self.0, request).await)
    }

    async fn count(&self, request: Request<wire::CountPoints>) -> Answer<wire::CountResponse> {
        done(reads::count(&self.0, request).await)
    }

    async fn query(&self, request: Request<wire::QueryPoints>) -> Answer<wire::QueryResponse> {
        let (call, result) = reads::query(&self.0, request).await?;
        done(call.answer(wire::QueryResponse { result, time: call.seconds(), usage: None }))
    }

    async fn query_batch(
        &self,
        request: Request<wire::QueryBatchPoints>,
    ) -> Answer<wire::QueryBatchResponse> {
        let (call, result) = reads::query_batch(&self.0, request).await?;
        done(call.answer(wire::QueryBatchResponse { result, time: call.seconds(), usage: None }))
    }

    async fn search(&self, request: Request<wire::SearchPoints>) -> Answer<wire::SearchResponse> {
        let (call, result) = reads::query(&self.0, request).await?;
        done(call.answer(wire::SearchResponse { result, time: call.seconds(), usage: None }))
    }

    async fn search_batch(
        &self,
        request: Request<wire::SearchBatchPoints>,
    ) -> Answer<wire::SearchBatchResponse> {
        let (call, result) = reads::query_batch(&self.0, request).await?;
        done(call.answer(wire::SearchBatchResponse { result, time: call.seconds(), usage: None }))
    }

    async fn create_vector_name(
        &self,
        request: Request<wire::CreateVectorNameRequest>,
    ) -> Answer<PointsOperationResponse> {
        done(updates::add_vector(&self.0, request).await)
    }

    async fn delete_vector_name(
        &self,
        request: Request<wire::DeleteVectorNameRequest>,
    ) -> Answer<PointsOperationResponse> {
        done(updates::remove_vector(&self.0, request).await)
    }

    async fn search_groups(
        &self,
        request: Request<wire::SearchPointGroups>,
    ) -> Answer<wire::SearchGroupsResponse> {
        let (call, groups) = reads::groups(&self.0, request).await?;
        let (result, time) = (Some(groups), call.seconds());
        done(call.answer(wire::SearchGroupsResponse { result, time, usage: None }))
    }

    async fn query_groups(
        &self,
        request: Request<wire::QueryPointGroups>,
    ) -> Answer<wire::QueryGroupsResponse> {
        let (call, groups) = reads::groups(&self.0, request).await?;
        let (result, time) = (Some(groups), call.seconds());
        done(call.answer(wire::QueryGroupsResponse { result, time, usage: None }))
    }

    async fn recommend(
        &self,
        request: Request<wire::RecommendPoints>,
    ) -> Answer<wire::RecommendResponse> {
        let (call, result) = reads::query(&self.0, request).await?;
        done(call.answer(wire::RecommendResponse { result, time: call.seconds(), usage: None }))
    }

    async fn recommend_batch(
        &self,
        request: Request<wire::RecommendBatchPoints>,
    ) -> Answer<wire::RecommendBatchResponse> {
        let (call, result) = reads::query_batch(&self.0, request).await?;
        let time = call.seconds();
        done(call.answer(wire::RecommendBatchResponse { result, time, usage: None }))
    }

    async fn recommend_groups(
        &self,
        request: Request<wire::RecommendPointGroups>,
    ) -> Answer<wire::RecommendGroupsResponse> {
        let (call, groups) = reads::groups(&self.0, request).await?;
        let (result, time) = (Some(groups), call.seconds());
        done(call.answer(wire::RecommendGroupsResponse { result, time, usage: None }))
    }

    async fn discover(
        &self,
        request: Request<wire::DiscoverPoints>,
    ) -> Answer<wire::DiscoverResponse> {
        let (call, result) = reads::query(&self.0, request).await?;
        done(call.answer(wire::DiscoverResponse { result, time: call.seconds(), usage: None }))
    }

    async fn discover_batch(
        &self,
        request: Request<wire::DiscoverBatchPoints>,
    ) -> Answer<wire::DiscoverBatchResponse> {
        let (call, result) = reads::query_batch(&self.0, request).await?;
        let time = call.seconds();
        done(call.answer(wire::DiscoverBatchResponse { result, time, usage: None }))
    }

    async fn facet(&self, request: Request<wire::FacetCounts>) -> Answer<wire::FacetResponse> {
        done(values::facet(&self.0, request).await)
    }

    async fn search_matrix_pairs(
        &self,
        request: Request<wire::SearchMatrixPoints>,
    ) -> Answer<wire::SearchMatrixPairsResponse> {
        let (call, rows) = values::matrix(&self.0, request).await?;
        let (result, time) = (Some(matrix_pairs(&rows)), call.seconds());
        done(call.answer(wire::SearchMatrixPairsResponse { result, time, usage: None }))
    }

    async fn search_matrix_offsets(
        &self,
        request: Request<wire::SearchMatrixPoints>,
    ) -> Answer<wire::SearchMatrixOffsetsResponse> {
        let (call, rows) = values::matrix(&self.0, request).await?;
        let (result, time) = (Some(matrix_offsets(&rows)), call.seconds());
        done(call.answer(wire::SearchMatrixOffsetsResponse { result, time, usage: None }))
    }
}
