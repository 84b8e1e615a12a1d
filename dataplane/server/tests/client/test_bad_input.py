"""Bad input gets a 4xx that names what is wrong, and changes nothing."""

import json

import httpx
import pytest
from qdrant_client import models as m

from conftest import create

POINT = {"id": 1, "vector": [1, 2, 3, 4]}


@pytest.fixture(scope="module")
def kept(client):
    name = "bad-input"
    create(client, name)
    client.upsert(name, [m.PointStruct(id=1, vector=[1, 2, 3, 4], payload={"keep": "me"})])
    return name


def upsert(**change):
    return {"points": [{**POINT, **change}]}


# Method, path below the collection, body, and what the message must name.
BAD = [
    ("PUT", "/points", upsert(vector=[1, 2, 3]), "expected dim: 4, got 3"),
    ("PUT", "/points", upsert(vector={"foo": [1, 2, 3, 4]}), "foo"),
    ("PUT", "/points", upsert(vector=[1, 2, "x", 4]), "vector"),
    ("PUT", "/points", upsert(vector=[[1, 2, 3, 4]]), "vector"),
    ("PUT", "/points", upsert(id=-1), "id"),
    ("PUT", "/points", upsert(id=1.5), "id"),
    ("PUT", "/points", upsert(id="not-a-uuid"), "not-a-uuid"),
    ("PUT", "/points", upsert(payload=[1]), "payload"),
    ("PUT", "/points", upsert(surprise=1), "surprise"),
    ("PUT", "/points", {"points": [], "surprise": 1}, "surprise"),
    ("PUT", "/points", {}, "points"),
    ("PUT", "/points?wait=maybe", upsert(), "wait"),
    ("PUT", "/points?timeout=0", upsert(), "timeout"),
    ("PUT", "/points?ordering=chaotic", upsert(), "ordering"),
    ("POST", "/points/delete", {"points": ["x"]}, "x"),
    ("POST", "/points/delete", {"filter": {"musst": []}}, "musst"),
    ("POST", "/points/payload", {"payload": {"a": 1}, "points": [1], "key": "a..b"}, "a..b"),
    ("POST", "/points/scroll", {"limit": 0}, "limit"),
    ("POST", "/points/scroll", {"limit": -3}, "limit"),
    ("POST", "/points/scroll", {"filter": {"must": [{"key": "k"}]}}, "must"),
    ("POST", "/points/scroll", {"filter": {"must": [{"key": "k", "range": {"gte": "soon"}}]}}, "soon"),
    ("POST", "/points/scroll", {"filter": {"must": [{"key": "k", "match": {"value": 1.5}}]}}, "match"),
    ("POST", "/points/scroll", {"filter": {"must": [{"key": "k", "match": {"substring": 7}}]}}, "substring"),
    ("POST", "/points/scroll", {"filter": {"min_should": {"conditions": [], "min_count": -1}}}, "min_count"),
    ("POST", "/points/query", {"query": [1, 2]}, "expected dim: 4, got 2"),
    ("POST", "/points/query", {"query": [1, 2, 3, 4], "using": "nope"}, "nope"),
    ("POST", "/points/query", {"query": [1, 2, 3, 4], "with_vector": ["nope"]}, "nope"),
    ("POST", "/points/scroll", {"with_vector": ["nope"]}, "nope"),
    ("POST", "/points/query", {"query": [1, 2, 3, 4], "limit": 0}, "limit"),
    ("POST", "/points/query", {"query": [1, 2, 3, 4], "params": {"hnsw_ef": "many"}}, "hnsw_ef"),
    ("POST", "/points/query", {"query": {"fusion": "rrf"}}, "prefetch"),
    ("POST", "/points/query", {"score_threshold": 0.5}, "Bad request: A query is needed to use the score_threshold."),
    (
        "POST",
        "/points/query",
        {"query": {"fusion": "rrf"}, "using": "a", "prefetch": {"query": [1, 2, 3, 4]}},
        "Bad request: Fusion queries cannot be combined with the 'using' field.",
    ),
    ("POST", "/points/query", {"query": [1, 2, 3, 4], "limit": "3"}, "expected a whole number"),
    ("PUT", "/points", {"points": []}, "Bad request: Empty update request"),
    ("PUT", "/points", {"batch": {"ids": [], "vectors": []}}, "Bad request: Empty update request"),
    ("POST", "/points/delete", {"points": []}, "Bad request: Empty update request"),
    ("POST", "/points/payload", {"payload": {"a": 1}, "points": []}, "Bad request: Empty update request"),
    ("POST", "/points/payload/clear", {"points": []}, "Bad request: Empty update request"),
    ("POST", "/points/vectors/delete", {"vector": [""], "points": []}, "Bad request: Empty update request"),
    ("PUT", "/index", {"field_name": "a", "field_schema": "number"}, "number"),
    ("PUT", "/index", {"field_name": "a[", "field_schema": "keyword"}, "a["),
    ("PATCH", "", {"optimizers_config": {"indexing_threshold": "x"}}, "indexing_threshold"),
    ("PATCH", "", {"surprise": {}}, "surprise"),
]


