"""REST and gRPC side by side: the same request has the same answer, or the same refusal."""

import json
import random

import grpc
import numpy as np
import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m
from qdrant_client.http.exceptions import UnexpectedResponse

REQUESTS = 250
# Codes of gRPC by statuses of REST.
CODES = {
    400: {"INVALID_ARGUMENT", "UNIMPLEMENTED"},
    404: {"NOT_FOUND"},
    409: {"ALREADY_EXISTS", "FAILED_PRECONDITION"},
    422: {"INVALID_ARGUMENT"},
}
WORDS = ["red", "green", "blue", "2024-05-01T00:00:00Z"]


@pytest.fixture(scope="module")
def doors(node):
    """The two clients, and a collection for each, with the same points."""
    rest = QdrantClient(url=node.url, timeout=60)
    over = QdrantClient(node.host, port=node.port, grpc_port=node.grpc_port, prefer_grpc=True, timeout=60)
    rng = random.Random(3)
    points = [point(rng, i) for i in range(200)]
    for client, name in ((rest, "doors-rest"), (over, "doors-grpc")):
        client.create_collection(name, vectors_config={"": params(), "named": params()}, shard_number=2)
        client.create_payload_index(name, "n", "integer", wait=True)
        client.create_payload_index(name, "w", m.TextIndexParams(type="text", tokenizer="word", phrase_matching=True), wait=True)
        client.upsert(name, points, wait=True)
    rest.create_collection("doors-others", vectors_config={"": params(), "named": params()})
    rest.upsert("doors-others", [point(rng, i) for i in range(150)], wait=True)
    yield (rest, "doors-rest"), (over, "doors-grpc")
    rest.close()
    over.close()


def params():
    return m.VectorParams(size=3, distance=m.Distance.COSINE)


def vector(rng, size=3):
    return [round(rng.uniform(-1, 1), 3) for _ in range(size)]


def point(rng, number):
    payload = {"n": rng.choice([number, -1, 2**60, number + 0.5]), "w": rng.choice(WORDS), "l": [1, rng.random(), None][: rng.randrange(4)]}
    payload["geo"] = {"lon": rng.uniform(-10, 10), "lat": rng.uniform(-10, 10)}
    payload["o"] = [{"a": rng.randrange(3), "b": rng.choice(WORDS)} for _ in range(rng.randrange(3))]
    named = {"": vector(rng), **({"named": vector(rng)} if rng.random() < 0.7 else {})}
    return m.PointStruct(id=number, vector=named, payload=payload)


def condition(rng, depth=0):
    key = rng.choice(["n", "w", "l", "geo", "o[].a", "o[].b", "missing", "", "a..b"][: 7 if rng.random() < 0.97 else 9])
    choice = rng.randrange(14 if depth < 2 else 11)
    if choice == 0:
        return m.FieldCondition(key=key, match=m.MatchValue(value=rng.choice([1, -1, True, "red", 2**60])))
    if choice == 1:
        return m.FieldCondition(key=key, match=m.MatchAny(any=rng.sample(WORDS, 2)))
    if choice == 2:
        return m.FieldCondition(key=key, match=m.MatchExcept(**{"except": [1, 2]}))
    if choice == 3:
        return m.FieldCondition(key=key, range=m.Range(gte=rng.choice([None, 5, 50.5]), lt=rng.choice([None, 100, 2.0**60])))
    if choice == 4:
        return m.FieldCondition(key=key, geo_radius=m.GeoRadius(center=m.GeoPoint(lon=1, lat=rng.choice([2, 2, 91])), radius=500_000))
    if choice == 5:
        box = m.GeoBoundingBox(top_left=m.GeoPoint(lon=-5, lat=5), bottom_right=m.GeoPoint(lon=5, lat=rng.choice([-5, -5, 7])))
        return m.FieldCondition(key=key, geo_bounding_box=box)
    if choice == 6:
        return m.FieldCondition(key=key, values_count=m.ValuesCount(gt=rng.randrange(3)))
    if choice == 7:
        return m.IsEmptyCondition(is_empty=m.PayloadField(key=key))
    if choice == 8:
        return m.HasIdCondition(has_id=[1, 2, 50, rng.choice([3, "550e8400-e29b-41d4-a716-446655440000"])])
    if choice == 9:
        return rng.choice([m.HasVectorCondition(has_vector=rng.choice(["", "named", "nope"])), m.IsNullCondition(is_null=m.PayloadField(key=key))])
    if choice == 10:
        texts = [m.MatchText(text="RED"), m.MatchPhrase(phrase="2024 05"), m.MatchTextAny(text_any="green x"), m.MatchPrefix(prefix="re"), m.MatchSubstring(substring="ee"), m.MatchValue(value="blue")]
        return m.FieldCondition(key=key, match=rng.choice(texts))
    if choice == 11:
        if rng.random() < 0.5:
            return m.NestedCondition(nested=m.Nested(key="o", filter=filters(rng, depth + 1)))
        corners = [m.GeoPoint(lon=lon, lat=lat) for lon, lat in [(-8, -8), (8, -8), (0, 8), (-8, rng.choice([-8, -8, 0]))]]
        area = m.GeoPolygon(exterior=m.GeoLineString(points=corners), interiors=[m.GeoLineString(points=corners[::-1])] if rng.random() < 0.3 else None)
        return rng.choice([m.FieldCondition(key="geo", geo_polygon=area), m.SliceCondition(slice=m.Slice(total=3, index=rng.randrange(4)))])
    return filters(rng, depth + 1)


