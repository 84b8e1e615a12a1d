//! The official Rust client's quickstart, and what it does beyond.

use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, CreateCollectionBuilder, CreateFieldIndexCollectionBuilder,
    DeletePointsBuilder, Distance, FieldType, Filter, Fusion, GetPointsBuilder, Modifier,
    NamedVectors, PointId, PointStruct, PrefetchQueryBuilder, Query, QueryPointGroupsBuilder,
    QueryPointsBuilder, Range, ScoredPoint, ScrollPointsBuilder, SearchPointsBuilder,
    SetPayloadPointsBuilder, SparseVectorParamsBuilder, SparseVectorsConfigBuilder,
    UpsertPointsBuilder, Vector, VectorInput, VectorParamsBuilder, VectorsConfigBuilder,
    point_id::PointIdOptions, vector_output::Vector as Kind,
};
use qdrant_client::{Payload, Qdrant, QdrantError};
use serde_json::json;

fn client() -> Qdrant {
    let variable = |name: &str| std::env::var(name).expect("set by with-node");
    let url = format!("http://{}:{}", variable("VANE_HOST"), variable("VANE_GRPC_PORT"));
    Qdrant::from_url(&url).build().expect("an address")
}

fn name() -> String {
    format!("c-{}", uuid::Uuid::new_v4())
}

fn ids(points: &[ScoredPoint]) -> Vec<u64> {
    let number = |point: &ScoredPoint| match point.id.clone()?.point_id_options? {
        PointIdOptions::Num(number) => Some(number),
        PointIdOptions::Uuid(_) => None,
    };
    points.iter().filter_map(number).collect()
}

async fn cities(client: &Qdrant, name: &str) -> Result<(), QdrantError> {
    let vectors = VectorParamsBuilder::new(4, Distance::Dot);
    client.create_collection(CreateCollectionBuilder::new(name).vectors_config(vectors)).await?;
    let points = [
        ("Berlin", [0.05, 0.61, 0.76, 0.74]),
        ("London", [0.19, 0.81, 0.75, 0.11]),
        ("Moscow", [0.36, 0.55, 0.47, 0.94]),
        ("New York", [0.18, 0.01, 0.85, 0.80]),
    ];
    let points = (1_u64..).zip(points).map(|(id, (city, vector))| {
        let payload = Payload::try_from(json!({"city": city, "n": id})).expect("an object");
        PointStruct::new(id, vector.to_vec(), payload)
    });
    let points: Vec<PointStruct> = points.collect();
    client.upsert_points(UpsertPointsBuilder::new(name, points).wait(true)).await?;
    Ok(())
}

#[tokio::test]
async fn the_quickstart() -> Result<(), QdrantError> {
    let (client, name) = (client(), name());
    assert!(client.health_check().await?.version.starts_with("1."));
    cities(&client, &name).await?;
    let query = || QueryPointsBuilder::new(&name).query(vec![0.2, 0.1, 0.9, 0.7]).limit(3);
    let found = client.query(query().with_payload(true)).await?.result;
    assert_eq!(ids(&found), [4, 1, 3]);
    assert_eq!(found[0].get("city").as_str().map(String::as_str), Some("New York"));
    let london = Filter::must([Condition::matches("city", "London".to_string())]);
    let filtered = client.query(query().filter(london.clone())).await?.result;
    assert_eq!(ids(&filtered), [2]);
    let older = SearchPointsBuilder::new(&name, vec![0.2, 0.1, 0.9, 0.7], 3).filter(london);
    assert_eq!(ids(&client.search_points(older).await?.result), [2]);
    assert!(client.collection_exists(&name).await?);
    client.delete_collection(&name).await?;
    let refused = client.collection_info(&name).await.expect_err("it is gone");
    assert!(refused.to_string().contains("doesn't exist"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn points_are_changed_and_deleted() -> Result<(), QdrantError> {
    let (client, name) = (client(), name());
    cities(&client, &name).await?;
    let index = CreateFieldIndexCollectionBuilder::new(&name, "n", FieldType::Integer).wait(true);
    client.create_field_index(index).await?;
    let payload = Payload::try_from(json!({"read": true})).expect("an object");
    let change =
        SetPayloadPointsBuilder::new(&name, payload).points_selector(vec![PointId::from(2)]);
    client.set_payload(change.wait(true)).await?;
    let get = GetPointsBuilder::new(&name, vec![2.into()]).with_payload(true).with_vectors(true);
    let found = client.get_points(get).await?.result;
    assert_eq!(found[0].get("read").as_bool(), Some(true));
    let vector = found[0].vectors.as_ref().and_then(|it| it.get_vector());
    let Some(Kind::Dense(vector)) = vector else { panic!("{found:?}") };
    assert_eq!(vector.data, [0.19, 0.81, 0.75, 0.11]);
    let page = client.scroll(ScrollPointsBuilder::new(&name).limit(3)).await?;
    assert_eq!((page.result.len(), page.next_page_offset), (3, Some(4.into())));
    let later = Filter::must([Condition::range("n", Range { gt: Some(2.0), ..Range::default() })]);
    client.delete_points(DeletePointsBuilder::new(&name).points(later).wait(true)).await?;
    let count = client.count(CountPointsBuilder::new(&name).exact(true)).await?.result;
    assert_eq!(count.map(|it| it.count), Some(2));
    Ok(())
}

#[tokio::test]
async fn hybrid_queries() -> Result<(), QdrantError> {
    let (client, name) = (client(), name());
    let mut vectors = VectorsConfigBuilder::default();
    vectors.add_named_vector_params("dense", VectorParamsBuilder::new(2, Distance::Cosine));
    let mut sparse = SparseVectorsConfigBuilder::default();
    let idf = SparseVectorParamsBuilder::default().modifier(Modifier::Idf);
    sparse.add_named_vector_params("sparse", idf);
    let create = CreateCollectionBuilder::new(&name).vectors_config(vectors);
    client.create_collection(create.sparse_vectors_config(sparse)).await?;
    let points = (0..5_u32).map(|i| {
        let vectors = NamedVectors::default()
            .add_vector("dense", Vector::new_dense(vec![1.0, i as f32]))
            .add_vector("sparse", Vector::new_sparse(vec![i, 100], vec![1.0, 1.0]));
        let payload = Payload::try_from(json!({"group": i % 2})).expect("an object");
        PointStruct::new(u64::from(i), vectors, payload)
    });
    let points: Vec<PointStruct> = points.collect();
    client.upsert_points(UpsertPointsBuilder::new(&name, points).wait(true)).await?;
    let near = Query::new_nearest(vec![1.0, 0.0]);
    let words = Query::new_nearest(VectorInput::new_sparse(vec![3], vec![1.0]));
    let prefetch = |query, using: &str| PrefetchQueryBuilder::default().query(query).using(using);
    let query = QueryPointsBuilder::new(&name)
        .add_prefetch(prefetch(near.clone(), "dense").limit(4_u64))
        .add_prefetch(prefetch(words, "sparse"))
        .query(Fusion::Rrf)
        .limit(2);
    assert_eq!(ids(&client.query(query).await?.result), [3, 0]);
    let groups = QueryPointGroupsBuilder::new(&name, "group").query(near).using("dense");
    let groups = client.query_groups(groups.group_size(1_u64)).await?.result.expect("groups");
    let first: Vec<u64> = groups.groups.iter().flat_map(|it| ids(&it.hits)).collect();
    assert_eq!(first, [0, 1]);
    Ok(())
}
