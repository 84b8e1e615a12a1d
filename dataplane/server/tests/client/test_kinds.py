"""Sparse vectors and vectors of vectors, beside what numpy says of the same data."""

import httpx
import numpy as np
import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m

from conftest import ids, wait_green

POINTS = 900
DIMS = 120
SHARDS = [1, 3]
DIM = 5


@pytest.fixture(scope="module")
def door(node):
    """Over gRPC."""
    it = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=True, timeout=60)
    yield it
    it.close()


def drawn(seed):
    """Points: sparse numbers as a dense matrix, and the rows of each point's other vector."""
    rng = np.random.default_rng(seed)
    numbers = np.where(rng.random((POINTS, DIMS)) < 0.06, rng.random((POINTS, DIMS)), 0).astype(np.float32)
    rows = [rng.normal(size=(rng.integers(1, 4), DIM)).astype(np.float32) for _ in range(POINTS)]
    return numbers, rows


def sparse(row):
    at = np.nonzero(row)[0]
    return m.SparseVector(indices=at.tolist(), values=row[at].tolist())


@pytest.fixture(scope="module", params=SHARDS)
def data(request, client):
    """A collection with every kind of vector, and what is in it."""
    name = f"kinds-{request.param}"
    client.create_collection(
        name,
        vectors_config={
            "dense": m.VectorParams(size=DIM, distance=m.Distance.DOT),
            "rows": m.VectorParams(
                size=DIM,
                distance=m.Distance.DOT,
                multivector_config=m.MultiVectorConfig(comparator=m.MultiVectorComparator.MAX_SIM),
            ),
        },
        sparse_vectors_config={
            "plain": m.SparseVectorParams(),
            "weighed": m.SparseVectorParams(modifier=m.Modifier.IDF),
        },
        shard_number=request.param,
    )
    numbers, rows = drawn(3)
    points = [
        m.PointStruct(
            id=id,
            vector={"plain": sparse(numbers[id]), "weighed": sparse(numbers[id]), "rows": rows[id].tolist()},
            payload={"part": id % 4},
        )
        for id in range(POINTS)
    ]
    # A part is sealed before the rest comes, so that what follows meets both.
    client.upsert(name, points[:700], wait=True)
    wait_green(client, name)
    client.upsert(name, points[700:], wait=True)
    return name, numbers, rows


def expected(scores, keep, limit):
    """Ids and scores, best first, equal ones by id."""
    order = sorted((id for id in range(POINTS) if keep[id]), key=lambda id: (-scores[id], id))
    return [(id, scores[id]) for id in order[:limit]]


def close(points, wanted):
    assert [it.score for it in points] == pytest.approx([score for _, score in wanted], rel=1e-4)
    # Scores of two points may be so near that sums in another order change places.
    assert len(set(ids(points)) ^ {id for id, _ in wanted}) <= 2


def query_of(seed):
    rng = np.random.default_rng(seed)
    query = np.zeros(DIMS, dtype=np.float32)
    query[rng.choice(DIMS, 7, replace=False)] = rng.random(7)
    return query


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("part", [None, 2])
def test_sparse_vectors_compare_by_their_inner_product(client, data, seed, part):
    name, numbers, _ = data
    query = query_of(seed)
    scores = numbers @ query
    keep = (scores != 0) & ((np.arange(POINTS) % 4 == part) if part is not None else True)
    of_part = None
    if part is not None:
        of_part = m.Filter(must=[m.FieldCondition(key="part", match=m.MatchValue(value=part))])
    found = client.query_points(name, sparse(query), using="plain", limit=20, query_filter=of_part)
    close(found.points, expected(scores, keep, 20))


@pytest.mark.parametrize("seed", range(3))
def test_rare_indices_count_more_over_all_shards(client, data, seed):
    name, numbers, _ = data
    query = query_of(seed)
    with_it = (numbers != 0).sum(axis=0)
    idf = np.log((POINTS - with_it + 0.5) / (with_it + 0.5) + 1)
    scores = numbers @ (query * idf).astype(np.float32)
    found = client.query_points(name, sparse(query), using="weighed", limit=15)
    close(found.points, expected(scores, scores != 0, 15))