def filters(rng, depth=0):
    some = lambda: [condition(rng, depth) for _ in range(rng.randrange(1, 3))] if rng.random() < 0.5 else None
    minimum = m.MinShould(conditions=[condition(rng, depth) for _ in range(3)], min_count=rng.randrange(4)) if rng.random() < 0.1 else None
    return m.Filter(must=some(), should=some(), must_not=some(), min_should=minimum)


def wanted(rng):
    payload = rng.choice([None, True, False, ["n", "o[].a"], m.PayloadSelectorExclude(exclude=["l", "geo"])])
    vectors = rng.choice([None, True, False, ["named"], ["named", ""], ["nope"] if rng.random() < 0.2 else False])
    return {key: value for key, value in (("with_payload", payload), ("with_vectors", vectors)) if value is not None}


def ranking(rng, depth=0):
    """The part of a query that says how to rank."""
    choice = rng.randrange(12)
    using = rng.choice([None, None, "named", "nope" if rng.random() < 0.2 else None])
    if choice < 4:
        return {"query": vector(rng, rng.choice([3, 3, 3, 4])), "using": using}
    if choice == 4:
        return {"query": rng.choice([1, 17, 100_000]), "using": using}
    if choice == 5:
        return {"query": rng.choice([order(rng), m.FusionQuery(fusion="dbsf")])}
    if choice == 6:
        return {"query": None}
    if choice > 8:
        return {"query": by_examples(rng), "using": using, "lookup_from": lookup(rng)}
    if depth == 2:
        return {"query": vector(rng)}
    below = [m.Prefetch(**ranking(rng, depth + 1), filter=maybe(rng), limit=rng.choice([None, 5, 20])) for _ in range(rng.randrange(3))]
    rrf = m.Rrf(k=rng.choice([None, 3, 60]), weights=rng.choice([None, None, [1, 2.5], [0.5]]))
    query = rng.choice([m.FusionQuery(fusion="rrf"), m.FusionQuery(fusion="dbsf"), m.RrfQuery(rrf=rrf), vector(rng), order(rng), formula(rng)])
    return {"query": query, "prefetch": below or None}


def formula(rng):
    defaults = rng.choice([{}, {"n": 3.5, "$score[1]": 2}, {"geo": {"lon": 1.0, "lat": 2.0}, "n": 1}, {"$nope": 1}])
    return m.FormulaQuery(formula=expression(rng), defaults=defaults)


