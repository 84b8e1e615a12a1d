"""Queries by examples over both doors, against numpy."""

import grpc
import numpy as np
import pytest
from qdrant_client import QdrantClient
from qdrant_client import grpc as wire
from qdrant_client import models as m
from qdrant_client.http.exceptions import UnexpectedResponse

from conftest import ids, wait_green

N, DIM = 900, 12
RNG = np.random.default_rng(61)
ROWS = RNG.normal(size=(N, DIM)).astype(np.float32)
OTHERS = RNG.normal(size=(50, DIM)).astype(np.float32)
VECTORS = RNG.normal(size=(20, DIM)).astype(np.float32)
LIMIT = 15
SOME = m.Filter(must=[m.FieldCondition(key="group", match=m.MatchAny(any=[1, 4, 7]))])
COSINE, EUCLID, DOT = m.Distance.COSINE, m.Distance.EUCLID, m.Distance.DOT
KINDS = [(COSINE, 1), (COSINE, 3), (EUCLID, 3), (DOT, 1)]


@pytest.fixture(scope="module", params=["rest", "grpc"])
def door(node, request):
    it = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=request.param == "grpc", timeout=60)
    yield it
    it.close()


@pytest.fixture(scope="module")
def stub(node):
    with grpc.insecure_channel(f"{node.host}:{node.grpc_port}") as channel:
        yield wire.PointsStub(channel)


@pytest.fixture(scope="module")
def loaded(client):
    """A name for each distance and number of shards; every tenth point lacks the second vector."""
    for distance, shards in KINDS:
        params = m.VectorParams(size=DIM, distance=distance)
        # Some lie in segments with graphs, and some in memory.
        config = m.OptimizersConfigDiff(indexing_threshold=10)
        client.create_collection(called(distance, shards), vectors_config={"": params, "b": params}, shard_number=shards, optimizers_config=config)
        points = [m.PointStruct(id=i, vector=vectors_of(i), payload={"group": i % 9, "n": i}) for i in range(N)]
        client.upsert(called(distance, shards), points, wait=True)
    for distance, shards in KINDS:
        wait_green(client, called(distance, shards))
    client.create_collection("examples-others", vectors_config={"other": m.VectorParams(size=DIM, distance=DOT), "short": m.VectorParams(size=2, distance=DOT)})
    client.upsert("examples-others", [m.PointStruct(id=i, vector={"other": row.tolist()}) for i, row in enumerate(OTHERS)], wait=True)


def vectors_of(i):
    return {"": ROWS[i].tolist(), **({"b": ROWS[-i].tolist()} if i % 10 else {})}


def called(distance, shards):
    return f"examples-{distance.value.lower()}-{shards}"


def similarities(distance, vector):
    """What all points are like, by what scores are made of: of Euclid the negative square."""
    rows, vector = ROWS.astype(np.float64), np.asarray(vector, dtype=np.float64)
    if distance == EUCLID:
        return -((rows - vector) ** 2).sum(axis=1)
    if distance == COSINE:
        rows, vector = rows / np.linalg.norm(rows, axis=1, keepdims=True), vector / np.linalg.norm(vector)
    return rows @ vector


def fold(x):
    return x / (1 + np.abs(x))


def sigmoid(x):
    return (fold(x) + 1) / 2


def values(example):
    return ROWS[example] if isinstance(example, int) else np.asarray(example)


def like(distance, examples):
    return np.array([similarities(distance, values(example)) for example in examples]).reshape(len(examples), N)


def best_score(distance, positive, negative):
    p = like(distance, positive).max(axis=0, initial=-np.inf)
    n = like(distance, negative).max(axis=0, initial=-np.inf)
    return np.where(p > n, sigmoid(np.where(np.isinf(p), 0, p)), -sigmoid(np.where(np.isinf(n), 0, n)))


def sum_scores(distance, positive, negative):
    return like(distance, positive).sum(axis=0) - like(distance, negative).sum(axis=0)


