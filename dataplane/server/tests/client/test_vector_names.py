"""Vectors that a collection gets and loses, over both doors. After Qdrant's test_named_vector_crud."""

import json
import random
import threading

import grpc
import pytest
from qdrant_client import QdrantClient
from qdrant_client import grpc as wire
from qdrant_client import models as m
from qdrant_client.http.exceptions import UnexpectedResponse

from conftest import ids, wait_green
from node import wait_until

DENSE = m.DenseVectorNameConfig(dense=m.DenseVectorConfig(size=6, distance=m.Distance.DOT))
SPARSE = m.SparseVectorNameConfig(sparse=m.SparseVectorConfig(modifier=m.Modifier.IDF))
MULTI = m.DenseVectorNameConfig(dense=m.DenseVectorConfig(
    size=2, distance=m.Distance.DOT, multivector_config=m.MultiVectorConfig(comparator=m.MultiVectorComparator.MAX_SIM),
))


@pytest.fixture(params=["rest", "grpc"])
def door(request, node):
    it = QdrantClient(node.host, port=node.port, grpc_port=node.grpc_port, prefer_grpc=request.param == "grpc", timeout=60)
    yield it
    it.close()


def made(client, name, **more):
    vectors = {"a": m.VectorParams(size=4, distance=m.Distance.COSINE), "b": m.VectorParams(size=8, distance=m.Distance.COSINE)}
    client.create_collection(name, vectors_config=vectors, **more)


def points(first, last, **vectors):
    return [m.PointStruct(id=i, vector={key: row(i) for key, row in vectors.items()}, payload={"n": i}) for i in range(first, last)]


def row(size):
    return lambda i: [float((i * x) % 97 + 1) / 100 for x in range(size)]


def everything(client, name):
    return client.scroll(name, limit=1000, with_vectors=True)[0]


def refused(call, *arguments):
    """Code and text, as REST or gRPC has them."""
    with pytest.raises((UnexpectedResponse, grpc.RpcError)) as error:
        call(*arguments)
    error = error.value
    if isinstance(error, UnexpectedResponse):
        return error.status_code, error.content.decode()
    return error.code(), error.details()


@pytest.mark.parametrize("indexed", [True, False])
def test_a_name_that_is_made_anew_has_nothing_of_before(door, name, indexed):
    made(door, name, optimizers_config=m.OptimizersConfigDiff(indexing_threshold=10 if indexed else 10_000))
    door.upsert(name, points(0, 200, a=row(4), b=row(8)))
    if indexed:
        wait_green(door, name)
    assert door.delete_vector_name(name, "a").status == m.UpdateStatus.COMPLETED
    assert all(set(it.vector) == {"b"} for it in everything(door, name))
    assert door.create_vector_name(name, "a", DENSE).status == m.UpdateStatus.COMPLETED
    found = everything(door, name)
    assert len(found) == 200 and all(set(it.vector) == {"b"} and it.payload["n"] == it.id for it in found)
    assert door.query_points(name, query=row(6)(1), using="a").points == []
    door.upsert(name, points(0, 50, a=row(6), b=row(8)))
    for _ in range(2):
        found = {it.id: it.vector for it in everything(door, name)}
        assert {i for i, vector in found.items() if "a" in vector} == set(range(50))
        assert all(vector["a"] == pytest.approx(row(6)(i)) for i, vector in found.items() if "a" in vector)
        assert len(door.query_points(name, query=row(6)(1), using="a", limit=500).points) == 50
        assert len(door.query_points(name, query=row(8)(1), using="b", limit=500).points) == 200
        wait_green(door, name)


