"""Every public method of the official client, over REST and over gRPC, and `migrate`.

A method of a newer client that nothing here calls fails the first test.
"""

import itertools

import grpc
import numpy as np
import pytest
from qdrant_client import QdrantClient
from qdrant_client import grpc as wire
from qdrant_client import models as m
from qdrant_client.http.exceptions import UnexpectedResponse

from conftest import ids
from node import Node

EMBEDDINGS = "is of fastembed, a package beside the client: no node is asked"
# Methods that no test calls, each with the reason.
NOT_CALLED = {
    "get_embedding_size": EMBEDDINGS,
    "list_image_models": EMBEDDINGS,
    "list_late_interaction_multimodal_models": EMBEDDINGS,
    "list_late_interaction_text_models": EMBEDDINGS,
    "list_sparse_models": EMBEDDINGS,
    "list_text_models": EMBEDDINGS,
    "DEFAULT_BATCH_SIZE": "a number",
}
DENSE = m.DenseVectorNameConfig(dense=m.DenseVectorConfig(size=2, distance=m.Distance.DOT))
SOMEWHERE = "http://127.0.0.1:9/a.snapshot"
# Methods that a node refuses by name, so that nobody takes them for done.
REFUSED = {
    "create_full_snapshot": lambda way, name: way.create_full_snapshot(),
    "create_shard_snapshot": lambda way, name: way.create_shard_snapshot(name, 0),
    "create_snapshot": lambda way, name: way.create_snapshot(name),
    "delete_full_snapshot": lambda way, name: way.delete_full_snapshot("a"),
    "delete_shard_snapshot": lambda way, name: way.delete_shard_snapshot(name, 0, "a"),
    "delete_snapshot": lambda way, name: way.delete_snapshot(name, "a"),
    "list_full_snapshots": lambda way, name: way.list_full_snapshots(),
    "list_shard_snapshots": lambda way, name: way.list_shard_snapshots(name, 0),
    "list_snapshots": lambda way, name: way.list_snapshots(name),
    "recover_shard_snapshot": lambda way, name: way.recover_shard_snapshot(name, 0, SOMEWHERE),
    "recover_snapshot": lambda way, name: way.recover_snapshot(name, SOMEWHERE),
}
# Of the client's own memory.
WITHOUT_INDEXES = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")
CASES = {}


def case(function):
    """The case of the method that the function is named after."""
    CASES[function.__name__] = function
    return function


class Watched:
    """A client that knows which of its attributes were used."""

    def __init__(self, client):
        self.client = client
        self.used = set()

    def __getattr__(self, name):
        self.used.add(name)
        return getattr(self.client, name)


@pytest.fixture(params=["REST", "gRPC"])
def way(request, node):
    over_grpc = request.param == "gRPC"
    it = Watched(QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=over_grpc, timeout=60))
    yield it
    it.client.close()


def match(**fields):
    return m.Filter(must=[m.FieldCondition(key=key, match=m.MatchValue(value=value)) for key, value in fields.items()])


def point(i, **more):
    """The larger `i` is, the further is point `i` from [1, 0]; float32 has its numbers exactly."""
    vector = {"d": [1 - i / 8, i / 8], "s": m.SparseVector(indices=[i, 1000], values=[2.0, 1.0])}
    return m.PointStruct(id=i, vector=vector, payload={"n": i, "k": "even" if i % 2 == 0 else "odd"} | more)


def fill(client, name, points=6, **more):
    """A collection with a dense and a sparse vector, payload indexes and points."""
    vectors = {"d": m.VectorParams(size=2, distance=m.Distance.DOT)}
    sparse = {"s": m.SparseVectorParams(modifier=m.Modifier.IDF)}
    client.create_collection(name, vectors_config=vectors, sparse_vectors_config=sparse, **more)
    client.create_payload_index(name, "n", m.PayloadSchemaType.INTEGER)
    client.create_payload_index(name, "k", m.KeywordIndexParams(type="keyword", is_tenant=True))
    if points:
        client.upsert(name, [point(i) for i in range(points)])


def public_methods():
    return {name for name in dir(QdrantClient) if not name.startswith("_")}


def test_every_method_is_called_or_has_a_reason():
    public = {name for name in dir(QdrantClient) if not name.startswith("_")}
    assert sorted(public) == sorted([*CASES, *REFUSED, *NOT_CALLED])


