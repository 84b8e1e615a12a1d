"""`points/search`, which older clients call and newer ones no longer have: queries in other words."""

import numpy as np
import pytest
from qdrant_client import models as m

N, DIM = 300, 32
ROWS = np.random.default_rng(17).normal(size=(N, DIM)).astype(np.float32)
QUERY = np.random.default_rng(18).normal(size=DIM).astype(np.float32).tolist()
SHORT = [0.5, 1.5, 2.5]
FILTER = {"must": [{"key": "group", "match": {"value": 3}}]}


@pytest.fixture(scope="module")
def loaded(client):
    """Points with an unnamed vector and one named `b`, in two shards."""
    name = "searches"
    vectors = {"": m.VectorParams(size=DIM, distance=m.Distance.DOT), "b": m.VectorParams(size=3, distance=m.Distance.EUCLID)}
    client.create_collection(name, vectors_config=vectors, shard_number=2)
    point = lambda i: m.PointStruct(id=i, vector={"": ROWS[i].tolist(), "b": ROWS[i][:3].tolist()}, payload={"group": i % 10})
    client.upsert(name, [point(i) for i in range(N)])
    return name


def ask(node, name, what, body):
    return node.call("POST", f"/collections/{name}/points/{what}", body)


MORE = [
    {"limit": 5},
    {"limit": 5, "offset": 3, "params": {"exact": True, "hnsw_ef": 64}},
    {"limit": 7, "filter": FILTER, "with_payload": True, "with_vector": ["b"]},
    {"limit": 999_999_999, "with_vectors": True},
    {"limit": 300, "score_threshold": 1.25},
]


@pytest.mark.parametrize("more", MORE, ids=range(len(MORE)))
@pytest.mark.parametrize("using,vector", [(None, QUERY), ("b", SHORT)])
def test_a_search_answers_the_list_of_the_query(node, loaded, using, vector, more):
    query = {"query": vector} | ({"using": using} if using else {})
    status, answer = ask(node, loaded, "query", query | more)
    assert status == 200 and answer["result"]["points"], answer
    searched = {"name": using, "vector": vector} if using else vector
    assert ask(node, loaded, "search?timeout=30&consistency=majority", {"vector": searched} | more)[1]["result"] == answer["result"]["points"]


def test_a_batch_answers_a_list_for_each(node, loaded):
    searches = [{"vector": QUERY, "limit": 3}, {"vector": {"name": "b", "vector": SHORT}, "limit": 2, "with_payload": True}]
    status, answer = ask(node, loaded, "search/batch", {"searches": searches})
    assert (status, answer["result"]) == (200, [ask(node, loaded, "search", it)[1]["result"] for it in searches])
    assert [len(it) for it in answer["result"]] == [3, 2]
    assert set(answer["result"][0][0]) == {"id", "version", "score"}
    assert ask(node, loaded, "search/batch", {"searches": []})[1]["result"] == []


def test_a_score_that_equals_the_threshold_is_not_better(node, loaded):
    for vector in (QUERY, {"name": "b", "vector": SHORT}):
        found = ask(node, loaded, "search", {"vector": vector, "limit": 5})[1]["result"]
        body = {"vector": vector, "limit": 5, "score_threshold": found[3]["score"]}
        assert ask(node, loaded, "search", body)[1]["result"] == found[:3]


def test_a_search_of_one_tenant(node, client, name):
    client.create_collection(name, vectors_config=m.VectorParams(size=2, distance=m.Distance.DOT), sharding_method=m.ShardingMethod.CUSTOM)
    for key in ("a", "b"):
        client.create_shard_key(name, key)
        client.upsert(name, [m.PointStruct(id=i, vector=[i, 1]) for i in range(3)], shard_key_selector=key)
    search = {"vector": [1, 0], "limit": 9, "shard_key": "b"}
    found = ask(node, name, "search", search)[1]["result"]
    assert [(it["id"], it["shard_key"]) for it in found] == [(2, "b"), (1, "b"), (0, "b")]
    assert ask(node, name, "search/batch", {"searches": [search]})[1]["result"] == [found]


REFUSED = [
    ({"vector": QUERY}, 400, "missing field `limit`"),
    ({"limit": 1}, 400, "vector"),
    ({"vector": QUERY, "limit": 0}, 422, "limit"),
    ({"vector": QUERY[1:], "limit": 1}, 400, "dimension"),
    ({"vector": {"name": "c", "vector": SHORT}, "limit": 1}, 400, "Not existing vector name error: c"),
    ({"vector": {"name": "b", "vector": {"indices": [1], "values": [1]}}, "limit": 1}, 400, "a sparse vector"),
]


@pytest.mark.parametrize("body,status,named", REFUSED, ids=range(len(REFUSED)))
def test_what_is_wrong_is_named(node, loaded, body, status, named):
    for what, sent in (("search", body), ("search/batch", {"searches": [body]})):
        got, answer = ask(node, loaded, what, sent)
        assert (got, named in answer["status"]["error"]) == (status, True), answer
