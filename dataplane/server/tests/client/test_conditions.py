"""Writes of points that are as a condition says, over both doors."""

import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m

from conftest import create


@pytest.fixture(scope="module", params=["rest", "grpc"])
def door(request, node):
    it = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=request.param == "grpc", timeout=60)
    yield it
    it.close()


def of(id, n):
    return m.PointStruct(id=id, vector=[n, 0, 0, 1], payload={"n": n})


def numbers(client, name):
    return {it.id: it.payload["n"] for it in client.scroll(name, limit=100)[0]}


def is_number(n):
    return m.Filter(must=[m.FieldCondition(key="n", match=m.MatchValue(value=n))])


@pytest.fixture
def loaded(client, name):
    create(client, name, distance=m.Distance.DOT, shard_number=2)
    client.upsert(name, [of(1, 1), of(2, 2)], wait=True)
    return name


@pytest.mark.parametrize(
    "mode, number, expected",
    [
        (None, None, {1: 7, 2: 7, 3: 7}),
        (None, 2, {1: 1, 2: 7, 3: 7}),
        (m.UpdateMode.UPSERT, 1, {1: 7, 2: 2, 3: 7}),
        (m.UpdateMode.INSERT_ONLY, None, {1: 1, 2: 2, 3: 7}),
        (m.UpdateMode.INSERT_ONLY, 1, {1: 1, 2: 2, 3: 7}),
        (m.UpdateMode.UPDATE_ONLY, None, {1: 7, 2: 7}),
        (m.UpdateMode.UPDATE_ONLY, 2, {1: 1, 2: 7}),
    ],
)
def test_points_are_written_as_mode_and_filter_say(door, loaded, mode, number, expected):
    some = is_number(number) if number else None
    door.upsert(loaded, [of(id, 7) for id in (1, 2, 3)], wait=True, update_mode=mode, update_filter=some)
    assert numbers(door, loaded) == expected


def test_a_batch_has_conditions_too(door, loaded):
    operations = [
        m.UpsertOperation(upsert=m.PointsList(points=[of(1, 8), of(5, 8)], update_mode=m.UpdateMode.INSERT_ONLY)),
        m.UpsertOperation(upsert=m.PointsList(points=[of(1, 9), of(5, 9)], update_filter=is_number(8))),
    ]
    door.batch_update_points(loaded, operations, wait=True)
    assert numbers(door, loaded) == {1: 1, 2: 2, 5: 9}


def test_vectors_of_points_that_do_not_match_stay(door, loaded):
    new = [m.PointVectors(id=id, vector=[9, 9, 9, 9]) for id in (1, 2)]
    door.update_vectors(loaded, new, wait=True, update_filter=is_number(2))
    first, second = door.retrieve(loaded, [1, 2], with_vectors=True)
    assert (first.vector, second.vector) == ([1, 0, 0, 1], [9, 9, 9, 9])
    with pytest.raises(Exception, match="No point with id 77 found"):
        door.update_vectors(loaded, [m.PointVectors(id=77, vector=[1, 1, 1, 1])], update_filter=is_number(2))


def test_a_filter_that_is_none_is_refused(node, loaded):
    body = {"points": [{"id": 1, "vector": [1, 1, 1, 1]}]}
    for wrong in ({"update_filter": {"surprise": 1}}, {"update_mode": "sometimes"}):
        status, answer = node.call("PUT", f"/collections/{loaded}/points", {**body, **wrong})
        assert status == 400 and answer["status"]["error"], answer