# Collections.


@case
def create_collection(way, client, name):
    assert way.create_collection(f"{name}-2", vectors_config=m.VectorParams(size=3, distance=m.Distance.DOT), shard_number=2)
    assert client.get_collection(f"{name}-2").config.params.shard_number == 2


@case
def recreate_collection(way, client, name):
    with pytest.warns(DeprecationWarning):
        assert way.recreate_collection(name, vectors_config=m.VectorParams(size=3, distance=m.Distance.DOT))
    info = client.get_collection(name)
    assert (info.config.params.vectors.size, info.points_count) == (3, 0)


@case
def get_collection(way, client, name):
    info = way.get_collection(name)
    assert info.points_count == 6 and info.config.params.sparse_vectors["s"].modifier == m.Modifier.IDF
    assert info.payload_schema["k"].params.is_tenant and info.payload_schema["n"].points == 6


@case
def get_collections(way, client, name):
    assert name in [it.name for it in way.get_collections().collections]


@case
def collection_exists(way, client, name):
    assert way.collection_exists(name) and not way.collection_exists(f"{name}-2")


@case
def update_collection(way, client, name):
    assert way.update_collection(
        name, optimizers_config=m.OptimizersConfigDiff(indexing_threshold=7), metadata={"a": 1}, vectors_config={"d": m.VectorParamsDiff(hnsw_config=m.HnswConfigDiff(m=8))}
    )
    config = client.get_collection(name).config
    assert (config.optimizer_config.indexing_threshold, config.metadata, config.params.vectors["d"].hnsw_config.m) == (7, {"a": 1}, 8)


@case
def delete_collection(way, client, name):
    assert way.delete_collection(name)
    assert not client.collection_exists(name)


@case
def update_collection_aliases(way, client, name):
    first = m.CreateAliasOperation(create_alias=m.CreateAlias(collection_name=name, alias_name=f"{name}-a"))
    second = m.RenameAliasOperation(rename_alias=m.RenameAlias(old_alias_name=f"{name}-a", new_alias_name=f"{name}-b"))
    assert way.update_collection_aliases([first, second])
    assert client.count(f"{name}-b").count == 6
    assert way.update_collection_aliases([m.DeleteAliasOperation(delete_alias=m.DeleteAlias(alias_name=f"{name}-b"))])
    assert not client.collection_exists(f"{name}-b")


def alias(client, name):
    operation = m.CreateAliasOperation(create_alias=m.CreateAlias(collection_name=name, alias_name=f"{name}-a"))
    client.update_collection_aliases([operation])
    return m.AliasDescription(alias_name=f"{name}-a", collection_name=name)


@case
def get_aliases(way, client, name):
    made = alias(client, name)
    assert made in way.get_aliases().aliases


@case
def get_collection_aliases(way, client, name):
    made = alias(client, name)
    assert way.get_collection_aliases(name).aliases == [made]


@case
def create_payload_index(way, client, name):
    params = m.TextIndexParams(type="text", tokenizer=m.TokenizerType.WORD, phrase_matching=True)
    assert way.create_payload_index(name, "t", params).status == m.UpdateStatus.COMPLETED
    assert client.get_collection(name).payload_schema["t"].params.phrase_matching


@case
def delete_payload_index(way, client, name):
    assert way.delete_payload_index(name, "n").status == m.UpdateStatus.COMPLETED
    assert set(client.get_collection(name).payload_schema) == {"k"}


@case
def create_vector_name(way, client, name):
    assert way.create_vector_name(name, "later", DENSE).status == m.UpdateStatus.COMPLETED
    client.update_vectors(name, [m.PointVectors(id=4, vector={"later": [1, 1]})])
    assert ids(client.query_points(name, [1.0, 0.0], using="later").points) == [4]


@case
def delete_vector_name(way, client, name):
    assert way.delete_vector_name(name, "s").status == m.UpdateStatus.COMPLETED
    assert not client.get_collection(name).config.params.sparse_vectors
    assert client.retrieve(name, [1], with_vectors=True)[0].vector == {"d": [0.875, 0.125]}


# Points.