def expression(rng, depth=0):
    choice = rng.randrange(14 if depth < 3 else 6)
    if choice < 3:
        return rng.choice([1.5, -0.25, 0.0, "$score", "$score[1]", "n", "missing", "$nope"][: 6 + 2 * (rng.random() < 0.1)])
    if choice == 3:
        return condition(rng, 1)
    if choice == 4:
        return m.GeoDistance(geo_distance=m.GeoDistanceParams(origin=m.GeoPoint(lon=rng.choice([1, 200]), lat=2), to="geo"))
    if choice == 5:
        return rng.choice([m.DatetimeExpression(datetime=rng.choice(["2024-05-01", "soon"])), m.DatetimeKeyExpression(datetime_key="w")])
    inner = lambda: expression(rng, depth + 1)
    if choice < 8:
        return m.SumExpression(sum=[inner() for _ in range(rng.randrange(4))])
    if choice < 10:
        return m.MultExpression(mult=[inner(), inner()])
    if choice == 10:
        return m.DivExpression(div=m.DivParams(left=inner(), right=inner(), by_zero_default=rng.choice([None, 2.5])))
    if choice == 11:
        return rng.choice([m.NegExpression(neg=inner()), m.AbsExpression(abs=inner()), m.SqrtExpression(sqrt=inner()), m.LnExpression(ln=inner()), m.Log10Expression(log10=inner()), m.ExpExpression(exp=inner())])
    if choice == 12:
        return rng.choice([m.PowExpression(pow=m.PowParams(base=inner(), exponent=inner())), m.MaxExpression(max=[inner(), inner()]), m.MinExpression(min=[inner()])])
    params = m.DecayParamsExpression(x=inner(), target=rng.choice([None, inner()]), midpoint=rng.choice([None, 0.5, 1.0]), scale=rng.choice([None, 2.5, 0.0]))
    return rng.choice([m.LinDecayExpression(lin_decay=params), m.ExpDecayExpression(exp_decay=params), m.GaussDecayExpression(gauss_decay=params)])


def order(rng):
    start = rng.choice([None, 3, 10.5, "2024-05-01", "2024-05-01T00:00:00+02:00"])
    return m.OrderByQuery(order_by=rng.choice(["n", "w", m.OrderBy(key="n", direction=rng.choice(["asc", "desc", None]), start_from=start)]))


def example(rng):
    return rng.choice([rng.randrange(200), rng.randrange(201), vector(rng, 3 if rng.random() < 0.97 else 4)])


def by_examples(rng):
    some = lambda: [example(rng) for _ in range(rng.randrange(3))]
    pairs = [m.ContextPair(positive=example(rng), negative=example(rng)) for _ in range(rng.randrange(3))]
    items = [m.FeedbackItem(example=example(rng), score=rng.choice([0.5, 1, -2])) for _ in range(rng.randrange(4))]
    naive = m.NaiveFeedbackStrategyParams(a=0.5, b=rng.choice([0, 1.5, -1]), c=2)
    mmr = m.Mmr(diversity=rng.choice([None, 0.2, 1, 1.5 if rng.random() < 0.3 else 0]), candidates_limit=rng.choice([None, 20]))
    return rng.choice([
        m.RecommendQuery(recommend=m.RecommendInput(positive=some(), negative=some(), strategy=rng.choice([None, *m.RecommendStrategy]))),
        m.DiscoverQuery(discover=m.DiscoverInput(target=example(rng), context=pairs)),
        m.ContextQuery(context=pairs),
        m.NearestQuery(nearest=example(rng), mmr=mmr),
        m.RelevanceFeedbackQuery(relevance_feedback=m.RelevanceFeedbackInput(target=example(rng), feedback=items, strategy=m.NaiveFeedbackStrategy(naive=naive))),
    ])


def lookup(rng):
    if rng.random() < 0.7:
        return None
    return m.LookupLocation(collection=rng.choice(["doors-others", "doors-others", "doors-nowhere"]), vector=rng.choice([None, "named", "nope"]))


def maybe(rng):
    return filters(rng) if rng.random() < 0.5 else None


def query(rng):
    params = m.SearchParams(exact=True, hnsw_ef=rng.choice([None, 0, 50]) if rng.random() < 0.2 else None)
    more = {"score_threshold": rng.choice([None, None, 0.5, -1]), "offset": rng.choice([None, 2])}
    return {**ranking(rng), "limit": rng.choice([1, 5, 20, 0]), "query_filter": maybe(rng), "search_params": params, **more, **wanted(rng)}


