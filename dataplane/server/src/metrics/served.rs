//! Which requests have metrics of their own under Qdrant's names: those that serve points. The
//! others are in `vane_rest_requests`, `vane_grpc_requests` and telemetry.

/// What of one door is told.
pub(super) struct Served {
    endpoints: &'static [&'static str],
    /// The status of an answer that went well.
    pub(super) well: i32,
}

/// REST.
pub(super) static REST: Served = Served {
    endpoints: &[
        "/collections/{collection_name}/facet",
        "/collections/{collection_name}/index",
        "/collections/{collection_name}/points",
        "/collections/{collection_name}/points/batch",
        "/collections/{collection_name}/points/count",
        "/collections/{collection_name}/points/delete",
        "/collections/{collection_name}/points/discover",
        "/collections/{collection_name}/points/discover/batch",
        "/collections/{collection_name}/points/payload",
        "/collections/{collection_name}/points/payload/clear",
        "/collections/{collection_name}/points/payload/delete",
        "/collections/{collection_name}/points/query",
        "/collections/{collection_name}/points/query/batch",
        "/collections/{collection_name}/points/query/groups",
        "/collections/{collection_name}/points/recommend",
        "/collections/{collection_name}/points/recommend/batch",
        "/collections/{collection_name}/points/recommend/groups",
        "/collections/{collection_name}/points/scroll",
        "/collections/{collection_name}/points/search",
        "/collections/{collection_name}/points/search/batch",
        "/collections/{collection_name}/points/search/groups",
        "/collections/{collection_name}/points/search/matrix/offsets",
        "/collections/{collection_name}/points/search/matrix/pairs",
        "/collections/{collection_name}/points/vectors",
        "/collections/{collection_name}/points/vectors/delete",
    ],
    well: 200,
};

/// gRPC.
pub(super) static GRPC: Served = Served {
    endpoints: &[
        "/qdrant.Points/ClearPayload",
        "/qdrant.Points/Count",
        "/qdrant.Points/Delete",
        "/qdrant.Points/DeletePayload",
        "/qdrant.Points/DeleteVectors",
        "/qdrant.Points/Discover",
        "/qdrant.Points/DiscoverBatch",
        "/qdrant.Points/Facet",
        "/qdrant.Points/Get",
        "/qdrant.Points/OverwritePayload",
        "/qdrant.Points/Query",
        "/qdrant.Points/QueryBatch",
        "/qdrant.Points/QueryGroups",
        "/qdrant.Points/Recommend",
        "/qdrant.Points/RecommendBatch",
        "/qdrant.Points/RecommendGroups",
        "/qdrant.Points/Scroll",
        "/qdrant.Points/Search",
        "/qdrant.Points/SearchBatch",
        "/qdrant.Points/SearchGroups",
        "/qdrant.Points/SearchMatrixOffsets",
        "/qdrant.Points/SearchMatrixPairs",
        "/qdrant.Points/SetPayload",
        "/qdrant.Points/UpdateBatch",
        "/qdrant.Points/UpdateVectors",
        "/qdrant.Points/Upsert",
    ],
    well: 0,
};

impl Served {
    /// Whether there are metrics of what was asked for, with or without a method before it.
    pub(super) fn tells(&self, asked: &str) -> bool {
        let endpoint = asked.split_once(' ').map_or(asked, |(_, endpoint)| endpoint);
        self.endpoints.binary_search(&endpoint).is_ok()
    }
}

/// Whether a request over REST is counted by collection too.
pub(crate) fn is_served(endpoint: &str) -> bool {
    REST.tells(endpoint)
}

/// The name that Qdrant has for a route of REST.
pub(crate) fn qdrant_name(route: &str) -> String {
    route
        .replace("{collection}", "{collection_name}")
        .replace("/index/{field}", "/index/{field_name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_in_order_and_found_with_and_without_a_method() {
        for served in [&REST, &GRPC] {
            assert!(served.endpoints.is_sorted());
            assert!(served.endpoints.iter().all(|endpoint| served.tells(endpoint)));
        }
        assert!(REST.tells("PUT /collections/{collection_name}/points"));
        assert!(!REST.tells("GET /collections/{collection_name}"));
        let routes = vane_wire::methods();
        let grpc = GRPC.endpoints.iter().filter(|endpoint| !routes.contains(&endpoint.to_string()));
        assert_eq!(grpc.collect::<Vec<_>>(), [&""; 0]);
    }
}
