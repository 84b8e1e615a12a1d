"""The official client over gRPC: the main flows, and what only gRPC has."""

import random
import socket
import urllib.request

import grpc
import pytest
from grpc import StatusCode
from qdrant_client import QdrantClient
from qdrant_client import grpc as wire
from qdrant_client import models as m

from conftest import create, ids, wait_green
from node import Node

UUID = "550e8400-e29b-41d4-a716-446655440000"


@pytest.fixture(scope="module")
def over(node):
    """The client over gRPC."""
    it = QdrantClient(node.host, port=node.port, grpc_port=node.grpc_port, prefer_grpc=True, timeout=60)
    yield it
    it.close()


@pytest.fixture(scope="module")
def channel(node):
    with grpc.insecure_channel(f"{node.host}:{node.grpc_port}") as it:
        yield it


@pytest.fixture
def points(channel):
    return wire.PointsStub(channel)


def refusal(call, *arguments, **named):
    """The code and the text that a call is refused with."""
    with pytest.raises(grpc.RpcError) as refused:
        call(*arguments, **named)
    return refused.value.code(), refused.value.details()


def test_collections_are_made_looked_at_changed_and_deleted(over, name):
    assert not over.collection_exists(name)
    vectors = {"a": m.VectorParams(size=3, distance=m.Distance.DOT, on_disk=True), "b": m.VectorParams(size=2, distance=m.Distance.EUCLID)}
    assert over.create_collection(name, vectors_config=vectors, shard_number=2, hnsw_config=m.HnswConfigDiff(m=8), metadata={"k": [1]})
    assert refusal(over.create_collection, name, vectors_config=vectors)[0] == StatusCode.ALREADY_EXISTS
    info = over.get_collection(name)
    assert (info.status, info.points_count, info.config.params.shard_number) == (m.CollectionStatus.GREEN, 0, 2)
    assert info.config.params.vectors == vectors and info.config.hnsw_config.m == 8 and info.config.metadata == {"k": [1]}
    assert over.update_collection(name, optimizers_config=m.OptimizersConfigDiff(indexing_threshold=7, max_optimization_threads="auto"))
    assert over.get_collection(name).config.optimizer_config.indexing_threshold == 7
    assert name in [it.name for it in over.get_collections().collections]
    assert over.delete_collection(name)
    assert refusal(over.get_collection, name) == (StatusCode.NOT_FOUND, f"Not found: Collection `{name}` doesn't exist!")


def test_hints_come_back_as_they_were_given(over, name):
    quantization = m.ScalarQuantization(scalar=m.ScalarQuantizationConfig(type=m.ScalarType.INT8, quantile=0.99, always_ram=True))
    create(over, name, quantization_config=quantization, wal_config=m.WalConfigDiff(wal_capacity_mb=5))
    config = over.get_collection(name).config
    assert config.quantization_config.scalar.always_ram and abs(config.quantization_config.scalar.quantile - 0.99) < 1e-6
    assert config.wal_config.wal_capacity_mb == 5
    assert any("quantization" in it.message for it in over.get_collection(name).warnings)


def test_aliases(over, name):
    create(over, name)
    alias = f"{name}-alias"
    assert over.update_collection_aliases([m.CreateAliasOperation(create_alias=m.CreateAlias(collection_name=name, alias_name=alias))])
    assert [(it.alias_name, it.collection_name) for it in over.get_collection_aliases(name).aliases] == [(alias, name)]
    assert alias in [it.alias_name for it in over.get_aliases().aliases]
    over.upsert(alias, [m.PointStruct(id=1, vector=[1, 2, 3, 4])])
    assert over.count(name).count == 1


def test_payloads_keep_their_types(over, client, name):
    create(over, name)
    payload = {
        "integer": 2**53 + 1, "negative": -(2**63), "float": 1.0, "small": 5e-324, "text": "ä\0", "yes": True, "none": None,
        "list": [1, 1.5, "x", None, [], {}], "object": {"deep": {"er": [{"k": 0}]}}, "when": "2024-01-02T03:04:05Z",
    }
    over.upsert(name, [m.PointStruct(id=1, vector=[1, 2, 3, 4], payload=payload), m.PointStruct(id=UUID, vector=[1, 2, 3, 4])])
    for door in (over, client):
        (found,) = door.retrieve(name, [1])
        assert found.payload == payload
        assert isinstance(found.payload["integer"], int) and isinstance(found.payload["float"], float)
    assert ids(over.retrieve(name, [UUID])) == [UUID]