@case
def upsert(way, client, name):
    points = [point(2, new=True), point(50, new=True)]
    done = way.upsert(name, points, update_mode=m.UpdateMode.INSERT_ONLY)
    assert done.status == m.UpdateStatus.COMPLETED
    assert ids(client.scroll(name, match(new=True))[0]) == [50]
    way.upsert(name, m.Batch(ids=[51], vectors={"d": [[1, 0]]}, payloads=[{"new": True}]))
    assert ids(client.scroll(name, match(new=True))[0]) == [50, 51]


@case
def upload_points(way, client, name):
    way.upload_points(name, [point(i) for i in range(100, 250)], batch_size=40, wait=True)
    assert client.count(name).count == 156


@case
def upload_collection(way, client, name):
    vectors = {"d": np.eye(2, dtype=np.float32).repeat(50, axis=0)}
    way.upload_collection(name, vectors, payload=({"n": i} for i in itertools.count()), ids=range(100, 200), wait=True)
    assert client.count(name).count == 106
    assert client.retrieve(name, [199], with_vectors=True)[0].vector == {"d": [0, 1]}


@case
def retrieve(way, client, name):
    (found,) = way.retrieve(name, [3, 99], with_vectors=["s"])
    assert found.payload == {"n": 3, "k": "odd"} and found.vector == {"s": m.SparseVector(indices=[3, 1000], values=[2, 1])}


@case
def scroll(way, client, name):
    page, offset = way.scroll(name, match(k="odd"), limit=2)
    assert (ids(page), offset) == ([1, 3], 5)
    page, offset = way.scroll(name, match(k="odd"), limit=2, offset=offset)
    assert (ids(page), offset) == ([5], None)
    page, _ = way.scroll(name, order_by=m.OrderBy(key="n", direction=m.Direction.DESC), limit=2)
    assert ids(page) == [5, 4]


@case
def count(way, client, name):
    assert way.count(name, match(k="odd")).count == 3


@case
def facet(way, client, name):
    hits = way.facet(name, "k", facet_filter=m.Filter(must=[m.FieldCondition(key="n", range=m.Range(gt=0))])).hits
    assert [(it.value, it.count) for it in hits] == [("odd", 3), ("even", 2)]


@case
def update_vectors(way, client, name):
    way.update_vectors(name, [m.PointVectors(id=1, vector={"d": [0, 1]})])
    way.update_vectors(name, [m.PointVectors(id=i, vector={"d": [0, -1]}) for i in (1, 2)], update_filter=match(k="even"))
    found = client.retrieve(name, [1, 2], with_vectors=["d"])
    assert [it.vector["d"] for it in found] == [[0, 1], [0, -1]]


@case
def delete_vectors(way, client, name):
    way.delete_vectors(name, ["s"], match(k="odd"))
    assert client.count(name, m.Filter(must=[m.HasVectorCondition(has_vector="s")])).count == 3


@case
def set_payload(way, client, name):
    way.set_payload(name, {"deep": 1}, match(k="odd"), key="o")
    assert client.retrieve(name, [3])[0].payload == {"n": 3, "k": "odd", "o": {"deep": 1}}


@case
def overwrite_payload(way, client, name):
    way.overwrite_payload(name, {"only": [1.5, None]}, [3])
    assert client.retrieve(name, [3])[0].payload == {"only": [1.5, None]}


@case
def delete_payload(way, client, name):
    way.delete_payload(name, ["n"], [3])
    assert client.retrieve(name, [3])[0].payload == {"k": "odd"}


@case
def clear_payload(way, client, name):
    way.clear_payload(name, match(k="odd"))
    assert [it.payload for it in client.retrieve(name, [1, 2])] == [{}, {"n": 2, "k": "even"}]


@case
def delete(way, client, name):
    way.delete(name, [0, 1])
    way.delete(name, match(k="odd"))
    assert ids(client.scroll(name)[0]) == [2, 4]


