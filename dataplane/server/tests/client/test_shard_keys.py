"""Custom sharding: points of tenants, under the official client."""

import random

import pytest
from qdrant_client import models as m
from qdrant_client.http.exceptions import UnexpectedResponse

from conftest import create, wait_green

TENANTS = ["acme", "zoo", 7, "7"]


@pytest.fixture
def by_tenant(client, name):
    """Four tenants with ten points each, all of them numbered from 0."""
    create(client, name, distance=m.Distance.EUCLID, sharding_method=m.ShardingMethod.CUSTOM, shard_number=4)
    for n, key in enumerate(TENANTS):
        assert client.create_shard_key(name, key)
        client.upsert(name, [point(n, i) for i in range(10)], shard_key_selector=key)
    return name


def point(tenant, i):
    return m.PointStruct(id=i, vector=[float(i), float(tenant), 0, 1], payload={"i": i, "tenant": tenant})


def refused(status, text, call):
    with pytest.raises(UnexpectedResponse) as failed:
        call()
    assert failed.value.status_code == status, failed.value
    assert text in failed.value.content.decode(), failed.value


def everything(client, name, limit, **how):
    found, offset = [], None
    while True:
        records, offset = client.scroll(name, limit=limit, offset=offset, **how)
        found += records
        if offset is None:
            return found


def test_each_tenant_has_ids_of_its_own(client, by_tenant):
    assert client.get_collection(by_tenant).config.params.sharding_method == m.ShardingMethod.CUSTOM
    assert {it.key for it in client.list_shard_keys(by_tenant).shard_keys} == set(TENANTS)
    for n, key in enumerate(TENANTS):
        [one] = client.retrieve(by_tenant, [3], shard_key_selector=key)
        assert (one.payload["tenant"], one.shard_key) == (n, key)
        assert client.count(by_tenant, shard_key_selector=key).count == 10
        assert [it.id for it in everything(client, by_tenant, 3, shard_key_selector=key)] == list(range(10))
        found = client.query_points(by_tenant, query=[2.2, 0, 0, 1], limit=3, shard_key_selector=key).points
        assert [(it.id, it.shard_key) for it in found] == [(2, key), (3, key), (1, key)]
        nearest = client.query_points(by_tenant, query=5, limit=1, shard_key_selector=key).points
        assert [it.shard_key for it in nearest] == [key] and nearest[0].id in (4, 6)
    client.set_payload(by_tenant, {"new": True}, points=[3], shard_key_selector="zoo")
    client.delete(by_tenant, m.Filter(must=[m.FieldCondition(key="i", range=m.Range(gte=8))]), shard_key_selector="acme")
    client.delete(by_tenant, [0], shard_key_selector=7)
    counts = [client.count(by_tenant, shard_key_selector=key).count for key in TENANTS]
    assert counts == [8, 10, 9, 10]
    new = m.Filter(must=[m.FieldCondition(key="new", match=m.MatchValue(value=True))])
    assert [it.shard_key for it in everything(client, by_tenant, 9, scroll_filter=new)] == ["zoo"]


def test_without_a_key_reads_are_of_all_tenants_and_writes_refused(client, by_tenant):
    assert client.count(by_tenant).count == 40
    assert sorted(str(it.shard_key) for it in client.retrieve(by_tenant, [3])) == sorted(map(str, TENANTS))
    for limit in (3, 10, 39, 40):
        found = everything(client, by_tenant, limit)
        assert len({(it.id, it.shard_key, type(it.shard_key)) for it in found}) == len(found) == 40
    has_id = m.Filter(must=[m.HasIdCondition(has_id=[1, 2])])
    assert client.count(by_tenant, count_filter=has_id).count == 8
    assert client.count(by_tenant, count_filter=has_id, shard_key_selector=["acme", 7]).count == 4
    found = client.query_points(by_tenant, query=[2, 0, 0, 1], limit=40).points
    assert len({(it.id, str(it.shard_key), type(it.shard_key)) for it in found}) == 40
    refused(400, "Shard key not specified", lambda: client.upsert(by_tenant, [point(0, 1)]))
    refused(400, "Shard key not specified", lambda: client.delete(by_tenant, [1]))
    refused(400, "Shard key not specified", lambda: client.query_points(by_tenant, query=1))


def test_a_page_goes_on_only_where_it_came_from(client, by_tenant, name):
    _, offset = client.scroll(by_tenant, limit=3, shard_key_selector=["acme", "zoo"])
    assert isinstance(offset, str)
    goes_on = lambda collection, **how: client.scroll(collection, limit=3, offset=offset, **how)
    assert len(goes_on(by_tenant, shard_key_selector=["acme", "zoo"])[0]) == 3
    refused(400, "offset", lambda: goes_on(by_tenant, shard_key_selector="zoo"))
    plain = f"{name}-plain"
    create(client, plain)
    refused(400, "offset", lambda: goes_on(plain))
    refused(400, "offset", lambda: client.scroll(by_tenant, limit=3, offset=5))


def test_several_keys_and_a_fallback(client, by_tenant):
    both = ["acme", "zoo"]
    assert client.count(by_tenant, shard_key_selector=both).count == 20
    client.upsert(by_tenant, [point(9, 50)], shard_key_selector=both)
    assert sorted(it.shard_key for it in client.retrieve(by_tenant, [50])) == both
    fallback = m.ShardKeyWithFallback(target="none", fallback="zoo")
    assert client.count(by_tenant, shard_key_selector=fallback).count == 11
    neither = m.ShardKeyWithFallback(target="none", fallback="nor")
    refused(404, "Neither target shard key none nor", lambda: client.count(by_tenant, shard_key_selector=neither))
    refused(404, "Shard key none not found", lambda: client.count(by_tenant, shard_key_selector="none"))


