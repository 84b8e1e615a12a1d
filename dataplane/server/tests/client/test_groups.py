"""Queries by groups, over both doors, against numpy."""

import numpy as np
import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m

from conftest import ids

N, DIM = 600, 8
ROWS = np.random.default_rng(27).normal(size=(N, DIM)).astype(np.float32)
QUERY = np.random.default_rng(28).normal(size=DIM).astype(np.float32)
SCORES = ROWS @ QUERY
ORDER = np.argsort(-SCORES)
EXACT = m.SearchParams(exact=True)


def payload(i):
    """Documents of twenty parts, a large one that is nearest of all, and parts of none."""
    place = int(np.where(ORDER == i)[0][0])
    if i % 50 == 7:
        return {"doc": [1.5, True]} if i % 100 == 7 else {}
    doc = "large" if place < 250 and place % 5 else i // 20 if i % 2 else f"d{i // 20}"
    return {"doc": doc, "n": i, "tags": [{"name": i % 3}, {"name": i % 4}]}


PAYLOADS = [payload(i) for i in range(N)]


@pytest.fixture(scope="module", params=["rest", "grpc"])
def door(node, request):
    it = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=request.param == "grpc", timeout=60)
    yield it
    it.close()


@pytest.fixture(scope="module")
def loaded(client):
    name = "groups"
    client.create_collection(name, vectors_config=m.VectorParams(size=DIM, distance=m.Distance.DOT), shard_number=3)
    client.upsert(name, m.Batch(ids=list(range(N)), vectors=ROWS.tolist(), payloads=PAYLOADS))
    return name


def expected(values_of, groups, size, among=range(N)):
    """The best groups as they are defined: every point in order, into the group of each of its values."""
    found = {}
    for i in (int(i) for i in ORDER if i in set(among)):
        for value in dict.fromkeys(values_of(PAYLOADS[i])):
            found.setdefault(value, []).append(i)
    return [(value, hits[:size]) for value, hits in list(found.items())[:groups]]


def doc(payload):
    return [payload["doc"]] if isinstance(payload.get("doc"), (int, str)) else []


def tags(payload):
    return [it["name"] for it in payload.get("tags", [])]


def shown(answer):
    return [(it.id, ids(it.hits)) for it in answer.groups]


@pytest.mark.parametrize("groups,size", [(1, 1), (3, 2), (10, 3), (40, 12), (1000, 1000)])
def test_groups_are_those_of_the_definition(door, loaded, groups, size):
    found = door.query_points_groups(loaded, "doc", query=QUERY.tolist(), limit=groups, group_size=size, search_params=EXACT)
    truth = expected(doc, groups, size)
    assert shown(found) == truth
    assert groups < 10 or "large" in dict(truth), "it takes most of the first round"
    scores = [[hit.score for hit in it.hits] for it in found.groups]
    assert np.allclose(np.concatenate(scores), np.concatenate([SCORES[hits] for _, hits in truth]), atol=1e-5)


def test_a_point_is_in_the_group_of_each_of_its_values(door, loaded):
    found = door.query_points_groups(loaded, "tags[].name", query=QUERY.tolist(), limit=9, group_size=5, search_params=EXACT)
    assert sorted(shown(found)) == sorted(expected(tags, 9, 5))


def test_filters_thresholds_and_selectors_hold(door, loaded):
    low = m.Filter(must=[m.FieldCondition(key="n", range=m.Range(lt=200))])
    how = {"query": QUERY.tolist(), "limit": 30, "group_size": 4, "search_params": EXACT}
    found = door.query_points_groups(loaded, "doc", query_filter=low, with_payload=["n"], with_vectors=True, **how)
    assert shown(found) == expected(doc, 30, 4, among=range(200))
    assert all(hit.payload == {"n": hit.id} and len(hit.vector) == DIM for it in found.groups for hit in it.hits)
    bare = door.query_points_groups(loaded, "doc", query_filter=low, with_payload=False, **how)
    assert shown(bare) == shown(found)
    assert all((hit.payload or None, hit.vector) == (None, None) for it in bare.groups for hit in it.hits)
    close = door.query_points_groups(loaded, "doc", score_threshold=1.0, **how)
    assert shown(close) == expected(doc, 30, 4, among=np.where(SCORES > 1.0)[0])
    assert door.query_points_groups(loaded, "nope", **how).groups == []


