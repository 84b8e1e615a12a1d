"""Every score of every kind of vector, over one shard and over several, beside a computation of its own in numpy."""

import math
import re
import uuid

import numpy as np
import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m
from test_bm25 import token

from conftest import ids, wait_green

N, DIM, DIMS = 300, 6, 60
RNG = np.random.default_rng(68)
LIMIT = 12
EXACT = m.SearchParams(exact=True)
# Vectors by name: of rows with a distance, of one row with a distance, sparse ones.
ROWS = {"rows-cosine": "Cosine", "rows-dot": "Dot", "rows-euclid": "Euclid", "rows-manhattan": "Manhattan"}
ONE = {"cosine": "Cosine", "dot": "Dot", "euclid": "Euclid", "manhattan": "Manhattan"}
SPARSE = ["sparse", "rare"]
NAMES = [*ONE, *ROWS, *SPARSE]


def drawn(many):
    """A vector of some rows, or a sparse one as a row with zeros."""
    if many == 0:
        return np.where(RNG.random(DIMS) < 0.2, RNG.normal(size=DIMS), 0).astype(np.float32)[None]
    return RNG.normal(size=(many, DIM)).astype(np.float32)


def rows_of(name):
    return 0 if name in SPARSE else int(RNG.integers(1, 4)) if name in ROWS else 1


STORED = {name: [drawn(rows_of(name)) for _ in range(N)] for name in NAMES}
ASKED = {name: [drawn(rows_of(name)) for _ in range(12)] for name in NAMES}


def sent(name, rows):
    if name in SPARSE:
        at = np.nonzero(rows[0])[0]
        return m.SparseVector(indices=at.tolist(), values=rows[0][at].tolist())
    return rows.tolist() if name in ROWS else rows[0].tolist()


@pytest.fixture(scope="module", params=["rest", "grpc"])
def door(node, request):
    it = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=request.param == "grpc", timeout=60, cloud_inference=True)
    yield it
    it.close()


@pytest.fixture(scope="module", params=[1, 3], ids=["one-shard", "three-shards"])
def loaded(client, request):
    name = f"scores-{uuid.uuid4()}"
    of_rows = m.MultiVectorConfig(comparator="max_sim")
    vectors = {name: m.VectorParams(size=DIM, distance=distance) for name, distance in ONE.items()}
    vectors |= {name: m.VectorParams(size=DIM, distance=distance, multivector_config=of_rows) for name, distance in ROWS.items()}
    sparse = {"sparse": m.SparseVectorParams(), "rare": m.SparseVectorParams(modifier="idf")}
    client.create_collection(name, vectors_config=vectors, sparse_vectors_config=sparse, shard_number=request.param)
    points = [m.PointStruct(id=id, vector={it: sent(it, STORED[it][id]) for it in NAMES}, payload={"part": id % 5}) for id in range(N)]
    # A part is sealed before the rest comes.
    client.upsert(name, points[:200], wait=True)
    wait_green(client, name)
    client.upsert(name, points[200:], wait=True)
    return name


def weighed(name, rows):
    """What a query counts, by how rare its indices are."""
    if name != "rare":
        return rows
    with_it = sum((stored[0] != 0).astype(np.float64) for stored in STORED[name])
    return rows * np.log((N - with_it + 0.5) / (with_it + 0.5) + 1)


def like(name, example, others=None):
    """How alike an example and each point are, as scores are made of it: distances are negative, squared for Euclid."""
    distance = (ROWS | ONE).get(name, "Dot")
    example = weighed(name, example).astype(np.float64)

    def alike(q, r):
        if distance == "Euclid":
            return -((q - r) ** 2).sum()
        if distance == "Manhattan":
            return -np.abs(q - r).sum()
        return q @ r / (np.linalg.norm(q) * np.linalg.norm(r) if distance == "Cosine" else 1)

    others = STORED[name] if others is None else others
    return np.array([sum(max(alike(q, r.astype(np.float64)) for r in stored) for q in example) for stored in others])


def shown(name, similar):
    """A score as it is returned by a search near to a vector."""
    kind = (ROWS | ONE).get(name)
    if kind == "Euclid":
        # The root of a sum of squares, and not the sum of roots.
        return np.sqrt(np.abs(similar))
    return np.abs(similar) if kind == "Manhattan" else similar


def fold(x):
    return x / (1 + np.abs(x))


def sigmoid(x):
    return (fold(x) + 1) / 2


def rated(found, truth, among, limit=LIMIT):
    """Scores are those of the points, and no other point has a better one."""
    best = np.sort(-truth[among])[:limit] * -1
    assert len(found) == len(best) == len(set(ids(found)))
    assert set(ids(found)) <= set(among)
    assert np.allclose([it.score for it in found], best, atol=2e-4, rtol=2e-5)
    assert np.allclose([it.score for it in found], truth[ids(found)], atol=2e-4, rtol=2e-5)


