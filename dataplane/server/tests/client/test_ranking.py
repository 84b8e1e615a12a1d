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
WORDS = ["red", "green", "blue", "x" * 300, "x" * 299 + "y", "", "zero\0byte"]
UUIDS = [str(uuid.UUID(int=i)) for i in (7, 8)]
INDEXES = {"n": "integer", "f": "float", "t": "datetime", "w": "keyword", "b": "bool", "u": "uuid", "l": "integer", "e": "keyword"}


def payload(i):
    """Values of every kind: repeated, missing, several, of other types."""
    made = {"n": i * 7 % 50 - 20, "f": [i / 8, -i / 3][i % 2], "w": WORDS[i % 7], "b": i % 3 == 0, "u": UUIDS[i % 2].upper() if i % 5 else UUIDS[1]}
    made["t"] = f"20{i % 30 + 10}-01-01T00:00:0{i % 10}.5Z"
    made["l"] = [i % 4, i % 6, i % 4, "none", 1.5][: i % 6]
    made["e"] = [WORDS[i % 3], WORDS[i % 2], i]
    if i % 11 == 0:
        made.pop("n")
    if i % 13 == 0:
        made["f"] = "no number"
    return made


PAYLOADS = [payload(i) for i in range(N)]


@pytest.fixture(scope="module", params=["rest", "grpc"])
def door(node, request):
    it = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=request.param == "grpc", timeout=60)
    yield it
    it.close()


@pytest.fixture(scope="module", params=[1, 3])
def loaded(client, request):
    """The same points in one shard or in several."""
    name = f"ranking-{uuid.uuid4()}"
    vectors = {"a": m.VectorParams(size=DIM, distance="Dot"), "e": m.VectorParams(size=3, distance="Euclid")}
    client.create_collection(name, vectors_config=vectors, shard_number=request.param)
    client.upsert(name, m.Batch(ids=list(range(N)), vectors={key: rows.tolist() for key, rows in ROWS.items()}, payloads=PAYLOADS))
    for key, schema in INDEXES.items():
        client.create_payload_index(name, key, schema, wait=True)
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
    # The offset counts for the prefetches too.
    deeper = [near("a", limits[0] + 10), near("e", limits[1] + 10)]
    paged = door.query_points(loaded, prefetch=deeper, query=fused, limit=15).points
    assert ids(door.query_points(loaded, prefetch=parts, query=fused, limit=5, offset=10).points) == ids(paged)[10:]
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


def in_order(key, descending=False, start=None, among=range(N)):
    """Values and points in the order of a key."""
    found = set()
    for i in among:
        values = PAYLOADS[i].get(key, [])
        for value in values if isinstance(values, list) else [values]:
            if key == "t":
                value = micros(value)
            elif isinstance(value, str) or (key != "f" and not isinstance(value, int)):
                continue
            if start is None or (value <= start if descending else value >= start):
                found.add((value, i))
    return sorted(found, reverse=descending)


def micros(text):
    return int(np.datetime64(text.rstrip("Z"), "us").astype(int))


def shown(points):
    return [(it.order_value, it.id) for it in points]


ORDERS = [("n", False, None), ("n", True, None), ("n", False, 3), ("n", True, -5.5), ("n", False, 3.5), ("n", True, 1000), ("n", False, 1000)]
ORDERS += [("f", False, None), ("f", True, 2), ("f", False, -1.25), ("t", False, None), ("t", True, None), ("l", False, None), ("l", True, 3)]


@pytest.mark.parametrize("key,descending,start", ORDERS)
def test_points_come_in_the_order_of_a_field(door, loaded, key, descending, start):
    order = m.OrderBy(key=key, direction="desc" if descending else None, start_from=start)
    truth = in_order(key, descending, start)
    for limit in (1, 7, 1000):
        found, following = door.scroll(loaded, order_by=order, limit=limit, with_payload=[key])
        assert (shown(found), following) == (truth[:limit], None)
        assert all(it.payload == {key: PAYLOADS[it.id][key]} for it in found)
        asked = door.query_points(loaded, query=m.OrderByQuery(order_by=order), limit=limit).points
        assert shown(asked) == truth[:limit] and all((it.score, it.version) == (1, 0) for it in asked)
    assert shown(door.query_points(loaded, query=m.OrderByQuery(order_by=order), limit=5, offset=3).points) == truth[3:8]
    few = m.Filter(must=[m.HasIdCondition(has_id=list(range(0, 40, 3)))])
    half = m.Filter(must=[m.FieldCondition(key="b", match=m.MatchValue(value=False))])
    for some, among in ((few, range(0, 40, 3)), (half, [i for i in range(N) if i % 3])):
        found, _ = door.scroll(loaded, order_by=order, scroll_filter=some, limit=25, with_payload=False)
        assert shown(found) == in_order(key, descending, start, among)[:25]


