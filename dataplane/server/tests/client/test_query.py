"""Searches through the official client, against numpy."""

import numpy as np
import pytest
from qdrant_client import models as m
from qdrant_client.http.exceptions import UnexpectedResponse

from conftest import create, ids, wait_green

N, DIM = 1200, 16
ROWS = np.random.default_rng(7).normal(size=(N, DIM)).astype(np.float32)
QUERY = np.random.default_rng(8).normal(size=DIM).astype(np.float32)


def scores(distance):
    if distance == m.Distance.COSINE:
        return ROWS @ QUERY / np.linalg.norm(ROWS, axis=1) / np.linalg.norm(QUERY)
    if distance == m.Distance.DOT:
        return ROWS @ QUERY
    return -np.linalg.norm(ROWS - QUERY, axis=1)


@pytest.fixture(scope="module")
def loaded(client):
    name = "queries"
    config = m.OptimizersConfigDiff(indexing_threshold=10)
    create(client, name, size=DIM, optimizers_config=config)
    payloads = [{"n": i, "group": i % 10, "nested": {"a": i, "b": 1}} for i in range(N)]
    client.upsert(name, m.Batch(ids=list(range(N)), vectors=ROWS.tolist(), payloads=payloads))
    wait_green(client, name)
    assert client.get_collection(name).indexed_vectors_count == N, "the searches below walk a graph"
    return name


@pytest.mark.parametrize("distance", [m.Distance.COSINE, m.Distance.DOT, m.Distance.EUCLID])
def test_scores_are_those_of_the_definition(client, name, distance):
    create(client, name, size=DIM, distance=distance)
    client.upsert(name, m.Batch(ids=list(range(N)), vectors=ROWS.tolist()))
    found = client.query_points(name, query=QUERY.tolist(), limit=20).points
    truth = scores(distance)
    assert ids(found) == np.argsort(-truth)[:20].tolist()
    sign = -1 if distance == m.Distance.EUCLID else 1
    assert np.allclose([it.score for it in found], sign * np.sort(truth)[::-1][:20], atol=1e-5)
    limit = found[4].score
    close = client.query_points(name, query=QUERY.tolist(), limit=20, score_threshold=limit).points
    assert ids(close) == ids(found)[:4], "a score that equals the threshold is not better"


def test_a_graph_search_finds_what_a_scan_finds(client, loaded):
    hits = 0
    for row in ROWS[:50]:
        query = (row + QUERY / 4).tolist()
        exact = client.query_points(loaded, query=query, search_params=m.SearchParams(exact=True)).points
        graph = client.query_points(loaded, query=query, search_params=m.SearchParams(hnsw_ef=128)).points
        hits += len(set(ids(exact)) & set(ids(graph)))
    assert hits >= 0.95 * 500


def test_filters_hold_for_every_result(client, loaded):
    for matching in (range(3), range(9)):
        some = m.Filter(must=[m.FieldCondition(key="group", match=m.MatchAny(any=list(matching)))])
        found = client.query_points(loaded, query=QUERY.tolist(), query_filter=some, limit=30, with_payload=True).points
        allowed = [i for i in np.argsort(-scores(m.Distance.COSINE)) if i % 10 in matching]
        assert all(it.payload["group"] in matching for it in found)
        assert len(set(ids(found)) & set(allowed[:30])) >= 28


def test_offset_skips_and_selectors_choose(client, loaded):
    exact = m.SearchParams(exact=True)
    first = ids(client.query_points(loaded, query=QUERY.tolist(), limit=20, search_params=exact).points)
    page = client.query_points(loaded, query=QUERY.tolist(), limit=5, offset=10, search_params=exact).points
    assert ids(page) == first[10:15]
    bare = client.query_points(loaded, query=QUERY.tolist(), limit=1, with_payload=False).points[0]
    assert (bare.payload or None, bare.vector) == (None, None)
    wanted = client.query_points(loaded, query=QUERY.tolist(), limit=1, with_payload=["nested.a"], with_vectors=True).points[0]
    assert wanted.payload == {"nested": {"a": wanted.id}}
    assert len(wanted.vector) == DIM
    but = m.PayloadSelectorExclude(exclude=["nested", "n"])
    rest = client.query_points(loaded, query=QUERY.tolist(), limit=1, with_payload=but).points[0]
    assert rest.payload == {"group": rest.id % 10}


