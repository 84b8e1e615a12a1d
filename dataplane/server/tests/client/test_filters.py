"""What filters mean: a table of payloads and conditions, with and without payload indexes."""

import pytest
from qdrant_client import models as m

from conftest import create, ids

PAYLOADS = {
    1: {"k": 1},
    2: {"k": 1.0},
    3: {"k": [1, 3]},
    4: {"k": "a"},
    5: {"k": ["a", "b"]},
    6: {"k": None},
    7: {"k": []},
    8: {"k": [None]},
    9: {"k": True},
    10: {},
    11: {"k": [[1]]},
    12: {"k": {"x": 1}},
    13: {"k": "2024-05-01T10:00:00Z"},
    14: {"k": "2024-05-01 12:00:00.5+02:00"},
    15: {"k": {"lon": 13.4, "lat": 52.5}},
    16: {"k": [{"lon": 2.35, "lat": 48.85}, {"lon": -74.0, "lat": 40.7}]},
    17: {"k": "936DA01F-9ABD-4D9D-80C7-02AF85C822A8"},
    18: {"n": [{"a": 1, "b": 2}, {"a": 2, "b": 3}]},
    19: {"n": [{"a": 1, "b": 3}]},
    20: {"n": {"a": 1, "b": 2}},
    21: {"k": 2.5},
    22: {"k": -7},
    23: {"k": False},
}
EVERYONE = set(PAYLOADS)
BERLIN = {"lon": 13.4, "lat": 52.5}


def key(**condition):
    return {"must": [{"key": "k", **condition}]}


# Filter and the points it matches; ids from the table above.
TABLE = [
    ({}, EVERYONE),
    ({"must": [], "should": [], "must_not": []}, EVERYONE),
    (key(match={"value": 1}), {1, 3}),
    (key(match={"value": "a"}), {4, 5}),
    (key(match={"value": True}), {9}),
    (key(match={"any": [1, 3]}), {1, 3}),
    (key(match={"any": ["b", "zz"]}), {5}),
    (key(match={"any": []}), set()),
    (key(match={"except": [1]}), {2, 3, 4, 5, 9, 11, 12, 13, 14, 15, 16, 17, 21, 22, 23}),
    (key(match={"except": ["a"]}), {1, 2, 3, 5, 9, 11, 12, 13, 14, 15, 16, 17, 21, 22, 23}),
    (key(range={"gte": 1, "lt": 3}), {1, 2, 3, 21}),
    (key(range={}), {1, 2, 3, 21, 22}),
    (key(range={"lt": 0}), {22}),
    (key(range={"gte": "2024-05-01T10:00:00.2Z"}), {14}),
    (key(range={"lte": "2024-05-01T10:00:00", "gt": "2024-04-30"}), {13}),
    (key(geo_radius={"center": BERLIN, "radius": 1000.0}), {15}),
    (key(geo_radius={"center": BERLIN, "radius": 0.0}), set()),
    (key(geo_bounding_box={"top_left": {"lon": 0, "lat": 50}, "bottom_right": {"lon": 5, "lat": 45}}), {16}),
    (key(geo_bounding_box={"top_left": {"lon": 170, "lat": 60}, "bottom_right": {"lon": -70, "lat": 30}}), {16}),
    (key(values_count={"gte": 2}), {3, 5, 16}),
    (key(values_count={"lt": 1}), {6, 7, 10, 18, 19, 20}),
    ({"must": [{"is_empty": {"key": "k"}}]}, {6, 7, 10, 18, 19, 20}),
    ({"must": [{"is_null": {"key": "k"}}]}, {6, 8}),
    ({"must": [{"has_id": [1, 99, 20]}]}, {1, 20}),
    ({"must": [{"has_vector": ""}]}, EVERYONE),
    ({"must": {"key": "k", "match": {"value": 1}}}, {1, 3}),
    ({"must_not": [{"key": "k", "match": {"any": ["a"]}}]}, EVERYONE - {4, 5}),
    ({"should": [{"key": "k", "match": {"value": "b"}}, {"has_id": [1]}]}, {1, 5}),
    ({"must": [{"has_id": list(range(1, 6))}], "must_not": [{"key": "k", "match": {"value": 1}}]}, {2, 4, 5}),
    ({"min_should": {"conditions": [{"has_id": [1, 2]}, {"has_id": [2, 3]}, {"has_id": [2]}], "min_count": 2}}, {2}),
    ({"min_should": {"conditions": [{"has_id": [1, 2]}], "min_count": 0}}, EVERYONE),
    ({"must": [{"nested": {"key": "n", "filter": {"must": [{"key": "a", "match": {"value": 1}}, {"key": "b", "match": {"value": 3}}]}}}]}, {19}),
    ({"must": [{"key": "n[].a", "match": {"value": 1}}, {"key": "n[].b", "match": {"value": 3}}]}, {18, 19}),
    ({"must": [{"key": "n.a", "match": {"value": 1}}]}, {20}),
    ({"must": [{"key": "n[0].b", "match": {"value": 2}}]}, {18}),
    ({"must": [{"should": [{"has_id": [4]}, {"must": [{"key": "k", "match": {"value": 1}}]}]}]}, {1, 3, 4}),
]


