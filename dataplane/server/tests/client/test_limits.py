"""What is accepted can be read again: no request ends a node, and none makes more than there may be."""

import pathlib

import pytest
from qdrant_client import models as m

from conftest import create

POINT = {"id": 1, "vector": [1, 2, 3, 4]}


def nested(levels):
    """Lists and objects by turns, so many of them."""
    value = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def path(steps):
    return ".".join(["a"] * steps)


def error_of(node, method, where, body):
    status, answer = node.call(method, where, body)
    assert 400 <= status < 500, (status, answer)
    return answer["status"]["error"]


@pytest.fixture
def kept(client, name):
    create(client, name)
    client.upsert(name, [m.PointStruct(id=1, vector=[1, 2, 3, 4], payload={"keep": "me"})])
    yield name
    client.delete_collection(name)


def payload_of(node, name, point=1):
    status, answer = node.call("GET", f"/collections/{name}/points/{point}")
    assert status == 200, answer
    return answer["result"]["payload"]


def test_metadata_that_is_too_deep_or_too_large_is_refused(node, kept):
    body = {"vectors": {"size": 4, "distance": "Dot"}}
    for metadata, named in [({"m": nested(120)}, "64 levels"), ({"m": "x" * 70_000}, "65536")]:
        assert named in error_of(node, "PUT", "/collections/never", {**body, "metadata": metadata})
        assert named in error_of(node, "PATCH", f"/collections/{kept}", {"metadata": metadata})
    half = {"x" * 40_000: 1}
    assert node.call("PATCH", f"/collections/{kept}", {"metadata": half})[0] == 200
    assert "65536" in error_of(node, "PATCH", f"/collections/{kept}", {"metadata": {"y" * 40_000: 1}})
    assert node.call("PATCH", f"/collections/{kept}", {"metadata": {"m": nested(63)}})[0] == 200
    config = node.call("GET", f"/collections/{kept}")[1]["result"]["config"]
    assert config["metadata"] == {**half, "m": nested(63)}


def test_a_payload_that_is_too_deep_is_refused_however_it_comes(node, kept):
    points = f"/collections/{kept}/points"
    for levels in (64, 120):
        deep = {"a": nested(levels)}
        for method, where, body in [
            ("PUT", "", {"points": [{**POINT, "payload": deep}]}),
            ("PUT", "", {"batch": {"ids": [1], "vectors": [[1, 2, 3, 4]], "payloads": [deep]}}),
            ("POST", "/payload", {"payload": deep, "points": [1]}),
            ("PUT", "/payload", {"payload": deep, "points": [1]}),
            ("POST", "/batch", {"operations": [{"set_payload": {"payload": deep, "points": [1]}}]}),
        ]:
            assert "64 levels" in error_of(node, method, points + where, body)
    for steps in (65, 200, 512):
        body = {"payload": {"x": 1}, "points": [1], "key": path(steps)}
        assert "64" in error_of(node, "POST", f"{points}/payload", body)
        assert "64" in error_of(node, "POST", f"{points}/payload/delete", {"keys": [path(steps)], "points": [1]})
        index = {"field_name": path(steps), "field_schema": "keyword"}
        assert "64" in error_of(node, "PUT", f"/collections/{kept}/index", index)
    assert payload_of(node, kept) == {"keep": "me"}


def test_the_deepest_payload_is_read_changed_and_deleted(node, kept):
    points = f"/collections/{kept}/points"
    body = {"payload": nested(31), "points": [1], "key": path(33)}
    assert node.call("PUT", f"/collections/{kept}/index?wait=true", {"field_name": path(40), "field_schema": "integer"})[0] == 200
    for _ in range(2):
        assert node.call("POST", f"{points}/payload?wait=true", body)[0] == 200
    deep = payload_of(node, kept)
    for _ in range(33):
        deep = deep["a"]
    assert deep == nested(31)
    assert node.call("POST", f"{points}/query", {"query": [1, 2, 3, 4], "with_payload": True})[0] == 200
    assert node.call("POST", f"{points}/payload?wait=true", {"payload": {"b": 1}, "points": [1], "key": path(20)})[0] == 200
    assert node.call("POST", f"{points}/delete?wait=true", {"points": [1]})[0] == 200
    assert node.call("POST", f"{points}/count", {})[1]["result"]["count"] == 0