@pytest.mark.parametrize("method,path,body,named", BAD, ids=[f"{it[0]} {it[1]} {it[3]}" for it in BAD])
def test_it_is_refused_by_name(node, kept, method, path, body, named):
    refused(node, kept, method, path, json.dumps(body).encode(), named)


RAW = [
    (b'{"points": [', "Format error in JSON body: points"),
    (b"{", "Format error in JSON body: EOF"),
    (b"", "JSON"),
    (b"\xff\xfe", "JSON"),
    (b'{"points": [{"id": 1, "vector": [1, 2, 3, NaN]}]}', "JSON"),
    (b'{"points": [{"id": 1, "vector": [1, 2, 3, 1e999]}]}', ""),
    (b'{"points": [{"id": 1, "vector": [1, 2, 3, 1e39]}]}', "finite"),
    (b"[" * 100_000, "JSON"),
]


@pytest.mark.parametrize("raw,named", RAW, ids=range(len(RAW)))
def test_broken_json_is_refused(node, kept, raw, named):
    refused(node, kept, "PUT", "/points", raw, named)


def test_an_oversized_body_is_refused(node, kept):
    body = b'{"points": [' + b" " * (33 << 20) + b"]}"
    try:
        status, _ = node.call("PUT", f"/collections/{kept}/points", raw=body)
        assert status == 413
    except (ConnectionError, OSError):
        pass  # The node may close before a client that sends on has read the answer.
    unchanged(node, kept)


@pytest.mark.parametrize("name", ["a%2Fb", "x" * 300, "%00", "..%2f..", "a%5Cb"])
def test_names_that_fit_no_path_are_refused(node, name):
    body = {"vectors": {"size": 4, "distance": "Dot"}}
    status, answer = node.call("PUT", f"/collections/{name}", body)
    assert 400 <= status < 500 and answer["status"]["error"], answer
    assert not any(len(it["name"]) == 300 or "/" in it["name"] for it in node.call("GET", "/collections")[1]["result"]["collections"])


CREATE = [
    ({"vectors": {"size": 0, "distance": "Dot"}}, 422, "size"),
    ({"vectors": {"size": 65537, "distance": "Dot"}}, 422, "65536"),
    ({"vectors": {"size": 4, "distance": "Taxicab"}}, 400, "distance"),
    ({"vectors": {"size": 4, "distance": "Dot", "datatype": "turbo4"}}, 400, "datatype"),
    ({"vectors": {"size": 4, "distance": "Dot"}, "shard_number": 0}, 422, "shard_number"),
    ({"vectors": {"size": 4, "distance": "Dot"}, "shard_number": 5000}, 422, "shard_number"),
    ({"vectors": {"size": 4, "distance": "Dot"}, "replication_factor": 3}, 400, "node"),
    ({"vectors": {"size": 4, "distance": "Dot"}, "write_consistency_factor": 2}, 400, "the replication factor, which is 1"),
    ({"vectors": {"size": 4, "distance": "Dot"}, "sparse_vectors": {"": {}}}, 400, "name cannot be empty"),
    ({"vectors": {"a": {"size": 4, "distance": "Dot"}}, "sparse_vectors": {"a": {}}}, 400, "duplicate found with 'a'"),
    ({"sparse_vectors": {"s": {"modifier": "tf"}}}, 400, "modifier"),
    ({"vectors": {"size": 4, "distance": "Dot"}, "quantization_config": {"half": {}}}, 400, "quantization"),
    ({"vectors": {"size": 4, "distance": "Dot"}, "strict_mode_config": {"max_queries": 1}}, 400, "max_queries"),
    ({"vectors": {"size": 4, "distance": "Dot", "multivector_config": {"comparator": "max"}}}, 400, "comparator"),
    ({"vectors": {"size": 4, "distance": "Dot"}, "surprise": 1}, 400, "surprise"),
]