def test_orders_start_at_datetimes_and_at_their_microseconds(door, loaded):
    text = "2020-01-01T00:00:03Z"
    for start in (text, micros("2020-01-01T00:00:03")):
        for descending in (False, True):
            order = m.OrderBy(key="t", direction="desc" if descending else "asc", start_from=start)
            found, _ = door.scroll(loaded, order_by=order, limit=9)
            assert shown(found) == in_order("t", descending, micros(text))[:9]


def test_prefetches_are_put_in_order_and_are_made_in_order(door, loaded):
    best = [i for i, _ in listed("a", 50)]
    order = m.OrderByQuery(order_by=m.OrderBy(key="n", direction="desc"))
    found = door.query_points(loaded, prefetch=near("a", 50), query=order, limit=20).points
    assert shown(found) == in_order("n", True, among=best)[:20]
    first = m.Prefetch(query=m.OrderByQuery(order_by="n"), limit=30)
    found = door.query_points(loaded, prefetch=first, query=QUERIES["a"].tolist(), using="a", search_params=EXACT, limit=30).points
    assert sorted(ids(found)) == sorted(i for _, i in in_order("n")[:30])
    fused = door.query_points(loaded, prefetch=[first], query=m.FusionQuery(fusion="rrf"), limit=30).points
    assert ids(fused) == [i for _, i in in_order("n")[:30]]


def test_what_does_not_fit_an_order_is_said(door, loaded):
    scroll = lambda **more: lambda: door.scroll(loaded, **more)
    for key in ("w", "u", "b", "nope"):
        text = refused(scroll(order_by=key))
        assert f"No range index for `order_by` key: `{key}`. Please create one to use `order_by`" in text
    assert "Cannot use an `offset` when using `order_by`. The alternative" in refused(scroll(order_by="n", offset=3))
    query = lambda: door.query_points(loaded, query=m.OrderByQuery(order_by="n"), score_threshold=0.5)
    assert "Can't use score_threshold with an order_by query." in refused(query)


def test_each_point_is_as_likely_to_be_drawn(door, loaded):
    sample = m.SampleQuery(sample=m.Sample.RANDOM)
    some = m.Filter(must=[m.FieldCondition(key="n", range=m.Range(gte=20))])
    matching = [i for i in range(N) if PAYLOADS[i].get("n", -99) >= 20]
    counts = dict.fromkeys(matching, 0)
    rounds = 150
    for _ in range(rounds):
        found = door.query_points(loaded, query=sample, query_filter=some, limit=10).points
        assert len(found) == len(set(ids(found))) == 10 and {it.score for it in found} == {1.0}
        for it in found:
            counts[it.id] += 1
    expected = rounds * 10 / len(matching)
    assert all(abs(it - expected) < 5.5 * expected**0.5 for it in counts.values()), counts
    every = door.query_points(loaded, query=sample, query_filter=some, limit=1000, offset=5, with_payload=["n"]).points
    assert sorted(ids(every)) == matching, "an offset skips nothing"
    assert all(it.payload == {"n": PAYLOADS[it.id]["n"]} for it in every)
    of_best = door.query_points(loaded, prefetch=near("a", 20), query=sample, limit=5).points
    assert len(of_best) == 5 and set(ids(of_best)) <= {i for i, _ in listed("a", 20)}
    drawn = m.Prefetch(query=sample, limit=12)
    assert len(door.query_points(loaded, prefetch=drawn, query=QUERIES["a"].tolist(), using="a", limit=50).points) == 12


def counted(key, among):
    counts = {}
    for i in among:
        values = PAYLOADS[i].get(key, [])
        kinds = {"n": int, "l": int, "w": str, "e": str, "u": str, "b": bool}[key]
        values = [it.lower() if key == "u" else it for it in (values if isinstance(values, list) else [values]) if type(it) is kinds]
        for value in set(values):
            counts[value] = counts.get(value, 0) + 1
    return sorted(counts.items(), key=lambda it: (-it[1], it[0]))


