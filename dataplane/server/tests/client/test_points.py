"""Writing and reading points through the official client."""

import gzip
import json
import uuid

import numpy as np
import pytest
from qdrant_client import models as m
from qdrant_client.http.exceptions import UnexpectedResponse

from conftest import create, ids

UUID = str(uuid.UUID(int=7))


def load(client, name, n=10):
    create(client, name, distance=m.Distance.DOT)
    points = [m.PointStruct(id=i, vector=[i, 1, 0, 0], payload={"n": i, "tag": "even" if i % 2 == 0 else "odd"}) for i in range(n)]
    assert client.upsert(name, points, wait=True).status == m.UpdateStatus.COMPLETED


def payload(client, name, point):
    return client.retrieve(name, [point])[0].payload


def test_points_are_read_back_as_written(client, name):
    create(client, name, distance=m.Distance.EUCLID)
    deep = {"s": "ü", "n": None, "l": [1, [2.5], {"x": True}], "big": 2**63, "f": 0.1}
    client.upsert(name, [m.PointStruct(id=UUID, vector=[0.1, 2, 3, 4], payload=deep), m.PointStruct(id=2**64 - 1, vector=[1, 1, 1, 1])])
    found = client.retrieve(name, [2**64 - 1, UUID, 5], with_vectors=True)
    assert ids(found) == [2**64 - 1, UUID]
    assert ids(client.retrieve(name, [UUID, 5, 2**64 - 1, UUID])) == [UUID, 2**64 - 1], "each once, at its first place"
    assert found[1].payload == deep
    assert np.float32(found[1].vector).tolist() == np.float32([0.1, 2, 3, 4]).tolist()
    client.upsert(name, m.Batch(ids=[1, 2], vectors=[[1, 2, 3, 4], [5, 6, 7, 8]], payloads=[{"a": 1}, {"a": 2}]))
    assert payload(client, name, 2) == {"a": 2}
    client.upsert(name, [m.PointStruct(id=2, vector=[0, 0, 0, 0])])
    assert payload(client, name, 2) == {}, "an upsert puts a point in the place of the old one"
    assert client.count(name).count == 4


def test_cosine_vectors_come_back_with_unit_length(client, name):
    create(client, name)
    client.upsert(name, [m.PointStruct(id=1, vector=[3, 0, 4, 0])])
    vector = client.retrieve(name, [1], with_vectors=True)[0].vector
    assert np.allclose(vector, [0.6, 0, 0.8, 0])


def test_deletes_by_id_and_by_filter(client, name):
    load(client, name)
    client.delete(name, points_selector=[1, 3, 99])
    client.delete(name, points_selector=m.Filter(must=[m.FieldCondition(key="n", range=m.Range(gte=7))]))
    assert ids(client.scroll(name, limit=100)[0]) == [0, 2, 4, 5, 6]


def test_vectors_are_replaced_and_removed(client, name):
    vectors = {it: m.VectorParams(size=2, distance=m.Distance.DOT) for it in ("a", "b")}
    client.create_collection(name, vectors_config=vectors)
    client.upsert(name, [m.PointStruct(id=1, vector={"a": [1, 1], "b": [2, 2]}, payload={"k": 1})])
    client.update_vectors(name, [m.PointVectors(id=1, vector={"a": [9, 9]})])
    both = [m.PointVectors(id=1, vector={"b": [3, 3]}), m.PointVectors(id=1, vector={"a": [9, 9]})]
    client.update_vectors(name, both)
    assert client.retrieve(name, [1], with_vectors=True)[0].vector == {"a": [9, 9], "b": [3, 3]}, "both count"
    client.delete_vectors(name, vectors=["b"], points=[1])
    found = client.retrieve(name, [1], with_vectors=True)[0]
    assert (found.vector, found.payload) == ({"a": [9, 9]}, {"k": 1})
    assert client.query_points(name, query=[1, 1], using="b").points == []
    with pytest.raises(UnexpectedResponse) as refused:
        client.update_vectors(name, [m.PointVectors(id=5, vector={"a": [9, 9]})])
    assert refused.value.status_code == 404
    assert "Not found: No point with id 5 found" in refused.value.content.decode()


def test_payloads_are_merged_replaced_cut_and_cleared(client, name):
    load(client, name)
    client.set_payload(name, {"new": {"x": 1}, "tag": "set"}, points=[1, 2])
    assert payload(client, name, 1) == {"n": 1, "tag": "set", "new": {"x": 1}}
    client.set_payload(name, {"y": 2}, points=[1], key="new")
    assert payload(client, name, 1)["new"] == {"x": 1, "y": 2}
    client.delete_payload(name, ["new.x", "tag"], points=[1])
    assert payload(client, name, 1) == {"n": 1, "new": {"y": 2}}
    odd = m.Filter(must=[m.FieldCondition(key="tag", match=m.MatchValue(value="odd"))])
    client.overwrite_payload(name, {"only": True}, points=odd)
    assert payload(client, name, 3) == {"only": True}
    assert client.count(name, count_filter=odd).count == 0
    client.clear_payload(name, points_selector=[2])
    assert payload(client, name, 2) == {}
    with pytest.raises(UnexpectedResponse) as refused:
        client.set_payload(name, {"a": 1}, points=[1, 77])
    assert refused.value.status_code == 404
    assert "a" not in payload(client, name, 1), "all or nothing"