@pytest.mark.parametrize("body,status,named", CREATE, ids=range(len(CREATE)))
def test_collections_that_cannot_be_are_refused(node, body, status, named):
    got, answer = node.call("PUT", "/collections/never", body)
    assert (got, named in answer["status"]["error"]) == (status, True), answer
    assert node.call("GET", "/collections/never/exists")[1]["result"]["exists"] is False


MISSING = [
    ("GET", "/snapshots", None),
    ("POST", "/points/query", {"query": {"recommend": {"positive": [{"text": "x", "model": "m"}]}}}),
    ("PUT", "/index", {"field_name": "a", "field_schema": {"type": "text", "scoring": True}}),
]
# Vectors of a kind that the collection does not have.
OTHER_KINDS = [
    ("PUT", "/points", {"points": [{"id": 1, "vector": [[1, 2, 3, 4]]}]}),
    ("PUT", "/points", {"points": [{"id": 1, "vector": {"s": {"indices": [1], "values": [1]}}}]}),
    ("PUT", "/points", {"batch": {"ids": [1], "vectors": {"s": [{"indices": [1], "values": [1]}]}}}),
    ("PUT", "/points/vectors", {"points": [{"id": 1, "vector": [[1, 2, 3, 4]]}]}),
    ("POST", "/points/query", {"query": [[1, 2, 3, 4]]}),
    ("POST", "/points/query", {"query": {"indices": [1], "values": [1]}, "using": "s"}),
    ("POST", "/points/query", {"query": {"fusion": "rrf"}, "prefetch": {"query": {"nearest": {"indices": [1], "values": [1]}}}}),
]


@pytest.mark.parametrize("method,path,body", MISSING, ids=[f"{it[0]} {it[1]} {it[2]}" for it in MISSING])
def test_what_comes_later_says_so(node, kept, method, path, body):
    status, answer = node.call(method, f"/collections/{kept}{path}", body)
    assert status == 400 and "not supported" in answer["status"]["error"], answer


@pytest.mark.parametrize("method,path,body", OTHER_KINDS, ids=range(len(OTHER_KINDS)))
def test_a_vector_of_another_kind_does_not_fit(node, kept, method, path, body):
    status, answer = node.call(method, f"/collections/{kept}{path}", body)
    said = answer["status"]["error"]
    assert status == 400 and ("the request has" in said or "Not existing vector name error: s" in said), answer


PASSED_OVER = [
    ("/points/scroll", {"limt": 3, "filter": {"must": []}}, "limt"),
    ("/points", {"ids": [1], "with_vectorz": True}, "with_vectorz"),
    ("/points/count", {"exactly": True}, "exactly"),
    ("/points/query", {"query": {"nearest": [1, 2, 3, 4], "mrm": {}}, "params": {"hnsw_eff": 1}}, "query.mrm, params.hnsw_eff"),
    ("/points/query", {"query": {"fusion": "rrf"}, "prefetch": [{"query": [1, 2, 3, 4], "limt": 1}]}, "prefetch[0].limt"),
    ("/points/query/batch", {"searches": [{"query": 1, "a,\u2028é": 1}]}, "searches[0].a???"),
    ("/points/query/groups", {"query": 1, "group_by": "keep", "offset": 1}, "offset"),
    ("/points/search", {"vector": [1, 2, 3, 4], "limit": 1, "query": 7}, "query"),
    ("/points/recommend", {"positive": [1], "limit": 1, "explain": 7}, "explain"),
    ("/points/discover", {"target": 1, "limit": 1, "context": [{"positive": 1, "negative": 1, "neutral": 1}]}, "context[0].neutral"),
    ("/points/search/matrix/pairs", {"sampel": 3}, "sampel"),
]