@pytest.fixture(scope="module")
def plain(client):
    return load(client, "filters-plain")


def load(client, name):
    create(client, name)
    points = [m.PointStruct(id=i, vector=[1, 2, 3, 4], payload=payload) for i, payload in PAYLOADS.items()]
    client.upsert(name, points)
    return name


def matching(node, collection, condition):
    status, answer = node.call("POST", f"/collections/{collection}/points/scroll", {"filter": condition, "limit": 100})
    assert status == 200, answer
    found = {it["id"] for it in answer["result"]["points"]}
    status, answer = node.call("POST", f"/collections/{collection}/points/count", {"filter": condition, "exact": True})
    assert (status, answer["result"]["count"]) == (200, len(found)), answer
    query = {"query": [1, 2, 3, 4], "filter": condition, "limit": 100}
    status, answer = node.call("POST", f"/collections/{collection}/points/query", query)
    assert (status, {it["id"] for it in answer["result"]["points"]}) == (200, found), answer
    return found


def test_filters_mean_what_the_table_says(node, plain):
    for condition, expected in TABLE:
        assert matching(node, plain, condition) == expected, condition


@pytest.mark.parametrize("kind", ["keyword", "integer", "float", "bool", "geo", "datetime", "uuid"])
def test_an_index_changes_no_answer(node, client, kind):
    name = load(client, f"filters-{kind}")
    for field in ("k", "n[].a"):
        client.create_payload_index(name, field, field_schema=kind)
    for condition, expected in TABLE:
        assert matching(node, name, condition) == expected, condition


@pytest.mark.parametrize("kind", [None, "integer", "float"])
def test_large_integers_are_told_apart(node, client, kind):
    stamp = 1768907725507217522
    name = f"filters-large-{kind}"
    create(client, name)
    client.upsert(name, [m.PointStruct(id=i, vector=[1, 2, 3, 4], payload={"k": stamp + i - 10}) for i in range(1, 20)])
    if kind:
        client.create_payload_index(name, "k", field_schema=kind)
    assert matching(node, name, key(range={"gte": stamp, "lte": stamp})) == {10}
    assert matching(node, name, key(range={"gt": stamp - 2, "lt": stamp + 1})) == {9, 10}


def test_updates_move_points_in_their_indexes(client):
    name = load(client, "filters-moving")
    client.create_payload_index(name, "k", field_schema="keyword")
    some = m.Filter(must=[m.FieldCondition(key="k", match=m.MatchValue(value="a"))])
    client.set_payload(name, {"k": "other"}, points=[4])
    client.set_payload(name, {"k": ["a", "new"]}, points=[10])
    client.delete(name, points_selector=[5])
    assert ids(client.scroll(name, scroll_filter=some)[0]) == [10]