@case
def batch_update_points(way, client, name):
    operations = [
        m.UpsertOperation(upsert=m.PointsList(points=[point(9)])),
        m.UpdateVectorsOperation(update_vectors=m.UpdateVectors(points=[m.PointVectors(id=9, vector={"d": [0, 1]})])),
        m.SetPayloadOperation(set_payload=m.SetPayload(payload={"a": 1}, points=[9])),
        m.DeletePayloadOperation(delete_payload=m.DeletePayload(keys=["k"], points=[9])),
        m.DeleteVectorsOperation(delete_vectors=m.DeleteVectors(points=[9], vector=["s"])),
        m.OverwritePayloadOperation(overwrite_payload=m.SetPayload(payload={"b": 1}, points=[1])),
        m.ClearPayloadOperation(clear_payload=m.PointIdsList(points=[2])),
        m.DeleteOperation(delete=m.FilterSelector(filter=match(n=3))),
    ]
    done = way.batch_update_points(name, operations)
    assert [it.status for it in done] == [m.UpdateStatus.COMPLETED] * 8
    found = {it.id: it for it in client.scroll(name, with_vectors=True)[0]}
    assert set(found) == {0, 1, 2, 4, 5, 9} and found[9].vector == {"d": [0, 1]}
    assert [found[i].payload for i in (1, 2, 9)] == [{"b": 1}, {}, {"n": 9, "a": 1}]


# Queries.


@case
def query_points(way, client, name):
    dense = m.Prefetch(query=[1.0, 0.0], using="d", limit=4)
    sparse = m.Prefetch(query=m.SparseVector(indices=[2], values=[1.0]), using="s", limit=4)
    assert ids(way.query_points(name, [1.0, 0.0], using="d", query_filter=match(k="odd"), limit=2).points) == [1, 3]
    fused = way.query_points(name, prefetch=[dense, sparse], query=m.FusionQuery(fusion=m.Fusion.RRF), limit=2).points
    assert ids(fused) == [2, 0]
    assert ids(way.query_points(name, 3, using="d", limit=2, offset=1).points) == [1, 2]
    recommended = m.RecommendQuery(recommend=m.RecommendInput(positive=[5], negative=[0]))
    assert ids(way.query_points(name, recommended, using="d", limit=1).points) == [4]
    assert len(way.query_points(name, m.SampleQuery(sample=m.Sample.RANDOM), limit=3).points) == 3


@case
def query_batch_points(way, client, name):
    answers = way.query_batch_points(name, [m.QueryRequest(query=[1.0, 0.0], using="d", limit=1), m.QueryRequest(query=5, using="d", limit=1)])
    assert [ids(it.points) for it in answers] == [[0], [4]]


@case
def query_points_groups(way, client, name):
    groups = way.query_points_groups(name, "k", query=[1.0, 0.0], using="d", limit=2, group_size=2).groups
    assert [(it.id, ids(it.hits)) for it in groups] == [("even", [0, 2]), ("odd", [1, 3])]


@case
def search_matrix_pairs(way, client, name):
    pairs = way.search_matrix_pairs(name, query_filter=match(k="odd"), using="d", limit=1, sample=10).pairs
    assert [(it.a, it.b) for it in pairs] == [(1, 3), (3, 1), (5, 3)]


@case
def search_matrix_offsets(way, client, name):
    matrix = way.search_matrix_offsets(name, query_filter=match(k="odd"), using="d", limit=1, sample=10)
    assert matrix.ids == [1, 3, 5] and matrix.offsets_row == [0, 1, 2] and len(matrix.scores) == 3


# Shard keys and the cluster.


def by_tenant(client, name):
    fill(client, f"{name}-t", points=0, sharding_method=m.ShardingMethod.CUSTOM)
    return f"{name}-t"


@case
def create_shard_key(way, client, name):
    name = by_tenant(client, name)
    assert way.create_shard_key(name, "acme")
    client.upsert(name, [point(1)], shard_key_selector="acme")
    assert client.count(name, shard_key_selector="acme").count == 1


@case
def list_shard_keys(way, client, name):
    name = by_tenant(client, name)
    client.create_shard_key(name, "acme")
    client.create_shard_key(name, 7)
    assert {it.key for it in way.list_shard_keys(name).shard_keys} == {"acme", 7}


@case
def delete_shard_key(way, client, name):
    name = by_tenant(client, name)
    client.create_shard_key(name, "acme")
    assert way.delete_shard_key(name, "acme")
    assert not client.list_shard_keys(name).shard_keys


@case
def collection_cluster_info(way, client, name):
    info = way.collection_cluster_info(name)
    assert [(it.shard_id, it.state) for it in info.local_shards] == [(0, m.ReplicaState.ACTIVE)]