def test_a_payload_does_not_grow_without_a_bound(node, kept):
    points = f"/collections/{kept}/points"
    # Lists are the way to much: the payload below goes into each of their elements.
    assert node.call("POST", f"{points}/payload?wait=true", {"payload": {"l": [0] * 10_000}, "points": [1]})[0] == 200
    before = payload_of(node, kept)
    error = error_of(node, "POST", f"{points}/payload?wait=true", {"payload": {"x": "y" * 100_000}, "points": [1], "key": "l[]"})
    assert "16777216" in error
    assert payload_of(node, kept) == before
    large = {"large": "x" * (9 << 20)}
    assert node.call("POST", f"{points}/payload?wait=true", {"payload": large, "points": [1]})[0] == 200
    assert "16777216" in error_of(node, "POST", f"{points}/payload?wait=true", {"payload": {"more": "x" * (9 << 20)}, "points": [1]})
    assert "16777216" in error_of(node, "PUT", points, {"points": [{**POINT, "payload": {"x": "x" * (17 << 20)}}]})
    assert sorted(payload_of(node, kept)) == ["keep", "l", "large"]


def test_a_node_goes_on_after_hostile_requests_and_a_restart(own_node):
    with own_node as node:
        vectors = {"vectors": {"size": 4, "distance": "Dot"}}
        assert node.call("PUT", "/collections/c", vectors)[0] == 200
        assert node.call("PUT", "/collections/c/points?wait=true", {"points": [POINT]})[0] == 200
        for levels in range(0, 127, 3):
            for method, where, body in [
                ("PUT", f"/collections/m{levels}", {**vectors, "metadata": {"m": nested(levels)}}),
                ("PATCH", "/collections/c", {"metadata": {"m": nested(levels)}}),
                ("PUT", "/collections/c/points", {"points": [{**POINT, "payload": {"p": nested(levels)}}]}),
                ("POST", "/collections/c/points/payload", {"payload": {"p": nested(levels)}, "points": [1], "key": path(levels * 4 + 1)}),
                ("POST", "/collections/c/points/payload", {"payload": {"p\0": nested(levels)}, "filter": {}}),
                ("PUT", "/collections/c/index", {"field_name": path(levels + 1), "field_schema": "keyword"}),
                ("POST", "/collections/c/points/delete", {"filter": filter_of(levels // 4 + 1)}),
                ("PUT", "/collections/c/points", {"points": [POINT]}),
            ]:
                status, answer = node.call(method, where, body)
                assert status < 500, (levels, where, status, answer)
        before = node.call("POST", "/collections/c/points/scroll", {"with_payload": True})
        assert before[0] == 200 and before[1]["result"]["points"]
        for end in (node.kill, node.stop):
            end()
            node.start()
            after = node.call("POST", "/collections/c/points/scroll", {"with_payload": True})
            assert after[1]["result"] == before[1]["result"]
        assert node.call("POST", "/collections/c/points/delete?wait=true", {"filter": {}})[0] == 200


def filter_of(levels):
    """So many filters in one another, which match nothing."""
    it = {"must": [{"key": "none", "match": {"any": ["x"]}}]}
    for _ in range(levels):
        it = {"must": [{"nested": {"key": "a", "filter": it}}]}
    return it


def test_a_change_of_many_large_points_is_made_in_parts(own_node):
    """Its log entries are few bytes; what they turn into must not be held at once."""
    with own_node as node:
        assert node.call("PUT", "/collections/c", {"vectors": {"size": 4, "distance": "Dot"}})[0] == 200
        text, points = "x" * 64_000, 6000
        for first in range(0, points, 300):
            some = [{**POINT, "id": first + n, "payload": {"text": text}} for n in range(300)]
            assert node.call("PUT", "/collections/c/points?wait=true", {"points": some})[0] == 200
        status = pathlib.Path(f"/proc/{node.process.pid}/status")
        memory = lambda name: int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith(name))) << 10
        pathlib.Path(f"/proc/{node.process.pid}/clear_refs").write_text("5")
        before = memory("VmRSS")
        for body in [{"payload": {"n": 1}, "filter": {}}, {"payload": {"m": 1}, "points": list(range(points))}]:
            assert node.call("POST", "/collections/c/points/payload?wait=true", body)[0] == 200
        grown = memory("VmHWM") - before
        # What is written lies in memory until RocksDB has written it out: up to 128 MB of it, and
        # up to 96 MB of the log's own. All payloads at once would be more than that by themselves.
        most = points * len(text) * 3 // 4
        assert grown < most, f"{grown >> 20} MB for payloads of {points * len(text) >> 20} MB"
        for condition in ({"key": "n", "match": {"value": 1}}, {"key": "m", "match": {"value": 1}}):
            count = node.call("POST", "/collections/c/points/count", {"filter": {"must": [condition]}})
            assert count[1]["result"]["count"] == points
        assert node.call("POST", "/collections/c/points/delete?wait=true", {"filter": {}})[0] == 200
        assert node.call("POST", "/collections/c/points/count", {})[1]["result"]["count"] == 0