def change(rng):
    """A method of the client that changes points, and its arguments but the collection."""
    selector = rng.choice([[1, 2, 3], [], filters(rng), m.FilterSelector(filter=filters(rng)), [rng.randrange(300)]])
    payload = {"c": rng.choice([1, 1.5, None, "x", [1, {"d": []}]])}
    return rng.choice([
        ("upsert", [[point(rng, rng.randrange(300)) for _ in range(rng.randrange(4))]]),
        ("upsert", [[m.PointStruct(id=1, vector=vector(rng, rng.choice([2, 3])))]]),
        ("set_payload", [payload, selector, *rng.choice([[], ["o"], ["a..b"]])]),
        ("overwrite_payload", [payload, selector]),
        ("delete_payload", [rng.choice([["c"], ["o[].a"], ["a..b"]]), selector]),
        ("clear_payload", [selector]),
        ("delete", [selector]),
        ("update_vectors", [[m.PointVectors(id=rng.choice([1, 2, 9999]), vector={rng.choice(["named", "nope"]): vector(rng)})]]),
        ("delete_vectors", [rng.choice([["named"], [], ["nope"]]), selector]),
    ])


def plain(value):
    """An answer without what differs by how a door writes numbers and what is empty."""
    if hasattr(value, "model_dump"):
        return plain({key: it for key, it in value.model_dump().items() if key not in ("operation_id", "version")})
    if isinstance(value, dict):
        kept = {key: plain(it) for key, it in value.items()}
        if "score" in kept:
            kept["score"] = float(np.float32(kept["score"]))
        if "scores" in kept:
            kept["scores"] = rounded(kept["scores"])
        if "vector" in kept:
            kept["vector"] = rounded(kept["vector"])
        # The client makes nothing of an empty payload over gRPC.
        if kept.get("payload") == {}:
            kept["payload"] = None
        return kept
    if isinstance(value, (list, tuple)):
        return [plain(it) for it in value]
    return value


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(it) for key, it in value.items()}
    if isinstance(value, list):
        return [rounded(it) for it in value]
    return float(np.float32(value)) if isinstance(value, float) else value


def outcome(door, method, arguments, named):
    client, name = door
    try:
        return plain(getattr(client, method)(name, *arguments, **named)), None
    except UnexpectedResponse as error:
        text = json.loads(error.content)["status"]["error"]
        return None, (CODES[error.status_code], said(text))
    except grpc.RpcError as error:
        return None, ({error.code().name}, said(error.details()))


def said(text):
    """What is said, but for the name of the collection and how the whole is called. Line and column are JSON's."""
    for name in ("doors-rest", "doors-grpc", "alike-rest", "alike-grpc"):
        text = text.replace(name, "it")
    # Fields of a query's body lie deeper in REST.
    text = text.replace("in JSON body", "in body").replace("[internal.", "[")
    return text.split(" at line")[0]


def assert_same(doors, method, arguments=(), named=None):
    (rest, refused), (over, refused_over) = (outcome(door, method, arguments, named or {}) for door in doors)
    asked = f"{method} {arguments} {named}"
    if refused is None:
        assert (over, refused_over) == (rest, None), asked
        return "answered"
    assert refused_over is not None, f"{asked}: over REST {refused}, over gRPC {over}"
    assert refused_over[0] <= refused[0] and refused_over[1] == refused[1], asked
    return "refused"


def both(doors, requests):
    """Tries each; some must have been answered, and some refused."""
    ends = [assert_same(doors, *request) for request in requests]
    assert {"answered", "refused"} == set(ends), {end: ends.count(end) for end in ends}


def test_counts_and_pages(doors):
    rng = random.Random(11)
    both(doors, [("count", [], {"count_filter": filters(rng)}) for _ in range(REQUESTS)])
    both(doors, [
        ("scroll", [], {"scroll_filter": maybe(rng), "limit": rng.choice([0, 1, 7, 500]), "offset": rng.choice([None, 50]), **wanted(rng)})
        for _ in range(REQUESTS)
    ])


def test_pages_in_the_order_of_values(doors):
    rng = random.Random(17)
    both(doors, [
        ("scroll", [], {"scroll_filter": maybe(rng), "limit": rng.choice([1, 7, 500]), "order_by": order(rng).order_by, "offset": rng.choice([None, None, 50]), **wanted(rng)})
        for _ in range(60)
    ])


def test_counts_of_values(doors):
    rng = random.Random(18)
    both(doors, [("facet", [rng.choice(["n", "w", "a..b", "n"])], {"facet_filter": maybe(rng), "limit": rng.choice([0, 1, 10, 500])}) for _ in range(60)])