def average(distance, positive, negative):
    def stored(example):
        # By id as it lies there: of unit length for cosine; one that is given as it is.
        row = values(example).astype(np.float64)
        return row / np.linalg.norm(row) if isinstance(example, int) and distance == COSINE else row

    mean = np.mean([stored(example) for example in positive], axis=0)
    if negative:
        mean = 2 * mean - np.mean([stored(example) for example in negative], axis=0)
    similar = similarities(distance, mean)
    return np.sqrt(-similar) if distance == EUCLID else similar


def discover(distance, target, pairs):
    sides = sum((np.sign(like(distance, [p])[0] - like(distance, [n])[0]) for p, n in pairs), np.zeros(N))
    return sides + sigmoid(like(distance, [target])[0])


def context(distance, pairs):
    eps = np.finfo(np.float32).eps
    return sum((fold(np.minimum(like(distance, [p])[0] - like(distance, [n])[0] - eps, 0)) for p, n in pairs), np.zeros(N))


def feedback(distance, target, rated, a, b, c):
    score = a * like(distance, [target])[0]
    for x, high in rated:
        for y, low in rated:
            if high > low:
                score = score + (high - low) ** b * c * (like(distance, [x])[0] - like(distance, [y])[0])
    return score


def given(example):
    return example if isinstance(example, int) else np.asarray(example).tolist()


def recommend_query(strategy, positive, negative):
    positive, negative = [given(it) for it in positive], [given(it) for it in negative]
    return m.RecommendQuery(recommend=m.RecommendInput(positive=positive, negative=negative, strategy=strategy))


def pairs_of(pairs):
    return [m.ContextPair(positive=given(p), negative=given(n)) for p, n in pairs]


def discover_query(target, pairs):
    return m.DiscoverQuery(discover=m.DiscoverInput(target=given(target), context=pairs_of(pairs)))


def feedback_query(target, rated, a, b, c):
    items = [m.FeedbackItem(example=given(example), score=score) for example, score in rated]
    strategy = m.NaiveFeedbackStrategy(naive=m.NaiveFeedbackStrategyParams(a=a, b=b, c=c))
    return m.RelevanceFeedbackQuery(relevance_feedback=m.RelevanceFeedbackInput(target=given(target), feedback=items, strategy=strategy))


def queries(distance):
    """Each with what all points score by it, and the ids that it names."""
    v = VECTORS
    sets = [([3, v[0], 77], [5, v[1]]), ([v[2]], []), ([12, 13], [14])]
    for positive, negative in sets:
        named = [it for it in positive + negative if isinstance(it, int)]
        for strategy, by in (("average_vector", average), ("best_score", best_score), ("sum_scores", sum_scores)):
            yield recommend_query(strategy, positive, negative), by(distance, positive, negative), named
    yield recommend_query("best_score", [], [v[3], 8]), best_score(distance, [], [v[3], 8]), [8]
    yield recommend_query("sum_scores", [], [v[3], 8]), sum_scores(distance, [], [v[3], 8]), [8]
    pairs = [(v[4], 21), (22, v[5]), (v[6], v[7])]
    yield discover_query(20, pairs), discover(distance, 20, pairs), [20, 21, 22]
    yield discover_query(v[8], []), discover(distance, v[8], []), []
    yield m.ContextQuery(context=pairs_of(pairs)), context(distance, pairs), [21, 22]
    rated = [(31, 0.9), (v[9], 0.2), (32, 0.5), (33, 0.5)]
    yield feedback_query(30, rated, 0.5, 1.5, 2.0), feedback(distance, 30, rated, 0.5, 1.5, 2.0), [30, 31, 32, 33]