def test_points_are_changed_in_every_way(over, name):
    vectors = {"a": m.VectorParams(size=2, distance=m.Distance.DOT), "b": m.VectorParams(size=2, distance=m.Distance.DOT)}
    over.create_collection(name, vectors_config=vectors)
    over.create_payload_index(name, "n", m.PayloadSchemaType.INTEGER, wait=True)
    over.create_payload_index(name, "k", m.KeywordIndexParams(type="keyword", is_tenant=True), wait=True)
    schema = over.get_collection(name).payload_schema
    assert schema["n"].data_type == m.PayloadSchemaType.INTEGER and schema["k"].params.is_tenant
    done = over.upsert(name, [m.PointStruct(id=i, vector={"a": [i, 1]}, payload={"n": i}) for i in range(6)], wait=True)
    assert done.status == m.UpdateStatus.COMPLETED and done.operation_id > 0
    assert over.upsert(name, [m.PointStruct(id=9, vector={})], wait=False).status == m.UpdateStatus.ACKNOWLEDGED
    over.update_vectors(name, [m.PointVectors(id=1, vector={"b": [3, 4]})])
    over.delete_vectors(name, ["a"], [2])
    over.set_payload(name, {"s": "x"}, [1, 2])
    over.set_payload(name, {"deep": 1}, [1], key="o")
    over.overwrite_payload(name, {"only": 1}, [3])
    over.delete_payload(name, ["n"], m.Filter(must=[m.FieldCondition(key="n", match=m.MatchValue(value=4))]))
    over.clear_payload(name, [5])
    found = {it.id: it for it in over.scroll(name, limit=100, with_vectors=True)[0]}
    assert found[1].vector == {"a": [1, 1], "b": [3, 4]} and found[2].vector == {}
    assert found[1].payload == {"n": 1, "s": "x", "o": {"deep": 1}} and found[3].payload == {"only": 1}
    assert [found[i].payload for i in (4, 5, 9)] == [{}, {}, {}]
    over.delete(name, [1, 9])
    assert over.count(name, m.Filter(must=[m.HasIdCondition(has_id=[1, 2])])).count == 1
    over.delete(name, m.Filter())
    assert over.count(name).count == 0
    over.delete_payload_index(name, "n")
    assert "n" not in over.get_collection(name).payload_schema


def test_a_batch_of_changes(over, name):
    create(over, name)
    operations = [
        m.UpsertOperation(upsert=m.PointsList(points=[m.PointStruct(id=i, vector=[i, 1, 2, 3]) for i in range(4)])),
        m.SetPayloadOperation(set_payload=m.SetPayload(payload={"a": 1}, points=[1, 2])),
        m.DeleteOperation(delete=m.PointIdsList(points=[0])),
    ]
    results = over.batch_update_points(name, operations, wait=True)
    assert [it.status for it in results] == [m.UpdateStatus.COMPLETED] * 3
    assert [it.payload for it in over.scroll(name)[0]] == [{"a": 1}, {"a": 1}, {}]
    wrong = [*operations[:1], m.UpsertOperation(upsert=m.PointsList(points=[m.PointStruct(id=7, vector=[1])]))]
    code, text = refusal(over.batch_update_points, name, wrong)
    assert code == StatusCode.INVALID_ARGUMENT and "operations[1]; no operation was begun" in text


def test_queries_and_pages(over, name):
    create(over, name, shard_number=2)
    rng = random.Random(1)
    vectors = [[rng.gauss(0, 1) for _ in range(4)] for _ in range(300)]
    over.upload_points(name, [m.PointStruct(id=i, vector=it, payload={"n": i}) for i, it in enumerate(vectors)], wait=True)
    wait_green(over, name)
    found = over.query_points(name, vectors[7], limit=3, with_payload=True, with_vectors=True, search_params=m.SearchParams(exact=True)).points
    assert found[0].id == 7 and found[0].payload == {"n": 7} and abs(found[0].score - 1) < 1e-5 and len(found[0].vector) == 4
    fused = over.query_points(name, prefetch=[m.Prefetch(query=vectors[1], limit=5), m.Prefetch(query=2, limit=5)], query=m.FusionQuery(fusion=m.Fusion.RRF), limit=2)
    assert len(fused.points) == 2
    batch = over.query_batch_points(name, [m.QueryRequest(query=vectors[i], limit=1) for i in (3, 4)])
    assert [ids(it.points) for it in batch] == [[3], [4]]
    seen, offset = [], None
    while True:
        page, offset = over.scroll(name, limit=77, offset=offset, scroll_filter=m.Filter(must=[m.FieldCondition(key="n", range=m.Range(lt=250))]))
        seen += ids(page)
        if offset is None:
            break
    assert sorted(seen) == list(range(250))