def test_every_kind_comes_and_goes(door, name):
    made(door, name)
    door.upsert(name, points(0, 20, a=row(4)))
    for vector, config, value, query in (
        ("d", DENSE, row(6), row(6)(3)),
        ("s", SPARSE, lambda i: m.SparseVector(indices=[i, 100], values=[1.0, 2.0]), m.SparseVector(indices=[100], values=[1.0])),
        ("m", MULTI, lambda i: [[1.0, i], [i, 1.0]], [[1.0, 2.0]]),
    ):
        door.create_vector_name(name, vector, config)
        door.create_vector_name(name, vector, config)
        update = [m.PointVectors(id=i, vector={vector: value(i)}) for i in range(10)]
        door.update_vectors(name, update)
        found = door.query_points(name, query=query, using=vector, limit=100, with_vectors=True).points
        assert sorted(ids(found)) == list(range(10)) and all({"a", vector} <= set(it.vector) for it in found)
        has = m.Filter(must=[m.HasVectorCondition(has_vector=vector)])
        assert door.count(name, count_filter=has).count == 10
    params = door.get_collection(name).config.params
    assert set(params.vectors) == {"a", "b", "d", "m"} and params.vectors["m"].multivector_config and params.vectors["d"].size == 6
    assert params.sparse_vectors["s"].modifier == m.Modifier.IDF
    for vector in ("d", "s", "m"):
        has = m.Filter(must=[m.HasVectorCondition(has_vector=vector)])
        door.delete_vector_name(name, vector)
        door.delete_vector_name(name, vector)
        assert door.count(name, count_filter=has).count == 0
        update = [m.PointVectors(id=1, vector={vector: row(6)(1)})]
        for call in (lambda: door.query_points(name, row(6)(1), vector), lambda: door.update_vectors(name, update)):
            code, text = refused(call)
            assert code in (400, grpc.StatusCode.INVALID_ARGUMENT) and "Not existing vector name error: " + vector in text
    params = door.get_collection(name).config.params
    assert set(params.vectors) == {"a", "b"} and not params.sparse_vectors
    assert [set(it.vector) for it in everything(door, name)] == [{"a"}] * 20


NEAR = {"query": [1, 0, 0, 0], "using": "a"}
ASKED = [
    ("query", NEAR),
    ("query", {"query": 1, "using": "a"}),
    ("query", {"query": 1, "using": "b", "lookup_from": {"collection": "{name}", "vector": "a"}}),
    ("query", {"query": {"recommend": {"positive": [1]}}, "using": "a"}),
    ("query", {"query": {"discover": {"target": 1, "context": [{"positive": 2, "negative": 3}]}}, "using": "a"}),
    ("query", {"query": {"context": [{"positive": 2, "negative": 3}]}, "using": "a"}),
    ("query", {"prefetch": [{"prefetch": [NEAR], "query": [1, 0, 0, 0], "using": "b"}], "query": {"fusion": "rrf"}}),
    ("query", {"prefetch": [NEAR], "query": {"formula": "$score"}}),
    ("query/batch", {"searches": [{"query": 1, "using": "b"}, NEAR]}),
    ("query/groups", {**NEAR, "group_by": "n"}),
    ("search", {"vector": {"name": "a", "vector": [1, 0, 0, 0]}, "limit": 1}),
    ("search/batch", {"searches": [{"vector": {"name": "a", "vector": [1, 0, 0, 0]}, "limit": 1}]}),
    ("search/groups", {"vector": {"name": "a", "vector": [1, 0, 0, 0]}, "group_by": "n", "limit": 1, "group_size": 1}),
    ("search/matrix/pairs", {"sample": 3, "limit": 2, "using": "a"}),
    ("recommend", {"positive": [1], "using": "a", "limit": 1}),
    ("discover", {"target": 1, "using": "a", "limit": 1}),
]


def test_whoever_asks_for_a_vector_that_went_is_told_so(node, client, name):
    params = m.VectorParams(size=4, distance=m.Distance.COSINE)
    client.create_collection(name, vectors_config={"a": params, "b": params})
    client.upsert(name, points(0, 20, a=row(4), b=row(4)))

    def ask(operation, body):
        body = json.loads(json.dumps(body).replace("{name}", name))
        status, answer = node.call("POST", f"/collections/{name}/points/{operation}", body)
        return status, answer["status"]

    assert [ask(*asked) for asked in ASKED] == [(200, "ok")] * len(ASKED)
    client.delete_vector_name(name, "a")
    for asked in ASKED:
        status, said = ask(*asked)
        assert status == 400 and "Not existing vector name error: a" in said["error"], (asked, status, said)