@pytest.mark.parametrize("key", ["n", "l", "w", "e", "u", "b"])
def test_values_are_counted(door, loaded, key):
    half = m.Filter(must=[m.FieldCondition(key="n", range=m.Range(lt=3))])
    few = m.Filter(must=[m.HasIdCondition(has_id=[3, 50, 51, 399])])
    matching = [i for i in range(N) if PAYLOADS[i].get("n", 99) < 3]
    for some, among in ((None, range(N)), (half, matching), (few, [3, 50, 51, 399])):
        truth = counted(key, among)
        for limit in (1, 3, 1000):
            hits = door.facet(loaded, key, facet_filter=some, limit=limit, exact=limit == 3).hits
            assert [(it.value, it.count) for it in hits] == truth[:limit]
    assert len(door.facet(loaded, key).hits) == min(10, len(counted(key, range(N))))


def test_values_are_counted_of_what_has_an_index_for_it(door, loaded):
    for key in ("f", "t", "nope"):
        text = refused(lambda: door.facet(loaded, key))
        assert f"No appropriate index for faceting: `{key}`. Please create one to facet on this field" in text


def test_a_matrix_has_the_neighbours_of_points_among_those_that_are_drawn(door, loaded):
    ask = {"using": "e", "limit": 4}
    offsets = door.search_matrix_offsets(loaded, sample=30, **ask)
    assert len(offsets.ids) == 30 and offsets.ids == sorted(offsets.ids)
    rows = {}
    for row, column, score in zip(offsets.offsets_row, offsets.offsets_col, offsets.scores):
        rows.setdefault(offsets.ids[row], []).append((offsets.ids[column], score))
    for i, found in rows.items():
        truth = sorted((float(np.linalg.norm(ROWS["e"][i] - ROWS["e"][j])), j) for j in offsets.ids if j != i)[:4]
        assert np.allclose([score for _, score in found], [score for score, _ in truth], atol=1e-4)
    few = m.Filter(must=[m.HasIdCondition(has_id=[3, 4, 5])])
    pairs = door.search_matrix_pairs(loaded, query_filter=few, **ask).pairs
    assert [(it.a, {it.b}) for it in pairs] and {(it.a, it.b) for it in pairs} == {(a, b) for a in (3, 4, 5) for b in (3, 4, 5) if a != b}
    assert [it.a for it in pairs] == [3, 3, 4, 4, 5, 5]
    alone = m.Filter(must=[m.HasIdCondition(has_id=[3])])
    assert door.search_matrix_pairs(loaded, query_filter=alone, **ask).pairs == []
    assert "sample" in refused(lambda: door.search_matrix_pairs(loaded, sample=1, **ask))
    assert "nope" in refused(lambda: door.search_matrix_pairs(loaded, using="nope"))


def expression_of(rng, depth=0):
    """A formula, and what it comes to for a point with its scores of two prefetches."""
    kind = rng.integers(18 if depth < 3 else 5)
    if kind == 0:
        constant = float(np.float32(rng.uniform(-2, 2)))
        return constant, lambda i, scores: constant
    if kind == 1:
        place = int(rng.integers(2))
        return ["$score", "$score[1]"][place], lambda i, scores: scores[place].get(i, [0.0, -1.5][place])
    if kind == 2:
        return "n", lambda i, scores: PAYLOADS[i].get("n", 7.5)
    if kind == 3:
        red = m.FieldCondition(key="w", match=m.MatchAny(any=["red", "blue"]))
        return red, lambda i, scores: float(PAYLOADS[i]["w"] in ("red", "blue"))
    if kind == 4:
        years = m.DivExpression(div=m.DivParams(left=m.DatetimeKeyExpression(datetime_key="t"), right=2.0**25))
        return years, lambda i, scores: micros(PAYLOADS[i]["t"]) / 1e6 / 2.0**25
    (a, of_a), (b, of_b) = expression_of(rng, depth + 1), expression_of(rng, depth + 1)
    if kind < 6:
        return m.SumExpression(sum=[a, b, 0.25]), lambda i, scores: of_a(i, scores) + of_b(i, scores) + 0.25
    if kind < 8:
        return m.MultExpression(mult=[a, b]), lambda i, scores: of_a(i, scores) * of_b(i, scores)
    if kind == 8:
        return m.NegExpression(neg=a), lambda i, scores: -of_a(i, scores)
    if kind == 9:
        quotient = m.DivExpression(div=m.DivParams(left=a, right=m.SumExpression(sum=[m.AbsExpression(abs=b), 1.0])))
        return quotient, lambda i, scores: of_a(i, scores) / (abs(of_b(i, scores)) + 1)
    if kind == 10:
        return m.SqrtExpression(sqrt=m.AbsExpression(abs=a)), lambda i, scores: abs(of_a(i, scores)) ** 0.5
    if kind == 11:
        decay = m.GaussDecayExpression(gauss_decay=m.DecayParamsExpression(x=a, target=b, scale=2.0, midpoint=0.25))
        return decay, lambda i, scores: 0.25 ** (((of_a(i, scores) - of_b(i, scores)) / 2) ** 2)
    if kind == 12:
        decay = m.ExpDecayExpression(exp_decay=m.DecayParamsExpression(x=a, target=b, scale=4.0))
        return decay, lambda i, scores: 0.5 ** (abs(of_a(i, scores) - of_b(i, scores)) / 4)
    if kind == 13:
        decay = m.LinDecayExpression(lin_decay=m.DecayParamsExpression(x=a, target=b, scale=8.0, midpoint=0.25))
        return decay, lambda i, scores: max(0, 1 - 0.75 / 8 * abs(of_a(i, scores) - of_b(i, scores)))
    if kind == 14:
        either = m.MaxExpression(max=[a, b, m.MinExpression(min=[a, 0.5])])
        return either, lambda i, scores: max(of_a(i, scores), of_b(i, scores), min(of_a(i, scores), 0.5))
    # Of what is positive, and larger than 1.
    large = m.SumExpression(sum=[m.AbsExpression(abs=a), 1.5])
    of_large = lambda i, scores: abs(of_a(i, scores)) + 1.5
    if kind == 15:
        logs = m.SumExpression(sum=[m.LnExpression(ln=large), m.Log10Expression(log10=large)])
        return logs, lambda i, scores: np.log(of_large(i, scores)) + np.log10(of_large(i, scores))
    if kind == 16:
        power = m.PowExpression(pow=m.PowParams(base=large, exponent=-1.25))
        return power, lambda i, scores: of_large(i, scores) ** -1.25
    parts = m.SumExpression(sum=[m.AcoshExpression(acosh=large), m.ExpExpression(exp=m.NegExpression(neg=large))])
    return parts, lambda i, scores: np.arccosh(of_large(i, scores)) + np.exp(-of_large(i, scores))