def test_matrices(doors):
    rng = random.Random(19)
    some = lambda: m.Filter(must=[m.HasIdCondition(has_id=rng.sample(range(200), 12))])
    asked = lambda: {"query_filter": some(), "sample": rng.choice([1, 20, 20, 50]), "limit": rng.choice([0, 1, 4]), "using": rng.choice([None, "named", "nope"])}
    both(doors, [(rng.choice(["search_matrix_pairs", "search_matrix_offsets"]), [], asked()) for _ in range(60)])


def test_points_by_id(doors):
    rng = random.Random(12)
    both(doors, [("retrieve", [rng.sample(range(250), 3) + [1, 1]], wanted(rng)) for _ in range(REQUESTS)])


def test_queries(doors):
    rng = random.Random(13)
    both(doors, [("query_points", [], query(rng)) for _ in range(REQUESTS)])


def test_groups(doors):
    rng = random.Random(16)
    group = lambda: {"group_by": rng.choice(["k", "n", "nested.a", "s"]), "limit": rng.choice([0, 1, 5]), "group_size": rng.choice([1, 4]), "with_lookup": rng.choice([None, None, "doors-rest", "nowhere", m.WithLookup(collection="doors-rest", with_payload=["n"])])}
    both(doors, [("query_points_groups", [], {**ranking(rng), **group(), "query_filter": maybe(rng)}) for _ in range(60)])


def test_batches_of_queries(doors):
    rng = random.Random(14)
    requests = []
    for _ in range(60):
        asked = [m.QueryRequest(**ranking(rng), limit=5, filter=maybe(rng)) for _ in range(rng.randrange(1, 4))]
        # Queries of a batch run side by side: of two that are wrong either may be the one that is named.
        wrong = [it for it in asked if outcome(doors[0], "query_batch_points", [[it]], {})[1]]
        asked = [it for it in asked if it not in wrong[1:]]
        requests.append(("query_batch_points", [asked], None))
    both(doors, requests)


def test_changes(doors):
    rng = random.Random(15)
    for _ in range(6):
        both(doors, [(*change(rng), {"wait": rng.random() < 0.5}) for _ in range(40)])
        assert assert_same(doors, "scroll", [], {"limit": 1000, "with_vectors": True}) == "answered"


def test_collections_that_are_not_there(doors):
    for method, arguments in (("get_collection", []), ("count", []), ("retrieve", [[1]]), ("delete", [[1]]), ("get_collection_aliases", [])):
        ends = [outcome((client, "doors-nowhere"), method, arguments, {}) for client, _ in doors]
        assert ends[0][1][1] == ends[1][1][1] and ends[1][1][0] <= ends[0][1][0], method