CORPORA = {
    "half": (m.Filter(must=[m.FieldCondition(key="part", match=m.MatchAny(any=[0, 3]))]), lambda id: id % 4 in (0, 3)),
    "few": (m.Filter(must=[m.HasIdCondition(has_id=list(range(0, 90, 9)))]), lambda id: id < 90 and id % 9 == 0),
    "none": (m.Filter(must=[m.FieldCondition(key="part", match=m.MatchValue(value=77))]), lambda id: False),
    "all": (m.Filter(), lambda id: True),
}


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("seed", range(2))
def test_indices_are_rare_among_the_points_of_a_corpus(client, door, data, seed, corpus):
    name, numbers, _ = data
    query = query_of(seed)
    filter, is_in = CORPORA[corpus]
    among = np.array([is_in(id) for id in range(POINTS)])
    points, with_it = among.sum(), (numbers[among] != 0).sum(axis=0)
    idf = np.log((points - with_it + 0.5) / (with_it + 0.5) + 1)
    scores = numbers @ (query * idf).astype(np.float32)
    params = m.SearchParams(idf=m.IdfCorpusParams(corpus=filter))
    for asked in (client, door):
        found = asked.query_points(name, sparse(query), using="weighed", limit=15, search_params=params)
        close(found.points, expected(scores, scores != 0, 15))
        # What is found is another matter than what is rare among what.
        of_part = m.Filter(must=[m.FieldCondition(key="part", match=m.MatchValue(value=2))])
        found = asked.query_points(name, sparse(query), using="weighed", limit=15, search_params=params, query_filter=of_part)
        close(found.points, expected(scores, (scores != 0) & (np.arange(POINTS) % 4 == 2), 15))
        # Each stage has its own.
        below = m.Prefetch(query=sparse(query), using="weighed", limit=20, params=params)
        fused = asked.query_points(name, prefetch=[below], query=m.FormulaQuery(formula="$score"), limit=15)
        close(fused.points, expected(scores, scores != 0, 15))


@pytest.mark.parametrize("shards", SHARDS)
def test_a_corpus_is_of_points_as_they_are(client, name, shards):
    rare = {"s": m.SparseVectorParams(modifier=m.Modifier.IDF)}
    client.create_collection(name, vectors_config={}, sparse_vectors_config=rare, shard_number=shards)
    rng = np.random.default_rng(9)
    numbers = np.where(rng.random((200, 20)) < 0.3, rng.random((200, 20)), 0).astype(np.float32)
    at = lambda id: m.PointStruct(id=id, vector={"s": sparse(numbers[id])}, payload={"odd": id % 2})
    client.upsert(name, [at(id) for id in range(200)], wait=True)
    wait_green(client, name)
    # Rows of segments die, others come into memory, and some points have no vector any more.
    there = [id for id in range(200) if id % 7]
    client.delete(name, [id for id in range(200) if id % 7 == 0], wait=True)
    numbers[100:150] = np.roll(numbers[100:150], 3, axis=1)
    client.upsert(name, [at(id) for id in range(100, 150) if id % 7], wait=True)
    client.delete_vectors(name, ["s"], [id for id in there if id < 20])
    having = np.array([id for id in there if id >= 20])
    odd = m.Filter(must=[m.FieldCondition(key="odd", match=m.MatchValue(value=1))])
    query = np.zeros(20, dtype=np.float32)
    query[[2, 5, 11]] = [1, 0.5, 2]
    for corpus, among in ((None, having), (m.Filter(), having), (odd, having[having % 2 == 1])):
        with_it = (numbers[among] != 0).sum(axis=0)
        idf = np.log((len(among) - with_it + 0.5) / (with_it + 0.5) + 1)
        scores = numbers @ (query * idf)
        params = m.SearchParams(idf=m.IdfCorpusParams(corpus=corpus)) if corpus else None
        found = client.query_points(name, sparse(query), using="s", limit=200, search_params=params).points
        assert sorted(ids(found)) == [id for id in having if scores[id] != 0]
        assert [it.score for it in found] == pytest.approx(scores[ids(found)], rel=1e-4)