def among_all(*named):
    return [id for id in range(N) if id not in named]


@pytest.mark.parametrize("name", NAMES)
def test_nearness(door, loaded, name):
    for asked in ASKED[name][:3]:
        similar = like(name, asked)
        found = door.query_points(loaded, sent(name, asked), using=name, limit=LIMIT, search_params=EXACT).points
        score = shown(name, similar)
        among = [id for id in range(N) if name not in SPARSE or similar[id] != 0]
        nearest(found, similar, score, among)
        near = m.Prefetch(query=sent(name, asked), using=name, limit=40, params=EXACT)
        fused = door.query_points(loaded, prefetch=[near], query=m.FormulaQuery(formula="$score"), limit=40).points
        assert np.allclose([it.score for it in fused], score[ids(fused)], atol=2e-4, rtol=2e-5) and len(fused) == min(40, len(among))


def examples_of(name):
    """Ids and vectors: what is sent, and what it stands for."""
    by_id = lambda id: (id, STORED[name][id])
    by_vector = lambda place: (sent(name, ASKED[name][place]), ASKED[name][place])
    return [by_id(3), by_vector(4), by_id(77)], [by_vector(5), by_id(9)]


def recommend(strategy, positive, negative):
    parts = {"positive": [it for it, _ in positive], "negative": [it for it, _ in negative]}
    return m.RecommendQuery(recommend=m.RecommendInput(strategy=strategy, **parts))


@pytest.mark.parametrize("name", NAMES)
def test_best_and_summed_scores(door, loaded, name):
    positive, negative = examples_of(name)
    p, n = ([like(name, rows) for _, rows in some] for some in (positive, negative))
    best = np.where(np.max(p, axis=0) > np.max(n, axis=0), sigmoid(np.max(p, axis=0)), -sigmoid(np.max(n, axis=0)))
    for strategy, truth in (("best_score", best), ("sum_scores", np.sum(p, axis=0) - np.sum(n, axis=0))):
        query = recommend(strategy, positive, negative)
        found = door.query_points(loaded, query, using=name, limit=LIMIT, search_params=EXACT).points
        rated(found, truth, among_all(3, 77, 9))
        some = m.Filter(must=[m.FieldCondition(key="part", match=m.MatchValue(value=2))])
        found = door.query_points(loaded, query, using=name, limit=LIMIT, query_filter=some).points
        rated(found, truth, [id for id in among_all(77) if id % 5 == 2])


@pytest.mark.parametrize("name", NAMES)
def test_average_vectors(door, loaded, name):
    positive, negative = examples_of(name)
    of_length_1 = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)
    # By id as it lies there: of unit length for cosine; one that is given as it is.
    kept = [of_length_1(rows) if isinstance(it, int) and (ROWS | ONE).get(name) == "Cosine" else rows for it, rows in positive + negative]
    if name in ROWS:
        # Rows are put together as they are.
        mean = np.concatenate([*kept[:3], *(-rows for rows in kept[3:])])
    else:
        mean = 2 * np.mean(kept[:3], axis=0) - np.mean(kept[3:], axis=0)
    similar = like(name, mean)
    found = door.query_points(loaded, recommend("average_vector", positive, negative), using=name, limit=LIMIT, search_params=EXACT).points
    score = shown(name, similar)
    nearest(found, similar, score, among_all(3, 77, 9))