def assert_best(found, truth, among, smaller_is_better=False, limit=LIMIT):
    """Scores are those of the points, and no other point has a better one; equal ones are alike."""
    sign = 1 if smaller_is_better else -1
    best = np.sort(sign * truth[among])[:limit] * sign
    assert len(found) == min(limit, len(among)) and len(set(ids(found))) == len(found)
    assert set(ids(found)) <= set(among)
    assert np.allclose([it.score for it in found], best, atol=2e-4, rtol=2e-5)
    assert np.allclose([it.score for it in found], truth[ids(found)], atol=2e-4, rtol=2e-5)


def without(named, matching=lambda i: True):
    return [i for i in range(N) if i not in named and matching(i)]


@pytest.mark.parametrize("distance,shards", KINDS)
def test_every_kind_is_that_of_a_look_at_all_points(door, loaded, distance, shards):
    exact = m.SearchParams(exact=True)
    for query, truth, named in queries(distance):
        smaller = distance == EUCLID and "average" in str(query)
        found = door.query_points(called(distance, shards), query=query, limit=LIMIT, search_params=exact).points
        assert_best(found, truth, without(named), smaller)
        found = door.query_points(called(distance, shards), query=query, limit=LIMIT, query_filter=SOME, with_payload=True).points
        assert_best(found, truth, without(named, lambda i: i % 9 in (1, 4, 7)), smaller)
        assert all(it.payload["n"] == it.id for it in found)
        page = door.query_points(called(distance, shards), query=query, limit=5, offset=5, query_filter=SOME).points
        assert ids(page) == ids(found)[5:10]


@pytest.mark.parametrize("distance,shards", KINDS)
def test_without_a_wish_for_exactness_nearly_all_is_found(door, loaded, distance, shards):
    for query, truth, named in queries(distance):
        smaller = distance == EUCLID and "average" in str(query)
        found = door.query_points(called(distance, shards), query=query, limit=LIMIT).points
        among = without(named)
        worst = np.sort((1 if smaller else -1) * truth[among])[LIMIT - 1]
        good = [it for it in found if (1 if smaller else -1) * truth[it.id] <= worst + 2e-4]
        assert len(good) >= LIMIT - 1 and len(found) == LIMIT, query


@pytest.mark.parametrize("distance,shards", KINDS)
def test_below_and_above_other_stages(door, loaded, distance, shards):
    name = called(distance, shards)
    everything = m.SearchParams(exact=True)
    for query, truth, named in queries(distance):
        smaller = distance == EUCLID and "average" in str(query)
        order = np.argsort((1 if smaller else -1) * truth, kind="stable")
        near = similarities(distance, VECTORS[10])
        # Those that it finds, ranked by nearness; ids that it names are found by nobody.
        best = [int(i) for i in order if i not in named][:40]
        below = m.Prefetch(query=query, limit=40, params=everything)
        found = door.query_points(name, query=VECTORS[10].tolist(), prefetch=below, limit=10).points
        expected = sorted(best, key=lambda i: -near[i])[:10]
        # At the cut there may be equals.
        cut = truth[best[-1]]
        assert all(i in best or abs(truth[i] - cut) < 2e-4 for i in ids(found))
        if abs(truth[[int(i) for i in order if i not in named][40]] - cut) > 1e-3:
            assert ids(found) == expected
        # The nearest, ranked by it.
        nearest = m.Prefetch(query=VECTORS[10].tolist(), limit=60, params=everything)
        found = door.query_points(name, query=query, prefetch=nearest, limit=10).points
        among = [int(i) for i in np.argsort(-near) if i not in named][:60]
        assert_best(found, truth, among, smaller, limit=10)
    fused = door.query_points(name, query=m.FusionQuery(fusion="rrf"), prefetch=[m.Prefetch(query=7), m.Prefetch(query=discover_query(8, [(9, 10)]))], limit=30).points
    assert not set(ids(fused)) & {7, 8, 9, 10} and fused