def test_shard_keys(over, name):
    create(over, name, sharding_method=m.ShardingMethod.CUSTOM)
    assert over.create_shard_key(name, "acme") and over.create_shard_key(name, 7)
    over.upsert(name, [m.PointStruct(id=1, vector=[1, 2, 3, 4])], shard_key_selector="acme")
    over.upsert(name, [m.PointStruct(id=1, vector=[1, 2, 3, 4]), m.PointStruct(id=2, vector=[1, 2, 3, 4])], shard_key_selector=7)
    assert over.count(name, shard_key_selector="acme").count == 1 and over.count(name).count == 3
    page, offset = over.scroll(name, limit=2)
    rest, end = over.scroll(name, limit=2, offset=offset)
    assert sorted((it.shard_key, it.id) for it in page + rest if it.shard_key != "acme") == [(7, 1), (7, 2)] and end is None
    found = over.query_points(name, [1, 2, 3, 4], shard_key_selector=["acme"]).points
    assert [(it.id, it.shard_key) for it in found] == [(1, "acme")]
    assert over.delete_shard_key(name, "acme")
    assert over.count(name).count == 2


def test_old_clients_are_read_and_answered(over, points, name):
    create(over, name)
    flat = wire.PointStruct(id=wire.PointId(num=1), vectors=wire.Vectors(vector=wire.Vector(data=[1, 2, 3, 4])))
    done = points.Upsert(wire.UpsertPoints(collection_name=name, points=[flat], wait=True))
    assert done.result.status == wire.UpdateStatus.Completed and done.time > 0 and not done.HasField("usage")
    search = wire.SearchPoints(
        collection_name=name, vector=[1, 2, 3, 4], limit=5, score_threshold=0.5,
        with_payload=wire.WithPayloadSelector(enable=True), with_vectors=wire.WithVectorsSelector(enable=True),
    )
    (found,) = points.Search(search).result
    vector = found.vectors.vector
    assert list(vector.data) == list(vector.dense.data) and len(vector.data) == 4
    batch = points.SearchBatch(wire.SearchBatchPoints(collection_name=name, search_points=[search, search])).result
    assert [it.id.num for each in batch for it in each.result] == [1, 1]
    # An absent limit is 0 there.
    code, text = refusal(points.Search, wire.SearchPoints(collection_name=name, vector=[1, 2, 3, 4]))
    assert (code, text) == (StatusCode.INVALID_ARGUMENT, "Validation error in body: [limit: value 0 invalid, must be 1 or larger]")
    everything = wire.PointsSelector(filter=wire.Filter())
    points.Delete(wire.DeletePoints(collection_name=name, points=everything, wait=True))
    assert over.count(name).count == 0


def test_what_is_missing_says_what_to_use(over, points, name):
    create(over, name)
    code, text = refusal(over.create_snapshot, name)
    assert code == StatusCode.UNIMPLEMENTED and "/qdrant.Snapshots/Create" in text


def test_times_are_kept(points, over, name):
    create(over, name)
    request = wire.CountPoints(collection_name=name)
    assert points.Count(request, timeout=5).result.count == 0
    code, text = refusal(points.Count, wire.CountPoints(collection_name=name, timeout=0))
    assert code == StatusCode.INVALID_ARGUMENT and "timeout" in text
    for value, code in [(wire.ReadConsistency(type=wire.ReadConsistencyType.Majority), None), (wire.ReadConsistency(factor=0), StatusCode.INVALID_ARGUMENT)]:
        asked = wire.CountPoints(collection_name=name, read_consistency=value)
        if code:
            assert refusal(points.Count, asked)[0] == code
        else:
            assert points.Count(asked).result.count == 0