def nearest(found, similar, score, among):
    """Scores are those of the points, and no other point is nearer."""
    best = sorted(among, key=lambda id: -similar[id])[:LIMIT]
    assert np.allclose([it.score for it in found], score[best], atol=2e-4, rtol=2e-5)
    assert np.allclose([it.score for it in found], score[ids(found)], atol=2e-4, rtol=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_discovery_and_context(door, loaded, name):
    a, b, c = (sent(name, ASKED[name][place]) for place in (6, 7, 8))
    pairs = [m.ContextPair(positive=a, negative=21), m.ContextPair(positive=22, negative=b)]
    sides = [like(name, ASKED[name][6]) - like(name, STORED[name][21]), like(name, STORED[name][22]) - like(name, ASKED[name][7])]
    truth = sum(np.sign(side) for side in sides) + sigmoid(like(name, ASKED[name][8]))
    query = m.DiscoverQuery(discover=m.DiscoverInput(target=c, context=pairs))
    rated(door.query_points(loaded, query, using=name, limit=LIMIT, search_params=EXACT).points, truth, among_all(21, 22))
    eps = np.finfo(np.float32).eps
    truth = sum(fold(np.minimum(side - eps, 0)) for side in sides)
    found = door.query_points(loaded, m.ContextQuery(context=pairs), using=name, limit=LIMIT, search_params=EXACT).points
    rated(found, truth, among_all(21, 22))


@pytest.mark.parametrize("name", NAMES)
def test_feedback(door, loaded, name):
    items = [(31, STORED[name][31], 0.9), (sent(name, ASKED[name][9]), ASKED[name][9], 0.2), (32, STORED[name][32], 0.5)]
    a, b, c = 0.5, 1.5, 2.0
    truth = a * like(name, STORED[name][30])
    for _, high, more in items:
        for _, low, less in items:
            if more > less:
                truth = truth + (more - less) ** b * c * (like(name, high) - like(name, low))
    strategy = m.NaiveFeedbackStrategy(naive=m.NaiveFeedbackStrategyParams(a=a, b=b, c=c))
    rated_items = [m.FeedbackItem(example=it, score=score) for it, _, score in items]
    query = m.RelevanceFeedbackQuery(relevance_feedback=m.RelevanceFeedbackInput(target=30, feedback=rated_items, strategy=strategy))
    rated(door.query_points(loaded, query, using=name, limit=LIMIT, search_params=EXACT).points, truth, among_all(30, 31, 32))


@pytest.mark.parametrize("name", NAMES)
def test_diversity(door, loaded, name):
    asked = ASKED[name][10]
    near = like(name, asked)
    order = [id for id in np.argsort(-near, kind="stable") if name not in SPARSE or near[id] != 0]
    for diversity, candidates in ((0.3, 40), (0.7, 25)):
        chosen, left = [], [int(id) for id in order[:candidates]]
        # Who is a candidate is decided by what is rare; then vectors are compared as they are.
        plain = "sparse" if name in SPARSE else name
        alike = like(plain, asked, STORED[name])
        apart = {id: dict(zip(left, like(plain, STORED[name][id], [STORED[name][other] for other in left]))) for id in left}
        while left and len(chosen) < LIMIT:
            worth = [alike[id] if not chosen else (1 - diversity) * alike[id] - diversity * max(apart[id][it] for it in chosen) for id in left]
            chosen.append(left.pop(int(np.argmax(worth))))
        mmr = m.NearestQuery(nearest=sent(name, asked), mmr=m.Mmr(diversity=diversity, candidates_limit=candidates))
        found = door.query_points(loaded, mmr, using=name, limit=LIMIT, search_params=EXACT).points
        assert ids(found) == chosen, (diversity, candidates)
        assert np.allclose([it.score for it in found], shown(name, near)[chosen], atol=2e-4, rtol=2e-5)


WORDS = ["shard", "leader", "vector", "graph", "index", "point", "follower", "replica", "segment", "payload", "query", "score"]


@pytest.mark.parametrize("shards", [1, 3])
def test_words_weigh_by_how_rare_they_are(client, door, name, shards):
    rng = np.random.default_rng(shards)
    # Common words and rare ones, in texts of all lengths.
    share = 1 / np.arange(1, len(WORDS) + 1)
    texts = [" ".join(rng.choice(WORDS, size=rng.integers(1, 40), p=share / share.sum())) for _ in range(250)]
    options = {"language": "none", "avg_len": 20.0, "k": 1.5, "b": 0.6}
    document = lambda text: m.Document(text=text, model="qdrant/bm25", options=options)
    rare = {"t": m.SparseVectorParams(modifier="idf")}
    door.create_collection(name, vectors_config={}, sparse_vectors_config=rare, shard_number=shards)
    door.upsert(name, [m.PointStruct(id=id, vector={"t": document(text)}, payload={"half": id % 2}) for id, text in enumerate(texts)], wait=True)
    counts = np.array([[len(re.findall(word, text)) for word in WORDS] for text in texts], dtype=np.float64)
    lengths = counts.sum(axis=1, keepdims=True)
    parts = counts * 2.5 / (counts + 1.5 * (0.4 + 0.6 * lengths / 20))
    halves = np.arange(len(texts)) % 2 == 1
    of_half = m.Filter(must=[m.FieldCondition(key="half", match=m.MatchValue(value=1))])
    assert len({token(word) for word in WORDS}) == len(WORDS)
    for words in (["shard", "score"], ["replica", "query", "graph", "shard"], ["segment"]):
        for params, among in ((None, np.full(len(texts), True)), (m.SearchParams(idf=m.IdfCorpusParams(corpus=of_half)), halves)):
            points, with_it = among.sum(), (counts[among] > 0).sum(axis=0)
            idf = np.array([math.log((points - it + 0.5) / (it + 0.5) + 1) for it in with_it])
            truth = parts @ np.where(np.isin(WORDS, words), idf, 0)
            found = door.query_points(name, document(" ".join(words)), using="t", limit=20, search_params=params).points
            rated(found, truth, [id for id in range(len(texts)) if truth[id] > 0], limit=20)