def test_thresholds_go_by_the_distance(door, loaded):
    query = recommend_query("sum_scores", [VECTORS[0]], [VECTORS[1]])
    truth = {distance: sum_scores(distance, [VECTORS[0]], [VECTORS[1]]) for distance in (COSINE, EUCLID)}
    found = door.query_points(called(COSINE, 3), query=query, limit=N, score_threshold=0.3).points
    assert len(found) == (truth[COSINE] > 0.3).sum() and min(it.score for it in found) > 0.3
    found = door.query_points(called(EUCLID, 3), query=query, limit=N, score_threshold=-5).points
    assert len(found) == (truth[EUCLID] < -5).sum() and found[0].score == max(it.score for it in found)


@pytest.mark.parametrize("distance,shards", KINDS)
def test_diversity_chooses_by_the_definition(door, loaded, distance, shards):
    name, query = called(distance, shards), VECTORS[11]
    near = similarities(distance, query)
    alike = np.array([similarities(distance, row) for row in ROWS])
    order = np.argsort(-near)
    for diversity, candidates in ((0.0, 50), (0.3, 50), (0.5, None), (0.9, 80), (1.0, 30)):
        chosen, left = [], [int(i) for i in order[: candidates or 12]]
        while left and len(chosen) < 12:
            worth = [near[i] if not chosen else (1 - diversity) * near[i] - diversity * alike[i][chosen].max() for i in left]
            chosen.append(left.pop(int(np.argmax(worth))))
        mmr = m.NearestQuery(nearest=query.tolist(), mmr=m.Mmr(diversity=diversity, candidates_limit=candidates))
        exact = m.SearchParams(exact=True)
        found = door.query_points(name, query=mmr, limit=12, search_params=exact).points
        assert ids(found) == chosen, (diversity, candidates)
        assert all(it.vector is None for it in found)
        shown = np.sqrt(-near[chosen]) if distance == EUCLID else near[chosen]
        assert np.allclose([it.score for it in found], shown, atol=1e-4)
    within = door.query_points(name, query=mmr, prefetch=m.Prefetch(query=3, limit=20), limit=5, with_vectors=["b"], with_payload=["n"]).points
    assert len(within) == 5 and all(set(it.vector) <= {"b"} and it.payload == {"n": it.id} for it in within)
    page = door.query_points(name, query=m.NearestQuery(nearest=query.tolist(), mmr=m.Mmr(candidates_limit=50)), limit=12, search_params=exact).points
    rest = door.query_points(name, query=m.NearestQuery(nearest=query.tolist(), mmr=m.Mmr(candidates_limit=50)), limit=6, offset=6, search_params=exact).points
    assert ids(rest) == ids(page)[6:]
    by_id = door.query_points(name, query=m.NearestQuery(nearest=4, mmr=m.Mmr()), limit=5, with_vectors=True).points
    assert 4 not in ids(by_id) and all(it.vector for it in by_id)


def test_points_of_another_collection_are_examples(door, loaded):
    name, place = called(COSINE, 3), m.LookupLocation(collection="examples-others", vector="other")
    exact = m.SearchParams(exact=True)
    for by_id, by_vector in (
        (5, OTHERS[5].tolist()),
        (recommend_query("best_score", [1, 2], [3]), recommend_query("best_score", [OTHERS[1], OTHERS[2]], [OTHERS[3]])),
        (recommend_query("average_vector", [1, 2], [3]), recommend_query("average_vector", [OTHERS[1], OTHERS[2]], [OTHERS[3]])),
        (discover_query(1, [(2, 3)]), discover_query(OTHERS[1], [(OTHERS[2], OTHERS[3])])),
        (m.NearestQuery(nearest=1, mmr=m.Mmr(candidates_limit=N)), m.NearestQuery(nearest=OTHERS[1].tolist(), mmr=m.Mmr(candidates_limit=N))),
    ):
        looked_up = door.query_points(name, query=by_id, lookup_from=place, limit=N, search_params=exact).points
        direct = door.query_points(name, query=by_vector, limit=N, search_params=exact).points
        assert ids(looked_up) == ids(direct) and len(direct) == N, "points of another collection are found here"
        below = door.query_points(name, query=VECTORS[0].tolist(), prefetch=m.Prefetch(query=by_id, lookup_from=place, limit=9, params=exact)).points
        assert set(ids(below)) == set(ids(direct)[:9])
    # The other vector of the collection itself: the point is an example, and is not found.
    own = m.LookupLocation(collection=name, vector="b")
    found = door.query_points(name, query=1, lookup_from=own, limit=N, search_params=exact).points
    direct = door.query_points(name, query=ROWS[-1].tolist(), limit=N, search_params=exact).points
    assert ids(found) == [i for i in ids(direct) if i != 1]