@pytest.mark.parametrize("shards", SHARDS)
def test_what_no_search_finds_makes_nothing_rarer(client, name, shards):
    rare = {"s": m.SparseVectorParams(modifier=m.Modifier.IDF)}
    sealed = m.OptimizersConfigDiff(indexing_threshold=1)
    client.create_collection(name, vectors_config={}, sparse_vectors_config=rare, shard_number=shards, optimizers_config=sealed)
    rng = np.random.default_rng(10)
    numbers = np.where(rng.random((200, 20)) < 0.3, rng.random((200, 20)), 0).astype(np.float32)
    numbers[::3] = 0
    at = lambda id: m.PointStruct(id=id, vector={"s": sparse(numbers[id])}, payload={"odd": id % 2})
    odd = m.Filter(must=[m.FieldCondition(key="odd", match=m.MatchValue(value=1))])
    query = np.zeros(20, dtype=np.float32)
    query[[2, 5, 11]] = [1, 0.5, 2]
    everything, gone = np.arange(200), []

    def check():
        there = np.array([id for id in everything if id not in gone])
        for corpus, among in ((None, there), (m.Filter(), there), (odd, there[there % 2 == 1])):
            full = among[numbers[among].any(axis=1)]
            with_it = (numbers[full] != 0).sum(axis=0)
            scores = numbers @ (query * np.log((len(full) - with_it + 0.5) / (with_it + 0.5) + 1))
            params = m.SearchParams(idf=m.IdfCorpusParams(corpus=corpus)) if corpus else None
            found = client.query_points(name, sparse(query), using="s", limit=200, search_params=params).points
            assert sorted(ids(found)) == [id for id in there if scores[id] != 0]
            assert [it.score for it in found] == pytest.approx(scores[ids(found)], rel=1e-4)

    # In memory, in files, and where some of them were deleted, emptied or filled since.
    client.upsert(name, [at(id) for id in range(200)], wait=True)
    check()
    wait_green(client, name)
    check()
    gone += [0, 3, 4]
    client.delete(name, gone, wait=True)
    numbers[10:20] = 0
    numbers[30] = numbers[31]
    client.upsert(name, [at(id) for id in [*range(10, 20), 30]], wait=True)
    check()
    wait_green(client, name)
    check()


def test_a_corpus_of_all_points_is_said_in_a_word(client, node, data):
    name, *_ = data
    asked = {"query": sparse(query_of(1)).model_dump(), "using": "weighed"}
    answers = [
        httpx.post(f"{node.url}/collections/{name}/points/query", json={**asked, **params}, timeout=30).json()["result"]
        for params in ({}, {"params": {"idf": "global"}}, {"params": {"idf": {"corpus": {}}}})
    ]
    assert answers[0] == answers[1] == answers[2] and answers[0]["points"]
    refused = httpx.post(f"{node.url}/collections/{name}/points/query", json={**asked, "params": {"idf": "local"}}, timeout=30)
    assert refused.status_code == 400 and "params.idf" in refused.json()["status"]["error"]


@pytest.mark.parametrize("seed", range(3))
def test_vectors_of_vectors_compare_by_their_closest_rows(client, data, seed):
    name, _, rows = data
    query = np.random.default_rng(seed).normal(size=(3, DIM)).astype(np.float32)
    scores = np.array([(query @ of.T).max(axis=1).sum() for of in rows])
    found = client.query_points(name, query.tolist(), using="rows", limit=10)
    close(found.points, expected(scores, np.ones(POINTS, bool), 10))
    # A single vector is a vector of one.
    scores = np.array([(query[0] @ of.T).max() for of in rows])
    found = client.query_points(name, query[0].tolist(), using="rows", limit=10)
    close(found.points, expected(scores, np.ones(POINTS, bool), 10))


def manhattan(query, row):
    return np.abs(query - row).sum()


def cosine(query, row):
    return query @ row / (np.linalg.norm(query) * np.linalg.norm(row))


def rounded(values):
    return np.float32(np.float16(values))


def cast(values):
    return np.clip(np.trunc(values), 0, 255)