@pytest.mark.parametrize("path,body,named", PASSED_OVER, ids=[it[2] for it in PASSED_OVER])
def test_what_a_read_does_not_know_is_passed_over_and_named(node, kept, path, body, named):
    answer = httpx.post(f"{node.url}/collections/{kept}{path}", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-vane-ignored"] == named


def test_a_read_that_has_nothing_unknown_names_nothing(node, kept):
    answer = httpx.post(f"{node.url}/collections/{kept}/points/scroll", json={"limit": 3}, timeout=30)
    assert answer.status_code == 200 and "x-vane-ignored" not in answer.headers
    refused = httpx.post(f"{node.url}/collections/{kept}/points/scroll", json={"filtr": {}, "limit": 0}, timeout=30)
    assert refused.status_code == 422 and refused.headers["x-vane-ignored"] == "filtr"


def test_payloads_of_new_vectors_are_passed_over_and_nothing_else_is(node, kept):
    point = {"id": 1, "vector": [1, 2, 3, 4], "payload": {"keep": False}}
    one = {"points": [point]}
    for method, path, body in (("PUT", "/points/vectors", one), ("POST", "/points/batch", {"operations": [{"update_vectors": one}]})):
        answer = httpx.request(method, f"{node.url}/collections/{kept}{path}", json=body, timeout=30)
        assert (answer.status_code, answer.headers.get("x-vane-ignored")) == (200, "points[].payload"), answer.text
        unchanged(node, kept)
    for wrong in ({"points": [point | {"payloads": {}}]}, one | {"payload": {}}):
        refused(node, kept, "PUT", "/points/vectors", json.dumps(wrong).encode(), "payload")


# In a read too: what is found would be something else.
STRICT = [
    ("/points/scroll", {"filter": {"musst": []}}, "musst"),
    ("/points/scroll", {"filter": {"must": [{"key": "k", "match": {"valeu": 1}}]}}, "valeu"),
    ("/points/query", {"query": 1, "with_payload": {"includ": ["a"]}}, "includ"),
    ("/points/query", {"query": {"nearst": [1, 2, 3, 4]}}, "one of `nearest`"),
    ("/points/query", {"query": {"recommend": {"positve": [1]}}}, "needs a positive or a negative example"),
]


@pytest.mark.parametrize("path,body,named", STRICT, ids=[it[2] for it in STRICT])
def test_what_is_found_is_never_guessed(node, kept, path, body, named):
    refused(node, kept, "POST", path, json.dumps(body).encode(), named)


def test_what_is_not_there_is_not_found(node, kept):
    for path in ("/collections/nope", f"/collections/{kept}/points/77", "/no/such/route"):
        status, answer = node.call("GET", path)
        assert status == 404 and answer["status"]["error"], answer
    status, answer = node.call("POST", "/collections/nope/points/query", {"query": [1]})
    assert (status, answer["status"]["error"]) == (404, "Not found: Collection `nope` doesn't exist!")
    status, answer = node.call("DELETE", f"/collections/{kept}/points/query")
    assert status == 405 and answer["status"]["error"], answer


def refused(node, name, method, path, raw, named):
    status, answer = node.call(method, f"/collections/{name}{path}", raw=raw)
    assert 400 <= status < 500, answer
    assert named in answer["status"]["error"], answer
    unchanged(node, name)


def unchanged(node, name):
    answer = node.call("POST", f"/collections/{name}/points/scroll", {})[1]
    assert answer["result"]["points"] == [{"id": 1, "payload": {"keep": "me"}}]