def refusal(door, *arguments, **named):
    try:
        door.query_points(*arguments, **named)
    except UnexpectedResponse as error:
        return error.status_code, error.content.decode()
    except grpc.RpcError as error:
        codes = {grpc.StatusCode.NOT_FOUND: 404, grpc.StatusCode.INVALID_ARGUMENT: 400}
        return codes[error.code()], error.details()
    raise AssertionError("it was answered")


def test_examples_that_make_no_query_are_refused(door, loaded):
    name, others = called(COSINE, 3), "examples-others"
    empty = "Positive vectors should not be empty with `average` strategy"
    for query, more, status, text in (
        (recommend_query("best_score", [1, 5000], []), {}, 404, "Not found: No point with id 5000 found"),
        (discover_query(5000, []), {}, 404, "Not found: No point with id 5000 found"),
        (recommend_query("average_vector", [], [1]), {}, 400, empty),
        (recommend_query("average_vector", [10], []), {"using": "b"}, 400, empty),
        (discover_query(10, []), {"using": "b"}, 404, "Not found: Vector with name"),
        (recommend_query("best_score", [10], [20]), {"using": "b"}, 400, "At least one positive or negative vector ID required with this strategy"),
        (recommend_query("best_score", [1], []), {"using": "nope"}, 400, "nope"),
        (recommend_query("best_score", [[1.0, 2.0]], []), {}, 400, "Vector dimension error: expected dim: 12, got 2"),
        (recommend_query("average_vector", [1, [1.0, 2.0]], []), {}, 400, "Vector dimension error: expected dim: 12, got 2"),
        (recommend_query("best_score", [1], []), {"lookup_from": m.LookupLocation(collection="nope")}, 404, "Collection nope not found"),
        (recommend_query("best_score", [77], []), {"lookup_from": m.LookupLocation(collection=others, vector="other")}, 404, "No point with id 77 found"),
        (recommend_query("average_vector", [1], []), {"lookup_from": m.LookupLocation(collection=others, vector="nope")}, 400, "Not existing vector name error: nope"),
        (recommend_query("average_vector", [77], []), {"lookup_from": m.LookupLocation(collection=others, vector="nope")}, 404, "No point with id 77 found"),
        (discover_query(1, []), {"lookup_from": m.LookupLocation(collection=others)}, 400, "Not existing vector name error: "),
        # Also where no point is looked up there.
        (recommend_query("best_score", [VECTORS[0].tolist()], []), {"lookup_from": m.LookupLocation(collection="nope")}, 404, "Collection nope not found"),
        (VECTORS[0].tolist(), {"prefetch": m.Prefetch(limit=9, lookup_from=m.LookupLocation(collection="nope"))}, 404, "Collection nope not found"),
        (recommend_query("best_score", list(range(700)), [i + 0 for i in range(400)]), {}, 400, "1100 examples, the limit is 1024"),
    ):
        got, said = refusal(door, name, query=query, **more)
        assert (got, text in said) == (status, True), (query, said)
    fusion = m.FusionQuery(fusion="rrf")
    for id, place, status, text in (
        (77, m.LookupLocation(collection=others, vector="other"), 404, "No point with id 77 found"),
        (1, m.LookupLocation(collection="nope"), 404, "Collection nope not found"),
        (1, m.LookupLocation(collection=others, vector="nope"), 400, "Not existing vector name error: nope"),
        (1, None, 400, "Fusion queries cannot be combined with the 'using' field."),
    ):
        below = m.Prefetch(query=recommend_query("best_score", [id], []), lookup_from=place)
        for prefetch in (below, m.Prefetch(query=fusion, prefetch=below)):
            got, said = refusal(door, name, prefetch=prefetch, query=fusion, using="b")
            assert (got, text in said) == (status, True), said
    some = recommend_query("average_vector", [10, 11], [20, 21])
    assert len(door.query_points(name, query=some, using="b", limit=5).points) == 5, "points without the vector are passed over"