def test_the_last_vector_may_go_and_the_first_may_come(door, client, name):
    client.create_collection(name, vectors_config=m.VectorParams(size=4, distance=m.Distance.DOT))
    door.upsert(name, [m.PointStruct(id=1, vector=[1, 2, 3, 4], payload={"k": "v"})])
    wire_client = door._client.grpc_points if door._client._prefer_grpc else None
    if wire_client:
        # A path has no place for the name of the unnamed one.
        wire_client.DeleteVectorName(wire.DeleteVectorNameRequest(collection_name=name, vector_name="", wait=True))
        (point,) = everything(door, name)
        assert point.payload == {"k": "v"} and not point.vector
        dense = wire.DenseVectorCreationConfig(size=3, distance=wire.Distance.Dot)
        wire_client.CreateVectorName(wire.CreateVectorNameRequest(collection_name=name, vector_name="", dense_config=dense))
        door.upsert(name, [m.PointStruct(id=2, vector=[1, 2, 3])])
        assert ids(door.query_points(name, query=[1.0, 1.0, 1.0]).points) == [2]
    door.create_vector_name(name, "x", DENSE)
    door.update_vectors(name, [m.PointVectors(id=1, vector={"x": row(6)(1)})])
    assert ids(door.query_points(name, query=row(6)(1), using="x").points) == [1]
    (point,) = door.retrieve(name, [1], with_vectors=["x"])
    assert point.vector["x"] == pytest.approx(row(6)(1))
    empty = name + "-empty"
    client.create_collection(empty, vectors_config={})
    door.upsert(empty, [m.PointStruct(id=7, vector={}, payload={"n": 7})])
    door.create_vector_name(empty, "first", DENSE)
    door.update_vectors(empty, [m.PointVectors(id=7, vector={"first": row(6)(1)})])
    assert ids(door.query_points(empty, query=row(6)(1), using="first").points) == [7]
    door.delete_vector_name(empty, "first")
    assert [(it.id, it.payload, it.vector or {}) for it in everything(door, empty)] == [(7, {"n": 7}, {})]


def test_what_cannot_be_is_refused_and_changes_nothing(door, name):
    made(door, name, sparse_vectors_config={"s": m.SparseVectorParams()})
    before = door.get_collection(name).config.params
    for vector, config, text in (
        ("a", DENSE, "Vector `a` already exists with a different configuration"),
        ("a", MULTI, "Vector `a` already exists with a different configuration"),
        ("a", SPARSE, "Vector `a` already exists as a dense vector"),
        ("s", DENSE, "Vector `s` already exists as a sparse vector"),
        ("s", SPARSE, "Sparse vector `s` already exists with a different configuration"),
    ):
        code, answered = refused(door.create_vector_name, name, vector, config)
        assert code in (400, grpc.StatusCode.INVALID_ARGUMENT) and text in answered
    for vector in ("x" * 201, "ü" * 101, "a|b", "a:b"):
        for call in (lambda: door.create_vector_name(name, vector, DENSE), lambda: door.delete_vector_name(name, vector)):
            assert refused(call)[0] in (422, grpc.StatusCode.INVALID_ARGUMENT)
    for call in (lambda: door.create_vector_name(name + "x", "v", DENSE), lambda: door.delete_vector_name(name + "x", "v")):
        assert refused(call)[0] in (404, grpc.StatusCode.NOT_FOUND)
    # As they are, however they are tuned.
    door.update_collection(name, vectors_config={"a": m.VectorParamsDiff(on_disk=True)})
    same = m.DenseVectorNameConfig(dense=m.DenseVectorConfig(size=4, distance=m.Distance.COSINE))
    door.create_vector_name(name, "a", same)
    after = door.get_collection(name).config.params
    assert after.vectors["a"].on_disk and set(after.vectors) == set(before.vectors)
    for n in range(3, 64):
        door.create_vector_name(name, f"v{n}", same)
    assert "which is the most" in refused(door.create_vector_name, name, "more", same)[1]