def test_an_offset_leaves_as_many_of_what_prefetches_found(client, loaded):
    deep = m.Prefetch(query=QUERY.tolist(), limit=5, params=m.SearchParams(exact=True))
    best = ids(client.query_points(loaded, query=QUERY.tolist(), limit=20, search_params=m.SearchParams(exact=True)).points)
    for query in (m.FusionQuery(fusion=m.Fusion.RRF), QUERY.tolist()):
        page = client.query_points(loaded, prefetch=m.Prefetch(prefetch=deep, query=QUERY.tolist(), limit=3), query=query, limit=4, offset=6).points
        assert ids(page) == best[6:9], "3 + 6 are handed on, of which 6 are skipped"


def test_payloads_are_narrowed_within_arrays(client, name):
    create(client, name, size=2)
    cities = [{"name": "Berlin", "n": 1}, {"name": "Bonn", "n": 2}]
    client.upsert(name, [m.PointStruct(id=1, vector=[1, 0], payload={"country": {"cities": cities, "x": 1}})])
    for selector in (["country.cities[].name"], m.PayloadSelectorInclude(include=["country.cities[].name"])):
        [point] = client.retrieve(name, [1], with_payload=selector)
        assert point.payload == {"country": {"cities": [{"name": "Berlin"}, {"name": "Bonn"}]}}


def test_a_query_by_id_leaves_the_point_itself_out(client, loaded):
    by_id = client.query_points(loaded, query=7, limit=5, search_params=m.SearchParams(exact=True)).points
    by_vector = client.query_points(loaded, query=ROWS[7].tolist(), limit=6, search_params=m.SearchParams(exact=True)).points
    assert ids(by_id) == ids(by_vector)[1:]
    with pytest.raises(UnexpectedResponse) as refused:
        client.query_points(loaded, query=10**9)
    assert refused.value.status_code == 404
    both = [m.Prefetch(query=7, limit=5), m.Prefetch(query=ROWS[7].tolist(), limit=5)]
    fused = client.query_points(loaded, prefetch=both, query=m.FusionQuery(fusion=m.Fusion.RRF)).points
    assert fused and 7 not in ids(fused), "it is left out of every stage"
    rest = client.query_points(loaded, prefetch=[m.Prefetch(limit=9)], query=0, limit=20).points
    assert sorted(ids(rest)) == list(range(1, 10))


def test_a_point_without_the_vector_cannot_be_searched_by(client, name):
    vectors = {it: m.VectorParams(size=2, distance=m.Distance.DOT) for it in ("a", "b")}
    client.create_collection(name, vectors_config=vectors)
    client.upsert(name, [m.PointStruct(id=1, vector={"a": [1, 1]})])
    with pytest.raises(UnexpectedResponse) as refused:
        client.query_points(name, query=1, using="b")
    assert refused.value.status_code == 404
    assert 'Not found: Vector with name \\"b\\" for point' in refused.value.content.decode()
    with pytest.raises(UnexpectedResponse) as refused:
        client.query_points(name, query=[1, 1])
    assert "`a`, `b`" in refused.value.content.decode()


@pytest.mark.parametrize("exact", [True, False])
def test_pages_of_equal_scores_neither_repeat_nor_lose_points(client, name, exact):
    create(client, name, shard_number=2)
    every = list(range(300))
    for first in range(270, -1, -30):
        client.upsert(name, [m.PointStruct(id=i, vector=[1, 2, 3, 4]) for i in every[first : first + 30]])
    params = m.SearchParams(exact=exact)
    pages = [client.query_points(name, query=[1, 1, 1, 1], limit=7, offset=it, search_params=params).points for it in range(0, 301, 7)]
    assert [i for page in pages for i in ids(page)] == every


def test_a_small_collection_needs_no_graph_to_be_searched_as_indexed(client, name):
    create(client, name)
    client.upsert(name, [m.PointStruct(id=i, vector=[1, i, 0, 0]) for i in range(20)])
    found = client.query_points(name, query=[1, 0, 0, 0], limit=5, search_params=m.SearchParams(indexed_only=True)).points
    assert ids(found) == [0, 1, 2, 3, 4]
    large = f"{name}-large"
    optimizers = m.OptimizersConfigDiff(indexing_threshold=1)
    create(client, large, size=64, optimizers_config=optimizers, hnsw_config=m.HnswConfigDiff(m=0, full_scan_threshold=1))
    rows = np.random.default_rng(5).normal(size=(100, 64))
    client.upsert(large, m.Batch(ids=list(range(100)), vectors=rows.tolist()))
    assert client.query_points(large, query=rows[0].tolist(), search_params=m.SearchParams(indexed_only=True)).points == []


