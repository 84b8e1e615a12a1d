"""Queries that rank by ranks, payloads or chance, over both doors, against numpy."""

import uuid

import numpy as np
import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m

from conftest import ids
from test_doors import said

N, DIM = 400, 6
RNG = np.random.default_rng(62)
ROWS = {"a": RNG.normal(size=(N, DIM)).astype(np.float32), "e": RNG.normal(size=(N, 3)).astype(np.float32)}
QUERIES = {name: RNG.normal(size=rows.shape[1]).astype(np.float32) for name, rows in ROWS.items()}
SCORES = {"a": ROWS["a"] @ QUERIES["a"], "e": np.linalg.norm(ROWS["e"] - QUERIES["e"], axis=1)}
EXACT = m.SearchParams(exact=True)


@pytest.fixture(scope="module", params=["rest", "grpc"])
def door(node, request):
    it = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=request.param == "grpc", timeout=60)
    yield it
    it.close()


@pytest.fixture(scope="module", params=[1, 3])
def loaded(client, request):
    """Points without payloads, in one shard or several."""
    name = f"ranking-{uuid.uuid4()}"
    vectors = {"a": m.VectorParams(size=DIM, distance="Dot"), "e": m.VectorParams(size=3, distance="Euclid")}
    client.create_collection(name, vectors_config=vectors, shard_number=request.param)
    client.upsert(name, m.Batch(ids=list(range(N)), vectors={key: rows.tolist() for key, rows in ROWS.items()}))
    return name


def near(name, limit, **more):
    return m.Prefetch(query=QUERIES[name].tolist(), using=name, limit=limit, params=EXACT, **more)


def listed(name, limit):
    """Points and scores of a search, best first."""
    order = np.argsort(-SCORES[name] if name == "a" else SCORES[name])[:limit]
    return [(int(i), float(SCORES[name][i])) for i in order]


def refused(call):
    """What is said where a call is refused, and its kind."""
    with pytest.raises(Exception) as caught:
        call()
    error = caught.value
    return said(error.details() if hasattr(error, "details") else error.structured()["status"]["error"])


def assert_ranked(found, expected, limit):
    """The best of some points by their scores; those that are equal in any order."""
    best = sorted(expected.items(), key=lambda it: (-it[1], it[0]))[:limit]
    assert len(found) == len(best)
    assert np.allclose([it.score for it in found], [score for _, score in best], atol=1e-4)
    assert np.allclose([expected[it.id] for it in found], [it.score for it in found], atol=1e-4)


def rrf(lists, k, weights):
    scores = {}
    for found, weight in zip(lists, weights):
        for rank, (i, _) in enumerate(found):
            scores[i] = scores.get(i, 0) + (1 / ((rank + 1) / weight + k - 1) if weight > 0 else 0)
    return scores


@pytest.mark.parametrize("k,weights", [(None, None), (60, None), (1, [3, 1]), (7, [0.5, 2.25]), (2, [0, 1]), (2, [-1, 1])])
def test_ranks_are_fused_with_k_and_weights(door, loaded, k, weights):
    found = door.query_points(loaded, prefetch=[near("a", 60), near("e", 40)], query=m.RrfQuery(rrf=m.Rrf(k=k, weights=weights)), limit=50)
    assert_ranked(found.points, rrf([listed("a", 60), listed("e", 40)], k or 2, weights or [1, 1]), 50)


def dbsf(lists):
    scores = {}
    for found in lists:
        values = np.array([score for _, score in found])
        deviation = values.std(ddof=1) if len(values) > 1 else 0
        for i, score in found:
            scaled = (score - (values.mean() - 3 * deviation)) / (6 * deviation) if deviation > 0 else 0.5
            scores[i] = scores.get(i, 0) + scaled
    return scores


@pytest.mark.parametrize("limits", [(60, 40), (1, 40), (400, 400)])
def test_scores_are_fused_by_their_distribution(door, loaded, limits):
    parts = [near("a", limits[0]), near("e", limits[1])]
    expected = dbsf([listed("a", limits[0]), listed("e", limits[1])])
    fused = m.FusionQuery(fusion=m.Fusion.DBSF)
    found = door.query_points(loaded, prefetch=parts, query=fused, limit=30).points
    assert_ranked(found, expected, 30)
    assert ids(door.query_points(loaded, prefetch=parts, query=fused, limit=5, offset=10).points) == ids(found)[10:15]
    threshold = found[9].score
    close = door.query_points(loaded, prefetch=parts, query=fused, limit=30, score_threshold=threshold).points
    assert ids(close) == ids(found)[:10], "a score that equals the threshold is kept"


def test_fusions_of_fusions_are_over_all_shards(door, loaded):
    inner = m.Prefetch(prefetch=[near("a", 50), near("e", 50)], query=m.RrfQuery(rrf=m.Rrf(weights=[2, 1])), limit=20)
    found = door.query_points(loaded, prefetch=[inner, near("a", 30)], query=m.FusionQuery(fusion="dbsf"), limit=40)
    first = sorted(rrf([listed("a", 50), listed("e", 50)], 2, [2, 1]).items(), key=lambda it: (-it[1], it[0]))[:20]
    assert_ranked(found.points, dbsf([first, listed("a", 30)]), 40)


def test_what_does_not_fit_a_fusion_is_said(door, loaded):
    ask = lambda query, prefetch: lambda: door.query_points(loaded, query=query, prefetch=prefetch)
    text = "Validation failed: Number of weights in RRF should match number of pre-fetches: got 1, expected 2"
    assert text in refused(ask(m.RrfQuery(rrf=m.Rrf(weights=[1])), [near("a", 1), near("e", 1)]))
    for query in (m.FusionQuery(fusion="dbsf"), m.FusionQuery(fusion="rrf")):
        assert "cannot apply Fusion without prefetches" in refused(ask(query, None))