DEFAULTS = {"n": 7.5, "$score[1]": -1.5}


def formula(door, loaded, expression, defaults=None, limit=200, deeper=0, **more):
    query = m.FormulaQuery(formula=expression, defaults=defaults or {})
    prefetch = [near("a", 60 + deeper), near("e", 40 + deeper)]
    return door.query_points(loaded, prefetch=prefetch, query=query, limit=limit, **more).points


def test_formulas_are_worked_out_for_what_prefetches_found(door, loaded):
    rng = np.random.default_rng(6)
    scores = [dict(listed("a", 60)), dict(listed("e", 40))]
    for _ in range(80):
        expression, value = expression_of(rng)
        truth = {i: value(i, scores) for i in scores[0] | scores[1]}
        found = formula(door, loaded, expression, DEFAULTS)
        assert {it.id for it in found} == set(truth)
        assert np.allclose([it.score for it in found], [truth[it.id] for it in found], rtol=1e-4, atol=1e-4), expression
        assert [it.score for it in found] == sorted((it.score for it in found), reverse=True)
        threshold = found[5].score
        close = formula(door, loaded, expression, DEFAULTS, score_threshold=threshold)
        assert ids(close) == [it.id for it in found if it.score >= threshold]
        paged = formula(door, loaded, expression, DEFAULTS, limit=7, deeper=3)
        assert ids(formula(door, loaded, expression, DEFAULTS, limit=4, offset=3)) == ids(paged)[3:]