SMALL = m.VectorParams(size=2, distance=m.Distance.DOT)
MADE = [
    {"vectors_config": SMALL, "shard_number": 3, "replication_factor": 1, "on_disk_payload": False},
    {"vectors_config": {"a": SMALL, "b": m.VectorParams(size=3, distance="Euclid", on_disk=True, hnsw_config=m.HnswConfigDiff(m=4))}},
    {"vectors_config": SMALL, "hnsw_config": m.HnswConfigDiff(m=0, payload_m=16, inline_storage=True, memory="cold")},
    {"vectors_config": SMALL, "optimizers_config": m.OptimizersConfigDiff(deleted_threshold=0.25, memmap_threshold=5, max_segment_size=7)},
    {"vectors_config": SMALL, "optimizers_config": m.OptimizersConfigDiff(max_optimization_threads="auto", indexing_threshold=3)},
    {"vectors_config": SMALL, "optimizers_config": m.OptimizersConfigDiff(max_optimization_threads=2)},
    {"vectors_config": SMALL, "wal_config": m.WalConfigDiff(wal_capacity_mb=5), "metadata": {"k": [1, {"d": None}]}},
    {"vectors_config": SMALL, "strict_mode_config": m.StrictModeConfig(enabled=False, max_query_limit=5)},
    {"vectors_config": SMALL, "sharding_method": m.ShardingMethod.CUSTOM},
    {"vectors_config": SMALL, "quantization_config": m.ProductQuantization(product=m.ProductQuantizationConfig(compression="x16"))},
    {"vectors_config": SMALL, "quantization_config": m.BinaryQuantization(binary=m.BinaryQuantizationConfig(encoding="two_bits"))},
    {"vectors_config": m.VectorParams(size=0, distance="Dot")},
    {"vectors_config": m.VectorParams(size=2, distance="Manhattan")},
    {"vectors_config": m.VectorParams(size=2, distance="Dot", multivector_config=m.MultiVectorConfig(comparator="max_sim"))},
    {"vectors_config": SMALL, "sparse_vectors_config": {"s": m.SparseVectorParams(modifier="idf")}},
    {"vectors_config": SMALL, "strict_mode_config": m.StrictModeConfig(enabled=True)},
    {"vectors_config": SMALL, "shard_number": 0},
    {"vectors_config": SMALL, "hnsw_config": m.HnswConfigDiff(m=1)},
]
# Of a collection with an unnamed vector.
CHANGED = [
    ("update_collection", [], {"optimizers_config": m.OptimizersConfigDiff(indexing_threshold=9)}),
    ("update_collection", [], {"vectors_config": {"": m.VectorParamsDiff(on_disk=True, hnsw_config=m.HnswConfigDiff(m=4))}}),
    ("update_collection", [], {"vectors_config": {"nope": m.VectorParamsDiff(on_disk=True)}}),
    ("update_collection", [], {"collection_params": m.CollectionParamsDiff(read_fan_out_factor=2)}),
    ("update_collection", [], {"collection_params": m.CollectionParamsDiff(replication_factor=3)}),
    ("update_collection", [], {"quantization_config": m.ScalarQuantization(scalar=m.ScalarQuantizationConfig(type="int8", always_ram=True))}),
    ("update_collection", [], {"quantization_config": m.Disabled.DISABLED}),
    ("update_collection", [], {"metadata": {"k": None, "l": 1.5}}),
    ("create_payload_index", ["n", m.IntegerIndexParams(type="integer", lookup=True, range=False)], {"wait": True}),
    ("create_payload_index", ["k", m.KeywordIndexParams(type="keyword", is_tenant=True, on_disk=True)], {"wait": True}),
    ("create_payload_index", ["k", m.KeywordIndexParams(type="keyword", prefix=True)], None),
    ("create_payload_index", ["t", m.TextIndexParams(type="text", tokenizer="word")], {"wait": True}),
    ("create_payload_index", ["t", m.TextIndexParams(type="text", tokenizer="prefix", min_token_len=2, stopwords="english", stemmer=m.SnowballParams(type="snowball", language="english"))], {"wait": True}),
    ("create_payload_index", ["t", m.TextIndexParams(type="text", tokenizer="code")], None),
    ("create_payload_index", ["t", m.TextIndexParams(type="text", tokenizer="word", scoring=True)], None),
    ("create_payload_index", ["a..b", "keyword"], None),
    ("delete_payload_index", ["n"], None),
    ("delete_payload_index", ["a..b"], None),
    ("create_shard_key", ["key"], None),
    ("create_shard_key", ["key"], {"shards_number": 9}),
    ("delete_shard_key", ["key"], None),
    ("upsert", [[m.PointStruct(id=1, vector=[1, 2])]], {"update_mode": m.UpdateMode.INSERT_ONLY}),
    ("upsert", [[m.PointStruct(id=1, vector=[1, 2])]], {"update_filter": m.Filter()}),
    ("upsert", [[m.PointStruct(id=1, vector={"": m.SparseVector(indices=[1], values=[1])})]], None),
    ("upsert", [[m.PointStruct(id=1, vector={"": [[1, 2], [3, 4]]})]], None),
    ("scroll", [], {"order_by": "k"}),
]


def test_collections_are_made_and_changed_alike(doors):
    made = [(client, f"{name}-made") for client, name in doors]
    ends = []
    for parameters in MADE:
        ends.append(assert_same(made, "create_collection", [], parameters))
        if ends[-1] == "answered":
            assert_alike(made)
            assert assert_same(made, "delete_collection") == "answered"
    assert_same(made, "create_collection", [], MADE[0])
    for request in CHANGED:
        ends.append(assert_same(made, *request))
        assert_alike(made)
    assert ends.count("answered") > 10 and ends.count("refused") > 10, ends


def assert_alike(doors):
    shown = [plain(client.get_collection(name)) for client, name in doors]
    # The client reads an empty list of messages, and an empty map, as none.
    for each in shown:
        each["warnings"] = each["warnings"] or None
    assert shown[0] == shown[1]


def test_what_collections_are(doors):
    assert_alike(doors)