@case
def cluster_status(way, client, name):
    status = way.cluster_status()
    assert status.status == "enabled" and str(status.peer_id) in status.peers


@case
def cluster_collection_update(way, client, name):
    name = by_tenant(client, name)
    operation = m.CreateShardingKeyOperation(create_sharding_key=m.CreateShardingKey(shard_key="acme"))
    assert way.cluster_collection_update(name, operation)
    assert [it.key for it in client.list_shard_keys(name).shard_keys] == ["acme"]


@case
def recover_current_peer(way, client, name):
    assert way.recover_current_peer()


@case
def remove_peer(way, client, name):
    with pytest.raises(UnexpectedResponse, match="40[0-9]"):
        way.remove_peer(12345)


@case
def cluster_telemetry(way, client, name):
    told = way.cluster_telemetry(details_level=3)
    assert name in told.collections


@case
def get_optimizations(way, client, name):
    found = way.get_optimizations(name, completed_limit=3)
    assert found.summary.queued_optimizations >= 0 and found.completed is not None


# The client itself.


@case
def info(way, client, name):
    assert way.info().version == client.info().version


@case
def http(way, client, name):
    assert way.http.points_api.count_points(name, count_request=m.CountRequest()).result.count == 6


@case
def grpc_points(way, client, name):
    assert way.grpc_points.Count(wire.CountPoints(collection_name=name)).result.count == 6


@case
def grpc_collections(way, client, name):
    assert name in [it.name for it in way.grpc_collections.List(wire.ListCollectionsRequest()).collections]


@case
def init_options(way, client, name):
    assert way.init_options["url"] == client.init_options["url"]


@case
def close(way, client, name):
    assert way.count(name).count == 6
    way.close()
    with pytest.raises(Exception, match="closed"):
        way.count(name)


@case
def migrate(way, client, name):
    other = QdrantClient(":memory:")
    way.migrate(other, [name], batch_size=2)
    assert other.scroll(name, with_vectors=True)[0] == client.scroll(name, with_vectors=True)[0]


@WITHOUT_INDEXES
@pytest.mark.parametrize("method", sorted(CASES))
def test_method(way, client, name, method):
    fill(client, name)
    CASES[method](way, client, name)
    assert method in way.used


@pytest.mark.parametrize("method", sorted(REFUSED))
def test_what_is_not_there_says_so(way, client, name, method):
    fill(client, name)
    with pytest.raises((UnexpectedResponse, grpc.RpcError)) as refused:
        REFUSED[method](way, name)
    text = str(refused.value)
    assert "not supported by this version of Vane" in text
    assert method in way.used


# Between nodes, and to and from the client's own memory.

DOCUMENTS = 150


def fill_with_everything(client, name):
    """Vectors of each kind, payload indexes with parameters, ids of both forms."""
    client.create_collection(
        name,
        vectors_config={
            "cosine": m.VectorParams(size=3, distance=m.Distance.COSINE, hnsw_config=m.HnswConfigDiff(m=8), on_disk=True),
            "bytes": m.VectorParams(size=2, distance=m.Distance.EUCLID, datatype=m.Datatype.UINT8),
            "rows": m.VectorParams(
                size=2, distance=m.Distance.DOT, multivector_config=m.MultiVectorConfig(comparator=m.MultiVectorComparator.MAX_SIM)
            ),
        },
        sparse_vectors_config={"sparse": m.SparseVectorParams(modifier=m.Modifier.IDF), "plain": m.SparseVectorParams()},
        hnsw_config=m.HnswConfigDiff(ef_construct=64),
        optimizers_config=m.OptimizersConfigDiff(indexing_threshold=5000),
        metadata={"made": "for a test"},
    )
    indexes = {
        "n": m.IntegerIndexParams(type="integer", lookup=True, range=True),
        "k": m.KeywordIndexParams(type="keyword", is_tenant=True),
        "t": m.TextIndexParams(type="text", tokenizer=m.TokenizerType.WORD, phrase_matching=True, stopwords=m.Language.ENGLISH),
        "f": m.PayloadSchemaType.FLOAT,
        "g": m.PayloadSchemaType.GEO,
        "b": m.PayloadSchemaType.BOOL,
        "d": m.PayloadSchemaType.DATETIME,
        "u": m.PayloadSchemaType.UUID,
    }
    for field, schema in indexes.items():
        client.create_payload_index(name, field, schema)
    client.upsert(name, [document(i) for i in range(DOCUMENTS)])