@pytest.mark.parametrize("many", [False, True], ids=["one", "several"])
@pytest.mark.parametrize(
    "distance, datatype, score, stored",
    [
        (m.Distance.MANHATTAN, m.Datatype.FLOAT32, manhattan, np.float32),
        (m.Distance.MANHATTAN, m.Datatype.UINT8, manhattan, cast),
        (m.Distance.DOT, m.Datatype.FLOAT16, np.dot, rounded),
        (m.Distance.DOT, m.Datatype.UINT8, np.dot, cast),
        (m.Distance.COSINE, m.Datatype.UINT8, cosine, cast),
    ],
)
def test_numbers_are_what_their_datatype_says(client, name, distance, datatype, score, stored, many):
    of_rows = m.MultiVectorConfig(comparator=m.MultiVectorComparator.MAX_SIM) if many else None
    params = m.VectorParams(size=8, distance=distance, datatype=datatype, multivector_config=of_rows)
    client.create_collection(name, vectors_config=params)
    rng = np.random.default_rng(5)
    rows = [(rng.random((2 if many else 1, 8)) * 300 - 10).astype(np.float32) for _ in range(60)]
    send = lambda of: of.tolist() if many else of[0].tolist()
    client.upsert(name, [m.PointStruct(id=id, vector=send(of)) for id, of in enumerate(rows)], wait=True)
    (kept,) = client.retrieve(name, [7], with_vectors=True)
    assert np.allclose(np.reshape(kept.vector, (-1, 8)), stored(rows[7]), rtol=1e-6)
    query = (rng.random((2 if many else 1, 8)) * 200).astype(np.float32)
    smaller = distance == m.Distance.MANHATTAN
    closest = min if smaller else max
    scores = [sum(closest(score(stored(q), stored(r)) for r in of) for q in query) for of in rows]
    order = sorted(range(60), key=lambda id: (scores[id] if smaller else -scores[id], id))
    found = client.query_points(name, send(query), limit=10).points
    assert ids(found) == order[:10]
    assert [it.score for it in found] == pytest.approx([scores[id] for id in order[:10]], rel=1e-4)
    shown = client.get_collection(name).config.params.vectors
    assert (shown.distance, shown.datatype) == (distance, datatype)
    wait_green(client, name)
    assert ids(client.query_points(name, send(query), limit=10).points) == order[:10]


def test_what_has_nothing_in_common_is_not_found(client, data):
    name, *_ = data
    nothing = m.SparseVector(indices=[DIMS + 7], values=[1.0])
    assert client.query_points(name, nothing, using="plain", limit=5).points == []
    empty = m.SparseVector(indices=[], values=[])
    assert client.query_points(name, empty, using="plain", limit=5).points == []


def test_a_query_by_id_and_one_below_another(client, data):
    name, numbers, _ = data
    scores = numbers @ numbers[5]
    keep = (scores != 0) & (np.arange(POINTS) != 5)
    close(client.query_points(name, 5, using="plain", limit=8).points, expected(scores, keep, 8))
    query = query_of(1)
    fused = client.query_points(
        name,
        prefetch=[
            m.Prefetch(query=sparse(query), using="plain", limit=30),
            m.Prefetch(query=[0.5] * DIM, using="rows", limit=30),
        ],
        query=m.FusionQuery(fusion=m.Fusion.RRF),
        limit=10,
    )
    assert len(fused.points) == 10


def test_vectors_come_back_as_they_were_written(client, data):
    name, numbers, rows = data
    (point,) = client.retrieve(name, [17], with_vectors=True)
    assert point.vector["plain"].indices == sparse(numbers[17]).indices
    assert np.array_equal(np.float32(point.vector["plain"].values), numbers[17][numbers[17] != 0])
    assert np.allclose(point.vector["rows"], rows[17])
    assert "dense" not in point.vector
    (point,) = client.retrieve(name, [17], with_vectors=["weighed"])
    assert list(point.vector) == ["weighed"]


def test_a_vector_is_replaced_and_removed(client, name):
    client.create_collection(name, vectors_config={}, sparse_vectors_config={"s": m.SparseVectorParams()})
    at = lambda index, value: m.SparseVector(indices=[index], values=[value])
    client.upsert(name, [m.PointStruct(id=1, vector={"s": at(1, 2.0)}), m.PointStruct(id=2, vector={})])
    client.update_vectors(name, [m.PointVectors(id=2, vector={"s": at(1, 3.0)})])
    found = lambda index: ids(client.query_points(name, at(index, 1.0), using="s", limit=5).points)
    assert found(1) == [2, 1]
    client.update_vectors(name, [m.PointVectors(id=2, vector={"s": at(4, 1.0)})])
    assert (found(1), found(4)) == ([1], [2])
    client.delete_vectors(name, ["s"], [2])
    assert (found(1), found(4)) == ([1], [])
    has = m.Filter(must=[m.HasVectorCondition(has_vector="s")])
    assert client.count(name, count_filter=has).count == 1