def test_a_batch_runs_in_order(client, name):
    create(client, name)
    one = m.PointStruct(id=1, vector=[1, 0, 0, 0], payload={"a": 1})
    results = client.batch_update_points(
        name,
        [
            m.UpsertOperation(upsert=m.PointsList(points=[one, m.PointStruct(id=2, vector=[0, 1, 0, 0])])),
            m.SetPayloadOperation(set_payload=m.SetPayload(payload={"b": 2}, points=[1])),
            m.DeletePayloadOperation(delete_payload=m.DeletePayload(keys=["a"], points=[1])),
            m.DeleteOperation(delete=m.PointIdsList(points=[2])),
            m.UpdateVectorsOperation(update_vectors=m.UpdateVectors(points=[m.PointVectors(id=1, vector=[0, 0, 1, 0])])),
        ],
    )
    assert [it.status for it in results] == [m.UpdateStatus.COMPLETED] * 5
    found = client.scroll(name, with_vectors=True)[0]
    assert [(it.id, it.payload, it.vector) for it in found] == [(1, {"b": 2}, [0, 0, 1, 0])]


def test_scroll_pages_in_id_order_numbers_first(client, name):
    create(client, name)
    wanted = [3, 8, 20, str(uuid.UUID(int=1)), UUID]
    client.upsert(name, [m.PointStruct(id=it, vector=[1, 0, 0, 0], payload={"x": 1}) for it in reversed(wanted)])
    seen, offset = [], None
    while True:
        page, offset = client.scroll(name, limit=2, offset=offset)
        seen += ids(page)
        if offset is None:
            break
    assert seen == wanted
    some = m.Filter(must=[m.HasIdCondition(has_id=[8, UUID, 4])])
    assert ids(client.scroll(name, scroll_filter=some)[0]) == [8, UUID]


def test_an_acknowledged_write_is_seen_by_the_next_read(client, name):
    create(client, name)
    for i in range(50):
        status = client.upsert(name, [m.PointStruct(id=i, vector=[1, 0, 0, 0])], wait=i % 2 == 0).status
        assert status == (m.UpdateStatus.COMPLETED if i % 2 == 0 else m.UpdateStatus.ACKNOWLEDGED)
        assert client.count(name).count == i + 1


def test_a_page_ends_where_it_becomes_too_large(node, client, name):
    create(client, name, shard_number=2)
    text = "x" * (8 << 20)
    for i in range(12):
        client.upsert(name, [m.PointStruct(id=i, vector=[1, i, 0, 0], payload={"text": text, "n": i})])
    first, offset = client.scroll(name, limit=999_999_999)
    assert 4 <= len(first) < 12 and offset is not None
    seen = ids(first)
    while offset is not None:
        page, offset = client.scroll(name, limit=999_999_999, offset=offset)
        seen += ids(page)
    assert seen == list(range(12))
    for path, body in (
        ("/points/query", {"query": [1, 0, 0, 0], "limit": 12, "with_payload": True}),
        ("/points/query", {"limit": 12, "with_payload": True}),
        ("/points", {"ids": list(range(12))}),
    ):
        status, answer = node.call("POST", f"/collections/{name}{path}", body)
        assert status == 400 and "67108864 bytes" in answer["status"]["error"], answer
    some = client.query_points(name, query=[1, 0, 0, 0], limit=12, with_payload=["n"]).points
    assert [it.payload["n"] for it in some] == list(range(12)), "what is not asked for does not count"


def test_bodies_may_be_compressed(node, client, name):
    create(client, name)
    points = {"points": [{"id": i, "vector": [1, 2, 3, i]} for i in range(2000)]}
    packed = gzip.compress(json.dumps(points).encode())
    path = f"/collections/{name}/points"
    assert node.call("PUT", path, raw=packed, encoding="gzip")[0] == 200
    assert client.count(name).count == 2000
    status, answer = node.call("PUT", path, raw=b"anything", encoding="br")
    assert status == 415 and "`br`" in answer["status"]["error"], answer
    status, answer = node.call("PUT", path, raw=packed[:100], encoding="gzip")
    assert status == 400 and answer["status"]["error"], answer
    bomb = gzip.compress(b" " * (64 << 20))
    assert node.call("PUT", path, raw=bomb, encoding="gzip")[0] == 413