def document(i):
    """Some documents lack some of their vectors; numbers are such that float32 has them exactly."""
    uuid = f"00000000-0000-4000-8000-{i:012}"
    vector = {
        "cosine": [[1, 0, 0], [0, 1, 0], [0, 0, 1]][i % 3],
        "bytes": [i, 255 - i],
        "rows": [[i, 1], [2, i]],
        "sparse": m.SparseVector(indices=[i % 7, 100 + i], values=[0.5, 2.0]),
        "plain": m.SparseVector(indices=[3], values=[i + 1]),
    }
    payload = {
        "n": i, "k": f"k{i % 5}", "t": f"the word{i % 9} of a text", "f": i / 4, "g": {"lon": i / 8, "lat": -i / 8}, "b": i % 2 == 0,
        "d": f"2024-01-01T00:00:{i % 60:02}Z", "u": uuid, "deep": {"er": [i, None, "x"]},
    }
    kept = {name: it for at, (name, it) in enumerate(vector.items()) if (i + at) % 6}
    return m.PointStruct(id=uuid if i % 2 else i, vector=kept, payload=payload)


def points_of(client, name):
    points, offset = client.scroll(name, limit=1000, with_vectors=True)
    assert offset is None
    return {it.id: (it.payload, it.vector) for it in points}


def answers_of(client, name):
    """Queries of each kind, each with few equal scores at its end."""
    filters = [
        match(k="k3"),
        m.Filter(must=[m.FieldCondition(key="n", range=m.Range(gte=140))]),
        m.Filter(must=[m.FieldCondition(key="t", match=m.MatchText(text="word4"))]),
        m.Filter(must=[m.FieldCondition(key="g", geo_radius=m.GeoRadius(center=m.GeoPoint(lon=1, lat=-1), radius=50_000.0))]),
        m.Filter(must_not=[m.HasVectorCondition(has_vector="rows")]),
    ]
    queries = [
        {"query": [7.0, 248.0], "using": "bytes", "limit": 3},
        {"query": [[1.0, 5.0]], "using": "rows", "limit": 3},
        {"query": m.SparseVector(indices=[107, 3], values=[1.0, 0.5]), "using": "sparse", "limit": 1},
    ]
    counts = [client.count(name, it).count for it in filters]
    return counts, [[(it.id, pytest.approx(it.score)) for it in client.query_points(name, **query).points] for query in queries]


@pytest.fixture(scope="module")
def other_node(tmp_path_factory):
    with Node(tmp_path_factory.mktemp("other") / "data") as it:
        yield it


@pytest.mark.parametrize(("over_grpc", "into_over_grpc"), [(False, False), (True, True), (True, False)])
def test_a_collection_moves_from_node_to_node(node, other_node, name, over_grpc, into_over_grpc):
    source = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=over_grpc, timeout=60)
    target = QdrantClient(url=other_node.url, grpc_port=other_node.grpc_port, prefer_grpc=into_over_grpc, timeout=60)
    fill_with_everything(source, name)
    source.migrate(target, [name], batch_size=40)
    with pytest.raises(ValueError, match="already exist"):
        source.migrate(target, [name])
    target.delete(name, [0])
    source.migrate(target, [name], recreate_on_collision=True)
    before, after = source.get_collection(name), target.get_collection(name)
    assert (after.config, after.payload_schema) == (before.config, before.payload_schema)
    assert len(points_of(target, name)) == DOCUMENTS and points_of(target, name) == points_of(source, name)
    assert answers_of(target, name) == answers_of(source, name)
    source.close(), target.close()


@WITHOUT_INDEXES
def test_a_collection_moves_from_the_clients_memory_and_back(way, name):
    memory, back = QdrantClient(":memory:"), QdrantClient(":memory:")
    fill_with_everything(memory, name)
    memory.migrate(way.client, [name])
    assert len(points_of(way, name)) == DOCUMENTS and points_of(way, name) == points_of(memory, name)
    way.migrate(back, [name])
    assert points_of(back, name) == points_of(memory, name)
    assert answers_of(way, name) == answers_of(memory, name) == answers_of(back, name)