def test_prefetches_are_fused_and_then_grouped(door, loaded):
    parts = [m.Prefetch(query=it.tolist(), limit=20, params=EXACT) for it in (QUERY, ROWS[3])]
    fused = m.FusionQuery(fusion=m.Fusion.RRF)
    found = door.query_points_groups(loaded, "doc", prefetch=parts, query=fused, limit=4, group_size=2)
    assert len(found.groups) == 4 and all(1 <= len(it.hits) <= 2 for it in found.groups)
    best = [it.hits[0].score for it in found.groups]
    assert best == sorted(best, reverse=True)
    by_id = door.query_points_groups(loaded, "doc", query=3, limit=5, search_params=EXACT)
    assert 3 not in [hit.id for it in by_id.groups for hit in it.hits]


def test_a_search_by_groups_is_the_query(node, client, loaded):
    more = {"group_by": "doc", "group_size": 2, "limit": 6, "params": {"exact": True}}
    path = f"/collections/{loaded}/points"
    query = node.call("POST", f"{path}/query/groups", {"query": QUERY.tolist(), **more})[1]["result"]
    status, answer = node.call("POST", f"{path}/search/groups", {"vector": QUERY.tolist(), **more})
    assert (status, answer["result"]) == (200, query) and len(query["groups"]) == 6
    assert set(query["groups"][0]) == {"id", "hits"}
    for left_out in ("group_by", "group_size", "limit"):
        body = {key: it for key, it in more.items() if key != left_out} | {"vector": QUERY.tolist()}
        status, answer = node.call("POST", f"{path}/search/groups", body)
        assert (status, left_out in answer["status"]["error"]) == (400, True), answer


def test_groups_of_one_tenant(door, client, name):
    client.create_collection(name, vectors_config=m.VectorParams(size=2, distance=m.Distance.EUCLID), sharding_method=m.ShardingMethod.CUSTOM)
    for key in ("a", "b"):
        client.create_shard_key(name, key)
        client.upsert(name, [m.PointStruct(id=i, vector=[i, 1], payload={"k": i % 2}) for i in range(6)], shard_key_selector=key)
    found = door.query_points_groups(name, "k", query=[0, 1], limit=2, group_size=2, shard_key_selector="b", with_payload=True)
    assert shown(found) == [(0, [0, 2]), (1, [1, 3])]
    assert {hit.shard_key for it in found.groups for hit in it.hits} == {"b"}


def test_groups_come_with_the_points_that_they_are_named_after(door, client, loaded, name):
    client.create_collection(name, vectors_config=m.VectorParams(size=2, distance=m.Distance.DOT), shard_number=2)
    client.upsert(name, [m.PointStruct(id=i, vector=[i, 1], payload={"title": f"t{i}", "x": 1}) for i in range(0, 30, 2)])
    how = {"query": QUERY.tolist(), "limit": 40, "group_size": 2, "search_params": EXACT}
    plain = door.query_points_groups(loaded, "doc", **how)
    found = door.query_points_groups(loaded, "doc", with_lookup=name, **how)
    assert shown(found) == shown(plain)
    is_there = lambda value: isinstance(value, int) and value % 2 == 0
    assert {is_there(it.id) for it in found.groups} == {True, False}
    for it in found.groups:
        payload = {"title": f"t{it.id}", "x": 1} if is_there(it.id) else None
        assert (it.lookup and it.lookup.payload, it.lookup and it.lookup.id) == (payload, it.id if payload else None)
    lookup = m.WithLookup(collection=name, with_payload=["title"], with_vectors=True)
    found = door.query_points_groups(loaded, "doc", with_lookup=lookup, **how)
    looked_up = [it for it in found.groups if it.lookup]
    assert looked_up and all((it.lookup.payload, it.lookup.vector) == ({"title": f"t{it.id}"}, [it.id, 1]) for it in looked_up)
    with pytest.raises(Exception, match="nowhere"):
        door.query_points_groups(loaded, "doc", with_lookup="nowhere", **how)


def test_a_point_of_a_full_group_is_found_for_another(client, name):
    client.create_collection(name, vectors_config=m.VectorParams(size=2, distance=m.Distance.DOT), shard_number=2)
    near = [m.PointStruct(id=i, vector=[1, 1], payload={"k": ["a"]}) for i in range(100)]
    far = [m.PointStruct(id=100 + i, vector=[1, 0], payload={"k": ["a", "b"]}) for i in range(10)]
    client.upsert(name, near + far)
    groups = client.query_points_groups(name, "k", query=[1.0, 1.0], limit=2, group_size=2).groups
    assert [(it.id, len(it.hits)) for it in groups] == [("a", 2), ("b", 2)]
    assert [hit.id >= 100 for hit in groups[1].hits] == [True, True]
