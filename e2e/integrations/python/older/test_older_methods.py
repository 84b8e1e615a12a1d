"""What clients up to 1.15 had and later ones have not, over REST and gRPC."""

import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m

ODD = m.Filter(must=[m.FieldCondition(key="k", match=m.MatchValue(value="odd"))])


@pytest.fixture(params=[False, True], ids=["REST", "gRPC"])
def client(request, node):
    it = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=request.param, check_compatibility=False)
    yield it
    it.close()


@pytest.fixture
def filled(client, name):
    """Point `i` is the further from [1, 0] the larger `i` is."""
    client.create_collection(
        name,
        vectors_config={"d": m.VectorParams(size=2, distance=m.Distance.DOT)},
        sparse_vectors_config={"s": m.SparseVectorParams()},
    )
    client.create_payload_index(name, "k", m.PayloadSchemaType.KEYWORD)
    points = [
        m.PointStruct(
            id=i,
            vector={"d": [1 - i / 8, i / 8], "s": m.SparseVector(indices=[i], values=[1.0])},
            payload={"n": i, "k": "odd" if i % 2 else "even"},
        )
        for i in range(6)
    ]
    client.upsert(name, points)
    return name


def ids(points):
    return [it.id for it in points]


def test_search(client, filled):
    near = m.NamedVector(name="d", vector=[1.0, 0.0])
    found = client.search(filled, near, query_filter=ODD, limit=2, with_vectors=["d"])
    assert ids(found) == [1, 3] and found[0].payload["n"] == 1 and found[0].vector == {"d": [0.875, 0.125]}
    assert ids(client.search(filled, ("d", [1.0, 0.0]), score_threshold=0.75, offset=1)) == [1]
    sparse = m.NamedSparseVector(name="s", vector=m.SparseVector(indices=[4], values=[2.0]))
    assert [(it.id, it.score) for it in client.search(filled, sparse)] == [(4, 2.0)]
    batch = client.search_batch(filled, [m.SearchRequest(vector=near, limit=1), m.SearchRequest(vector=sparse, limit=1)])
    assert [ids(it) for it in batch] == [[0], [4]]
    groups = client.search_groups(filled, near, group_by="k", limit=2, group_size=2).groups
    assert [(it.id, ids(it.hits)) for it in groups] == [("even", [0, 2]), ("odd", [1, 3])]


def test_recommend_and_discover(client, filled):
    assert ids(client.recommend(filled, positive=[5], negative=[0], using="d", limit=2)) == [4, 3]
    best = client.recommend(filled, positive=[[1.0, 0.0]], using="d", strategy=m.RecommendStrategy.BEST_SCORE, limit=1)
    assert ids(best) == [0]
    batch = client.recommend_batch(filled, [m.RecommendRequest(positive=[5], using="d", limit=1)])
    assert [ids(it) for it in batch] == [[4]]
    groups = client.recommend_groups(filled, group_by="k", positive=[5], negative=[0], using="d", limit=2, group_size=1).groups
    assert [ids(it.hits) for it in groups] == [[4], [3]]
    context = [m.ContextExamplePair(positive=4, negative=1)]
    assert set(ids(client.discover(filled, target=5, context=context, using="d", limit=10))) == {0, 2, 3}
    batch = client.discover_batch(filled, [m.DiscoverRequest(context=context, using="d", limit=10)])
    assert set(ids(batch[0])) == {0, 2, 3, 5}


def test_uploads(client, filled):
    # They were its names before `upload_points` and `query_points`.
    client.upload_points(filled, [m.PointStruct(id=i, vector={"d": [0, 0]}) for i in range(100, 150)], wait=True)
    assert client.count(filled).count == 56
    client.upload_collection(filled, vectors=[{"d": [0.0, 0.0]}] * 3, ids=[200, 201, 202], wait=True)
    assert client.count(filled).count == 59