def test_a_collection_says_which_kinds_it_has(client, name):
    client.create_collection(
        name,
        vectors_config={},
        sparse_vectors_config={
            "a": m.SparseVectorParams(
                index=m.SparseIndexParams(on_disk=True, full_scan_threshold=100, datatype=m.Datatype.FLOAT16)
            ),
            "b": m.SparseVectorParams(modifier=m.Modifier.IDF),
        },
    )
    info = client.get_collection(name)
    shown = info.config.params.sparse_vectors
    assert shown["a"].index.on_disk is True
    assert (shown["a"].index.full_scan_threshold, shown["a"].index.datatype) == (100, m.Datatype.FLOAT16)
    assert shown["b"].modifier == m.Modifier.IDF
    assert any("full_scan_threshold" in it.message for it in info.warnings)
    client.update_collection(name, sparse_vectors_config={"a": m.SparseVectorParams(modifier=m.Modifier.IDF)})
    assert client.get_collection(name).config.params.sparse_vectors["a"].modifier == m.Modifier.IDF
    wrong = {"c": m.SparseVectorParams(modifier=m.Modifier.IDF)}
    with pytest.raises(Exception, match="Not existing vector name error: c"):
        client.update_collection(name, sparse_vectors_config=wrong)


@pytest.mark.parametrize(
    "vector, text",
    [
        (
            {"s": {"indices": [1, 1], "values": [1, 2]}},
            "[points[0].vector.?.indices: Validation error: must be unique [{}]]",
        ),
        (
            {"s": {"indices": [1, 2], "values": [1]}},
            "[points[0].vector.?.values: Validation error: must be the same length as indices [{}]]",
        ),
        ({"s": [1.0, 2.0]}, "is a sparse vector, the request has a dense vector"),
        (
            {"m": [[1.0, 2.0], [1.0]]},
            "[points[0].vector.?.data: all vectors must have the same dimension, found vector with dimension 1",
        ),
        ({"m": [[1.0, 2.0], []]}, "[points[0].vector.?.data: all vectors must be non-empty]"),
        ({"m": [[]]}, "[points[0].vector.?.data: all vectors must be non-empty]"),
        ({"m": []}, "Wrong input: Vector dimension error: expected dim: 2, got 0"),
        ({"m": [[1.0, 2.0, 3.0]]}, "expected dim: 2, got 3"),
        ({"m": {"indices": [1], "values": [1]}}, "is a vector of vectors, the request has a sparse vector"),
        ({"x": {"indices": [1], "values": [1]}}, "Not existing vector name error: x"),
    ],
)
def test_what_is_no_such_vector_is_refused(client, node, name, vector, text):
    client.create_collection(
        name,
        vectors_config={
            "m": m.VectorParams(
                size=2,
                distance=m.Distance.DOT,
                multivector_config=m.MultiVectorConfig(comparator=m.MultiVectorComparator.MAX_SIM),
            )
        },
        sparse_vectors_config={"s": m.SparseVectorParams()},
    )
    body = {"points": [{"id": 1, "vector": vector}]}
    refused = httpx.put(f"{node.url}/collections/{name}/points", json=body, timeout=30)
    assert refused.status_code in (400, 422), refused.text
    assert text in refused.json()["status"]["error"]
    assert client.count(name).count == 0


def test_sparse_rows_with_postings_are_indexed(client, name):
    client.create_collection(
        name,
        vectors_config={},
        sparse_vectors_config={"s": m.SparseVectorParams()},
        optimizers_config=m.OptimizersConfigDiff(indexing_threshold=10),
        # Above a tenth of these rows a segment without an index is left out.
        hnsw_config=m.HnswConfigDiff(full_scan_threshold=10),
    )
    vector = m.SparseVector(indices=[1, 7], values=[1.0, 0.5])
    client.upsert(name, [m.PointStruct(id=id, vector={"s": vector}) for id in range(2000)], wait=True)
    wait_green(client, name)
    assert client.get_collection(name).indexed_vectors_count == 2000
    params = m.SearchParams(indexed_only=True)
    found = client.query_points(name, query=vector, using="s", limit=3, search_params=params).points
    assert len(found) == 3