def test_examples_are_points_of_the_tenant_that_is_named(client, by_tenant):
    like = m.RecommendQuery(recommend=m.RecommendInput(positive=[2], negative=[9], strategy=m.RecommendStrategy.BEST_SCORE))
    found = client.query_points(by_tenant, query=like, limit=20, shard_key_selector="zoo", with_payload=True).points
    assert {it.payload["tenant"] for it in found} == {1} and {it.id for it in found} == set(range(10)) - {2, 9}
    refused(400, "Shard key not specified", lambda: client.query_points(by_tenant, query=like))
    # Another tenant's point is an example here, and stands in nobody's way.
    place = m.LookupLocation(collection=by_tenant, shard_key="acme")
    found = client.query_points(by_tenant, query=like, lookup_from=place, limit=20, shard_key_selector="zoo").points
    assert {it.id for it in found} == set(range(10)) and found[0].id == 2
    refused(404, "Shard key nope not found", lambda: client.query_points(by_tenant, query=like, lookup_from=m.LookupLocation(collection=by_tenant, shard_key="nope")))


def test_batches_name_their_keys_one_by_one(client, by_tenant, node):
    queries = [m.QueryRequest(query=[1, 0, 0, 1], limit=1, shard_key=key) for key in TENANTS]
    found = client.query_batch_points(by_tenant, queries)
    assert [it.points[0].id for it in found] == [1] * 4
    operations = [
        {"delete": {"points": [1], "shard_key": "acme"}},
        {"upsert": {"points": [{"id": 77, "vector": [1, 1, 1, 1]}], "shard_key": 7}},
    ]
    assert node.call("POST", f"/collections/{by_tenant}/points/batch?wait=true", {"operations": operations})[0] == 200
    assert [client.count(by_tenant, shard_key_selector=key).count for key in TENANTS] == [9, 10, 11, 10]
    fused = client.query_points(
        by_tenant,
        prefetch=[m.Prefetch(query=[0, 0, 0, 1], limit=4), m.Prefetch(query=[9, 0, 0, 1], limit=4)],
        query=m.FusionQuery(fusion=m.Fusion.RRF),
        limit=8,
        with_payload=True,
        shard_key_selector="zoo",
    ).points
    assert {it.shard_key for it in fused} == {"zoo"} and all(it.payload["tenant"] == 1 for it in fused)


def test_a_key_goes_with_its_points_and_comes_again_empty(client, by_tenant):
    assert client.delete_shard_key(by_tenant, "acme")
    refused(404, "Shard key acme not found", lambda: client.delete_shard_key(by_tenant, "acme"))
    refused(404, "Shard key acme not found", lambda: client.upsert(by_tenant, [point(0, 1)], shard_key_selector="acme"))
    assert client.count(by_tenant).count == 30
    assert client.create_shard_key(by_tenant, "acme", shards_number=1, replication_factor=1)
    assert client.count(by_tenant, shard_key_selector="acme").count == 0
    client.upsert(by_tenant, [point(0, 1)], shard_key_selector="acme")
    assert client.count(by_tenant).count == 31


def test_what_cannot_be_is_refused(client, by_tenant, node, name):
    refused(400, "already exists", lambda: client.create_shard_key(by_tenant, "zoo"))
    refused(400, "characters", lambda: client.create_shard_key(by_tenant, "x" * 256))
    refused(400, "not supported", lambda: client.create_shard_key(by_tenant, "p", placement=[1]))
    refused(400, "`shards_number: 3` of a shard key", lambda: client.create_shard_key(by_tenant, "p", shards_number=3))
    refused(400, "that of the collection, 1", lambda: client.create_shard_key(by_tenant, "p", replication_factor=2))
    plain = f"{name}-plain"
    create(client, plain)
    refused(400, "Auto sharding method", lambda: client.create_shard_key(plain, "a"))
    refused(404, "not found", lambda: client.count(plain, shard_key_selector="a"))
    assert client.list_shard_keys(plain).shard_keys in (None, [])
    for key in ([], {}, 1.5, True, [["a"]]):
        status, answer = node.call("POST", f"/collections/{by_tenant}/points/count", {"shard_key": key})
        assert (status, "shard_key" in answer["status"]["error"]) == (400, True), answer


def test_tenants_are_told_apart_in_graphs_too(client, name):
    """Large enough for graphs; tenants of very unequal size."""
    create(client, name, size=8, distance=m.Distance.EUCLID, sharding_method=m.ShardingMethod.CUSTOM,
           optimizers_config=m.OptimizersConfigDiff(indexing_threshold=10))
    draw = random.Random(7)
    vectors = {key: [[draw.random() for _ in range(8)] for _ in range(size)] for key, size in (("large", 3000), ("small", 40))}
    for key, rows in vectors.items():
        client.create_shard_key(name, key)
        client.upload_points(name, [m.PointStruct(id=i, vector=row) for i, row in enumerate(rows)],
                             shard_key_selector=key, wait=True)
    wait_green(client, name)
    for key, rows in vectors.items():
        for query in ([draw.random() for _ in range(8)] for _ in range(20)):
            far = lambda i: sum((a - b) ** 2 for a, b in zip(rows[i], query))
            expected = sorted(range(len(rows)), key=far)[:10]
            found = client.query_points(name, query=query, limit=10, shard_key_selector=key).points
            assert {it.shard_key for it in found} == {key}
            assert len({it.id for it in found} & set(expected)) >= 9