def test_many_examples(door, loaded):
    positive, negative = list(range(0, 500)), list(range(500, 700))
    for strategy, by in (("best_score", best_score), ("sum_scores", sum_scores)):
        found = door.query_points(called(COSINE, 3), query=recommend_query(strategy, positive, negative), limit=LIMIT).points
        truth = by(COSINE, positive, negative)
        assert np.allclose([it.score for it in found], np.sort(truth[700:])[::-1][:LIMIT], atol=1e-3)


def test_groups_and_batches(door, loaded):
    name, query = called(COSINE, 3), recommend_query("best_score", [3, VECTORS[0]], [5])
    truth = best_score(COSINE, [3, VECTORS[0]], [5])
    order = [int(i) for i in np.argsort(-truth) if i not in (3, 5)]
    groups = door.query_points_groups(name, group_by="group", query=query, limit=4, group_size=3, with_payload=False).groups
    expected = {}
    for i in order:
        expected.setdefault(i % 9, []).append(i)
    first = list(expected)[:4]
    assert [(it.id, ids(it.hits)) for it in groups] == [(group, expected[group][:3]) for group in first]
    asked = [query for query, _, _ in queries(COSINE)]
    batch = door.query_batch_points(name, [m.QueryRequest(query=query, limit=6) for query in asked])
    alone = [door.query_points(name, query=query, limit=6).points for query in asked]
    assert [ids(it.points) for it in batch] == [ids(it) for it in alone]


OLDER = [
    ("recommend", {"positive": [3, 77], "negative": [5]}, {"recommend": {"positive": [3, 77], "negative": [5]}}),
    ("recommend", {"positive": [3], "negative": [5], "strategy": "best_score", "using": "b"}, {"recommend": {"positive": [3], "negative": [5], "strategy": "best_score"}}),
    ("recommend", {"negative": [5, 6], "strategy": "sum_scores"}, {"recommend": {"negative": [5, 6], "strategy": "sum_scores"}}),
    ("discover", {"target": 3, "context": [{"positive": 4, "negative": 5}]}, {"discover": {"target": 3, "context": [{"positive": 4, "negative": 5}]}}),
    ("discover", {"target": 3}, {"discover": {"target": 3, "context": None}}),
    ("discover", {"context": [{"positive": 4, "negative": 5}]}, {"context": [{"positive": 4, "negative": 5}]}),
]


@pytest.mark.parametrize("operation,older,query", OLDER)
def test_older_operations_are_queries(node, stub, loaded, operation, older, query):
    name = called(COSINE, 3)
    more = {"limit": 7, "offset": 2, "with_payload": ["n"], "with_vector": False, "filter": {"must": [{"key": "group", "match": {"any": [1, 4, 7]}}]}}
    path = f"/collections/{name}/points"
    using = {key: older[key] for key in ("using",) if key in older}
    _, answer = node.call("POST", f"{path}/query", {"query": query, **more, **using})
    expected = answer["result"]["points"]
    assert len(expected) == 7
    assert node.call("POST", f"{path}/{operation}", {**older, **more})[1]["result"] == expected
    _, answer = node.call("POST", f"{path}/{operation}/batch", {"searches": [{**older, **more}] * 2})
    assert answer["result"] == [expected] * 2
    message = over_grpc(operation, older, name)
    call = {"recommend": stub.Recommend, "discover": stub.Discover}[operation]
    assert [it.id.num for it in call(message).result] == [it["id"] for it in expected]
    batches = {
        "recommend": lambda: stub.RecommendBatch(wire.RecommendBatchPoints(collection_name=name, recommend_points=[message])),
        "discover": lambda: stub.DiscoverBatch(wire.DiscoverBatchPoints(collection_name=name, discover_points=[message])),
    }
    assert [it.id.num for it in batches[operation]().result[0].result] == [it["id"] for it in expected]