def test_health_and_metrics(node, channel, over):
    reply = wire.QdrantStub(channel).HealthCheck(wire.HealthCheckRequest())
    assert reply.version.startswith("1.") and "qdrant" in reply.title
    check = channel.unary_unary("/grpc.health.v1.Health/Check")
    assert check(b"") == b"\x08\x01", "1 is SERVING"
    counted = 'vane_grpc_requests_total{method="/qdrant.Qdrant/HealthCheck",code="Ok"}'
    assert counted in urllib.request.urlopen(f"{node.url}/metrics").read().decode()


def test_services_describe_themselves(channel):
    # The question for all services.
    (answer,) = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")(iter([b"\x3a\x01*"]))
    for service in (b"qdrant.Points", b"qdrant.Collections", b"qdrant.Qdrant", b"grpc.health.v1.Health"):
        assert service in answer


def test_connections_that_ask_for_nothing_hold_no_stop_up(tmp_path):
    with Node(tmp_path / "data", SHUTDOWN_GRACE_S=50) as node:
        with grpc.insecure_channel(f"{node.host}:{node.grpc_port}") as channel:
            wire.QdrantStub(channel).HealthCheck(wire.HealthCheckRequest())
            silent, slow = (socket.create_connection((node.host, node.grpc_port)) for _ in range(2))
            slow.send(b"PRI * HTTP/2.0\r\n")
            assert node.stop() == 0
            assert "cut off" not in node.tail()
            silent.close(), slow.close()


def test_bytes_that_are_no_message_are_the_clients_mistake(node, channel, over, name):
    create(over, name)
    rng = random.Random(7)
    names = wire.points_service_pb2.DESCRIPTOR.services_by_name["Points"].methods
    paths = [f"/qdrant.Points/{it.name}" for it in names] + ["/qdrant.Collections/Create", "/qdrant.Points/Nothing", "/no.Service/X"]
    valid = wire.UpsertPoints(
        collection_name=name,
        points=[wire.PointStruct(id=wire.PointId(num=1), vectors=wire.Vectors(vector=wire.Vector(data=[1, 2, 3, 4])))],
    ).SerializeToString()
    for _ in range(600):
        message = bytearray(valid if rng.random() < 0.5 else rng.randbytes(rng.randrange(200)))
        for _ in range(rng.randrange(4)):
            if message:
                message[rng.randrange(len(message))] = rng.randrange(256)
        try:
            channel.unary_unary(rng.choice(paths))(bytes(message), timeout=30)
        except grpc.RpcError as error:
            assert error.code() not in (StatusCode.INTERNAL, StatusCode.UNKNOWN, StatusCode.UNAVAILABLE), error
    assert node.is_ready()


def test_a_large_message_is_refused_and_a_compressed_one_read(tmp_path, name):
    with Node(tmp_path / "data", MAX_REQUEST_BYTES=100_000) as node:
        with grpc.insecure_channel(f"{node.host}:{node.grpc_port}", compression=grpc.Compression.Gzip) as zipped:
            wire.CollectionsStub(zipped).Create(
                wire.CreateCollection(collection_name=name, vectors_config=wire.VectorsConfig(params=wire.VectorParams(size=4, distance="Dot")))
            )
            # It is small only as long as it is compressed.
            bomb = wire.PointStruct(id=wire.PointId(num=1), payload={"k": wire.Value(string_value="a" * 1_000_000)})
            code, text = refusal(wire.PointsStub(zipped).Upsert, wire.UpsertPoints(collection_name=name, points=[bomb]))
            assert code == StatusCode.RESOURCE_EXHAUSTED and "becomes larger than allowed" in text
            assert wire.QdrantStub(zipped).HealthCheck(wire.HealthCheckRequest()).version
            small = wire.PointStruct(id=wire.PointId(num=1), vectors=wire.Vectors(vector=wire.Vector(data=[1, 2, 3, 4])))
            wire.PointsStub(zipped).Upsert(wire.UpsertPoints(collection_name=name, points=[small], wait=True))
            assert wire.PointsStub(zipped).Count(wire.CountPoints(collection_name=name)).result.count == 1
        with grpc.insecure_channel(f"{node.host}:{node.grpc_port}") as plain:
            code, text = refusal(wire.PointsStub(plain).Upsert, wire.UpsertPoints(collection_name=name, points=[bomb]))
            assert code == StatusCode.RESOURCE_EXHAUSTED and "max_request_bytes" in text
        assert node.stop() == 0