@pytest.mark.parametrize("body, code, text", [
    ({"dense": {"size": 0, "distance": "Cosine"}}, 422, "size"),
    ({"dense": {"size": 65537, "distance": "Cosine"}}, 422, "size"),
    ({"dense": {"size": -1, "distance": "Cosine"}}, 400, "size"),
    ({"dense": {"size": 4}}, 400, "distance"),
    ({"dense": {"size": 4, "distance": "Cosine", "hnsw_config": {}}}, 400, "hnsw_config"),
    ({"dense": {"size": 4, "distance": "Cosine"}, "sparse": {}}, 400, "either"),
    ({"sparse": {"modifier": "bm25"}}, 400, "modifier"),
    ({}, 400, "either"),
    ([], 400, "Format error in JSON body"),
])
def test_a_body_that_makes_no_vector_is_refused(node, client, name, body, code, text):
    made(client, name)
    status, answer = node.call("PUT", f"/collections/{name}/vectors/v?wait=true", body)
    assert (status, text in answer["status"]["error"]) == (code, True), answer
    assert "v" not in client.get_collection(name).config.params.vectors


def test_an_alias_names_the_collection_and_wait_the_word_of_the_answer(node, client, name):
    made(client, name)
    alias = f"alias-{name}"
    client.update_collection_aliases([m.CreateAliasOperation(create_alias=m.CreateAlias(collection_name=name, alias_name=alias))])
    for wait, word in (("true", "completed"), ("false", "acknowledged")):
        path = f"/collections/{alias}/vectors/v%20{wait}?wait={wait}"
        status, answer = node.call("PUT", path, {"sparse": {}})
        assert (status, answer["result"]["status"]) == (200, word) and answer["result"]["operation_id"] > 0
        assert f"v {wait}" in client.get_collection(name).config.params.sparse_vectors
        status, answer = node.call("DELETE", path)
        assert (status, answer["result"]["status"]) == (200, word)


def test_files_and_figures_of_a_vector_go_with_it(own_node, name):
    node = own_node.start()
    client = QdrantClient(url=node.url, timeout=60)
    made(client, name, optimizers_config=m.OptimizersConfigDiff(indexing_threshold=1))
    client.upsert(name, points(0, 500, a=row(4), b=row(8)))
    wait_green(client, name)
    vectors = lambda: sum(1 for _ in (node.data_dir / "shards").glob("*/v*"))
    count = lambda: client.get_collection(name).indexed_vectors_count
    assert (vectors(), count()) == (2, 1000)
    client.delete_vector_name(name, "a")
    assert count() == 500
    wait_until(lambda: vectors() == 1, "the files to go")
    wait_green(client, name)
    client.create_vector_name(name, "a", DENSE)
    client.upsert(name, points(0, 20, a=row(6), b=row(8)))
    before = [(it.id, sorted(it.vector)) for it in everything(client, name)]
    # Once cleanly, once not.
    for end in (node.stop, node.kill):
        end()
        node.start()
        assert [(it.id, sorted(it.vector)) for it in everything(client, name)] == before
        assert len(client.query_points(name, query=row(6)(1), using="a", limit=500).points) == 20
    client.close()


def test_writers_and_readers_go_on_while_vectors_come_and_go(client, node, name):
    """Every answered write is there, unless its vector went; every refusal says that it did."""
    made(client, name, shard_number=2, optimizers_config=m.OptimizersConfigDiff(indexing_threshold=10))
    client.upsert(name, points(0, 300, a=row(4), b=row(8)))
    stop, wrong = threading.Event(), []

    def write(seed):
        draw, own = random.Random(seed), QdrantClient(url=node.url, timeout=60)
        while not stop.is_set():
            first = draw.randrange(280)
            try:
                own.upsert(name, points(first, first + 20, b=row(8), x=row(6)))
            except UnexpectedResponse as error:
                text = error.content.decode()
                if "Not existing vector name" not in text and "made anew" not in text:
                    wrong.append(text)

    def read():
        own = QdrantClient(url=node.url, timeout=60)
        while not stop.is_set():
            found = own.query_points(name, query=row(8)(1), using="b", limit=500, with_vectors=True).points
            if len(found) != 300 or any("b" not in it.vector for it in found):
                wrong.append(f"{len(found)} points")

    threads = [threading.Thread(target=write, args=(seed,)) for seed in (1, 2)] + [threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        client.create_vector_name(name, "x", DENSE)
        client.upsert(name, points(0, 50, b=row(8), x=row(6)))
        assert all("x" in it.vector for it in client.retrieve(name, list(range(50)), with_vectors=True))
        client.delete_vector_name(name, "x")
        assert not any("x" in it.vector for it in everything(client, name))
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
    assert {it.id for it in everything(client, name)} == set(range(300))