def test_formulas_know_times_places_and_all_functions(door, client, name):
    client.create_collection(name, vectors_config=m.VectorParams(size=2, distance="Dot"), shard_number=2)
    places = [(13.4, 52.5), (2.35, 48.85), (-0.13, 51.5)]
    payloads = [{"place": {"lon": lon, "lat": lat}, "time": f"2024-05-0{i + 1}T12:00:00Z", "x": i + 1.5} for i, (lon, lat) in enumerate(places)]
    client.upsert(name, m.Batch(ids=[0, 1, 2], vectors=[[1, 0], [2, 0], [3, 0]], payloads=payloads))

    def ask(expression):
        query = m.FormulaQuery(formula=expression, defaults={"gone": {"lon": 13.4, "lat": 52.5}, "never": "2024-05-01T12:00:00Z"})
        found = door.query_points(name, prefetch=m.Prefetch(query=[1, 0], limit=9), query=query).points
        return [score for _, score in sorted((it.id, it.score) for it in found)]

    origin = m.GeoPoint(lon=13.4, lat=52.5)
    distance = lambda to: m.GeoDistance(geo_distance=m.GeoDistanceParams(origin=origin, to=to))
    assert np.allclose(ask(distance("place")), [0, 878_000, 930_000], rtol=0.02)
    assert ask(distance("gone")) == [0, 0, 0]
    days = m.DivExpression(div=m.DivParams(left=m.SumExpression(sum=[m.DatetimeKeyExpression(datetime_key="time"), m.NegExpression(neg=m.DatetimeExpression(datetime="2024-05-01"))]), right=86_400))
    assert np.allclose(ask(days), [0.5, 1.5, 2.5])
    assert len(set(ask(m.DatetimeKeyExpression(datetime_key="never")))) == 1
    x = np.array([1.5, 2.5, 3.5])
    params = m.DecayParamsExpression(x="x", target=1.5, scale=2.0, midpoint=0.5)
    for expression, expected in [
        (m.ExpExpression(exp="x"), np.exp(x)),
        (m.LnExpression(ln="x"), np.log(x)),
        (m.Log10Expression(log10="x"), np.log10(x)),
        (m.PowExpression(pow=m.PowParams(base="x", exponent=2.5)), x**2.5),
        (m.AcoshExpression(acosh="x"), np.arccosh(x)),
        (m.MaxExpression(max=["x", 2.0]), np.maximum(x, 2)),
        (m.MinExpression(min=["x", 2.0]), np.minimum(x, 2)),
        (m.LinDecayExpression(lin_decay=params), 1 - (x - 1.5) / 4),
        (m.ExpDecayExpression(exp_decay=params), 0.5 ** ((x - 1.5) / 2)),
        (m.GaussDecayExpression(gauss_decay=params), 0.5 ** (((x - 1.5) / 2) ** 2)),
        (m.HasVectorCondition(has_vector=""), [1, 1, 1]),
        (m.Filter(must_not=[m.HasIdCondition(has_id=[1])]), [1, 0, 1]),
        (m.DivExpression(div=m.DivParams(left=1.0, right=m.SumExpression(sum=["x", -2.5]), by_zero_default=9.0)), [-1, 9, 1]),
    ]:
        assert np.allclose(ask(expression), expected, rtol=1e-5), expression


def test_what_is_wrong_with_a_formula_is_said(door, loaded):
    ask = lambda expression, **more: lambda: formula(door, loaded, expression, **more)
    missing = "Expected number value for nope in the payload and/or in the formula defaults. Error: No value found in a payload nor defaults"
    assert missing in refused(ask("nope"))
    assert "Expected number value for w in the payload" in refused(ask("w"))
    assert "The expression 1/0 = inf produced a non-finite number" in refused(ask(m.DivExpression(div=m.DivParams(left=1.0, right=0.0))))
    assert "√-1 = NaN produced a non-finite number" in refused(ask(m.SqrtExpression(sqrt=-1.0)))
    assert "failed to parse variable ID $other: Invalid reserved word: $other" in refused(ask("$other"))
    wide = m.LinDecayExpression(lin_decay=m.DecayParamsExpression(x=1.0, midpoint=1.5))
    assert "Validation failed: Linear decay midpoint should be in the range [0.0, 1.0], got 1.5." in refused(ask(wide))
    alone = lambda: door.query_points(loaded, query=m.FormulaQuery(formula=1.0))
    assert "cannot apply Formula without prefetches" in refused(alone)


def test_formulas_are_stages_of_others(door, loaded):
    negated = m.Prefetch(prefetch=[near("e", 30)], query=m.FormulaQuery(formula=m.NegExpression(neg="$score")), limit=10)
    found = door.query_points(loaded, prefetch=[negated, near("a", 20)], query=m.FusionQuery(fusion="dbsf"), limit=40).points
    truth = dbsf([[(i, -score) for i, score in listed("e", 10)], listed("a", 20)])
    assert_ranked(found, truth, 40)
    groups = door.query_points_groups(loaded, "w", prefetch=near("a", 20), query=m.FormulaQuery(formula=m.NegExpression(neg="$score")), limit=2, group_size=2).groups
    best = [it.hits[0].score for it in groups]
    assert best == sorted(best, reverse=True) and len(groups) == 2


def test_groups_of_an_order_keep_its_values(door, loaded):
    order = m.OrderByQuery(order_by=m.OrderBy(key="n", direction="desc"))
    groups = door.query_points_groups(loaded, "w", query=order, limit=3, group_size=2, with_payload=["w"]).groups
    expected = {}
    for value, i in in_order("n", True):
        expected.setdefault(PAYLOADS[i]["w"], []).append((value, i))
    assert [(it.id, shown(it.hits)) for it in groups] == [(key, it[:2]) for key, it in list(expected.items())[:3]]