def over_grpc(operation, older, name):
    some = wire.Filter(must=[wire.Condition(field=wire.FieldCondition(key="group", match=wire.Match(integers=wire.RepeatedIntegers(integers=[1, 4, 7]))))])
    more = {"collection_name": name, "limit": 7, "offset": 2, "filter": some, "using": older.get("using")}
    number = lambda i: wire.PointId(num=i)
    if operation == "recommend":
        strategy = {None: None, "best_score": wire.RecommendStrategy.BestScore, "sum_scores": wire.RecommendStrategy.SumScores}[older.get("strategy")]
        # One as its vector, which it would be found by if it were not excluded too.
        positive, negative = ([number(i) for i in older.get(part, [])] for part in ("positive", "negative"))
        return wire.RecommendPoints(positive=positive, negative=negative, strategy=strategy, **more)
    example = lambda i: wire.VectorExample(id=number(i))
    context = [wire.ContextExamplePair(positive=example(it["positive"]), negative=example(it["negative"])) for it in older.get("context", [])]
    target = wire.TargetVector(single=example(older["target"])) if "target" in older else None
    return wire.DiscoverPoints(target=target, context=context, **more)


def test_older_operations_take_vectors_and_groups(node, stub, loaded):
    name = called(COSINE, 3)
    path = f"/collections/{name}/points"
    vector = wire.Vector(data=VECTORS[0].tolist())
    found = stub.Recommend(wire.RecommendPoints(collection_name=name, positive_vectors=[vector], negative=[wire.PointId(num=5)], limit=5)).result
    older = {"positive": [VECTORS[0].tolist()], "negative": [5]}
    _, answer = node.call("POST", f"{path}/recommend", {**older, "limit": 5})
    assert [it.id.num for it in found] == [it["id"] for it in answer["result"]]
    example = wire.VectorExample(vector=vector)
    found = stub.Discover(wire.DiscoverPoints(collection_name=name, target=wire.TargetVector(single=example), limit=5)).result
    _, answer = node.call("POST", f"{path}/discover", {"target": VECTORS[0].tolist(), "limit": 5})
    assert [it.id.num for it in found] == [it["id"] for it in answer["result"]]
    grouped = {"group_by": "group", "group_size": 2, "limit": 3}
    _, query = node.call("POST", f"{path}/query/groups", {"query": {"recommend": older}, **grouped})
    _, answer = node.call("POST", f"{path}/recommend/groups", {**older, **grouped})
    assert answer["result"] == query["result"] and len(answer["result"]["groups"]) == 3
    message = wire.RecommendPointGroups(collection_name=name, positive_vectors=[vector], negative=[wire.PointId(num=5)], **grouped)
    groups = stub.RecommendGroups(message).result.groups
    assert [[it.id.num for it in group.hits] for group in groups] == [[it["id"] for it in group["hits"]] for group in answer["result"]["groups"]]
    for body, text in (
        ({"negative": [1], "limit": 1}, "Bad request: At least one positive vector ID required with this strategy"),
        ({"strategy": "best_score", "limit": 1}, "Bad request: At least one positive or negative vector ID required with this strategy"),
        ({"positive": [5000], "limit": 1}, "Not found: No point with id 5000 found"),
    ):
        assert node.call("POST", f"{path}/recommend", body)[1]["status"]["error"] == text
    status, answer = node.call("POST", f"{path}/discover", {"limit": 1})
    assert (status, answer["status"]["error"]) == (400, "Bad request: target and/or context_pairs must be specified")