@pytest.mark.parametrize("limit", [999_999_999, 4_294_967_295, 2**64 - 1])
def test_a_limit_may_mean_all(client, loaded, limit):
    found = client.query_points(loaded, query=QUERY.tolist(), limit=limit).points
    assert sorted(ids(found)) == list(range(N))
    page, offset = client.scroll(loaded, limit=limit)
    assert (ids(page), offset) == (list(range(N)), None)
    fused = client.query_points(
        loaded,
        prefetch=[m.Prefetch(query=QUERY.tolist(), limit=limit)],
        query=m.FusionQuery(fusion=m.Fusion.RRF),
        limit=limit,
        offset=N - 1,
    )
    assert len(fused.points) == 1


def test_prefetches_are_fused_and_reranked(client, loaded):
    exact = m.SearchParams(exact=True)
    a, b = QUERY.tolist(), (-QUERY).tolist()
    parts = [m.Prefetch(query=it, limit=10, params=exact) for it in (a, b)]
    fused = client.query_points(loaded, prefetch=parts, query=m.FusionQuery(fusion=m.Fusion.RRF), limit=20).points
    assert len(fused) == 20 and fused[0].score == pytest.approx(0.5)
    best = [ids(client.query_points(loaded, query=it, limit=1, search_params=exact).points)[0] for it in (a, b)]
    assert sorted(ids(fused)[:2]) == sorted(best)
    again = client.query_points(loaded, prefetch=[parts[1]], query=a, limit=3).points
    candidates = ids(client.query_points(loaded, query=b, limit=10, search_params=exact).points)
    truth = sorted(candidates, key=lambda i: -scores(m.Distance.COSINE)[i])
    assert ids(again) == truth[:3]
    some = m.Filter(must=[m.FieldCondition(key="group", match=m.MatchValue(value=3))])
    fused = client.query_points(loaded, prefetch=parts, query=m.FusionQuery(fusion=m.Fusion.RRF), query_filter=some).points
    assert fused and all(it.id % 10 == 3 for it in fused)


def test_a_batch_answers_each_query(client, loaded):
    requests = [m.QueryRequest(query=ROWS[i].tolist(), limit=1) for i in range(5)]
    assert [ids(it.points) for it in client.query_batch_points(loaded, requests)] == [[i] for i in range(5)]


def test_without_a_query_points_come_in_id_order(client, loaded):
    found = client.query_points(loaded, limit=3, offset=2).points
    assert [(it.id, it.score, it.version) for it in found] == [(2, 1.0, 0), (3, 1.0, 0), (4, 1.0, 0)]


def test_hints_of_a_search_change_nothing(client, loaded):
    hints = m.SearchParams(exact=True, quantization=m.QuantizationSearchParams(rescore=True, oversampling=2.0))
    plain = m.SearchParams(exact=True)
    found = [ids(client.query_points(loaded, query=QUERY.tolist(), search_params=it).points) for it in (hints, plain)]
    assert found[0] == found[1]


def explained(node, name, **query):
    status, answer = node.call("POST", f"/collections/{name}/points/query", {"limit": 5, "explain": True, **query})
    assert status == 200, answer
    return answer


def test_a_query_tells_how_its_searches_go(node, loaded):
    query = {"query": QUERY.tolist(), "params": {"hnsw_ef": 64}}
    plain = node.call("POST", f"/collections/{loaded}/points/query", {"limit": 5, **query})[1]
    assert "explain" not in plain, "only where it is asked for"
    answer = explained(node, loaded, **query)
    assert answer["result"] == plain["result"]
    [search] = answer["explain"]
    segments = [segment for shard in search["shards"] for segment in shard["segments"]]
    assert sum(segment["matches"] for segment in segments) == N
    graphs = [segment for segment in segments if segment["way"] == "graph"]
    assert graphs and all(it["ef"] == 64 and 0 < it["compared"] < N and it["found"] == 5 for it in graphs), segments
    only = {"must": [{"key": "group", "match": {"value": 3}}]}
    [filtered] = explained(node, loaded, filter=only, **query)["explain"]
    assert filtered["filtered"]
    assert sum(it["matches"] for shard in filtered["shards"] for it in shard["segments"]) == N // 10
    stages = {"prefetch": [query | {"limit": 20}, {"query": ROWS[1].tolist()}], "query": {"fusion": "rrf"}}
    assert len(explained(node, loaded, **stages)["explain"]) == 2, "each search of its own"
    batch = {"searches": [query | {"explain": True}]}
    status, refused = node.call("POST", f"/collections/{loaded}/points/query/batch", batch)
    assert status == 422 and "explain" in refused["status"]["error"], refused
