"""Limits that a collection sets on its requests, and quotas of nodes: through both doors alike."""

import json

import grpc
import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import UnexpectedResponse

from conftest import create

VECTOR = [0.2, 0.1, 0.9, 0.7]


@pytest.fixture(scope="module")
def over(node):
    it = QdrantClient(node.host, port=node.port, grpc_port=node.grpc_port, prefer_grpc=True, timeout=60)
    yield it
    it.close()


@pytest.fixture
def doors(client, over):
    return client, over


def refusal(call):
    """Why a request was refused as one that is wrong."""
    try:
        call()
    except UnexpectedResponse as error:
        assert error.status_code == 400, error
        return json.loads(error.content)["status"]["error"]
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
        return error.details()
    pytest.fail("it was not refused")


def limit(client, name, **limits):
    client.update_collection(name, strict_mode_config=m.StrictModeConfig(**limits))


def points(ids, **payload):
    return [m.PointStruct(id=i, vector=[1.0, float(i), 3.0, 5.0], payload=payload) for i in ids]


def match(key, value):
    return m.Filter(must=[m.FieldCondition(key=key, match=m.MatchValue(value=value))])


def test_limits_are_kept_joined_and_returned(doors, name):
    limits = m.StrictModeConfig(
        enabled=True,
        max_query_limit=10,
        max_timeout=2,
        unindexed_filtering_retrieve=False,
        search_max_oversampling=1.5,
        max_collection_vector_size_bytes=10**12,
        multivector_config={"a": m.StrictModeMultivector(max_vectors=3)},
        sparse_config={"b": m.StrictModeSparse(max_length=4)},
    )
    create(doors[0], name, strict_mode_config=limits)
    shown = [client.get_collection(name).config.strict_mode_config for client in doors]
    assert shown[0] == shown[1]
    assert shown[0].model_dump(exclude_none=True) == limits.model_dump(exclude_none=True)
    limit(doors[1], name, max_query_limit=20, search_allow_exact=False)
    expected = {**limits.model_dump(exclude_none=True), "max_query_limit": 20, "search_allow_exact": False}
    for client in doors:
        assert client.get_collection(name).config.strict_mode_config.model_dump(exclude_none=True) == expected
        assert not client.get_collection(name).warnings
    limit(doors[0], name, enabled=False)
    assert doors[1].query_points(name, VECTOR, limit=100, timeout=60).points == []


def test_what_is_no_limit_is_refused_by_name(node, doors, name):
    create(doors[0], name)
    for limits, status, named in (
        ({"max_queries": 1}, 400, "max_queries"),
        ({"max_points_count": 0}, 422, "max_points_count"),
        ({"max_resident_memory_percent": 101}, 422, "max_resident_memory_percent"),
        ({"sparse_config": {"s": {"max_vectors": 1}}}, 400, "max_vectors"),
    ):
        got, answer = node.call("PATCH", f"/collections/{name}", {"strict_mode_config": limits})
        assert (got, named in answer["status"]["error"]) == (status, True), answer
    with pytest.raises(grpc.RpcError) as refused:
        limit(doors[1], name, read_rate_limit=0)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture
def filled(doors, name):
    create(doors[0], name)
    doors[0].upsert(name, points(range(1, 11), city="Berlin", rank=1.5), wait=True)
    return name


def test_numbers_of_reads_are_bounded(doors, filled):
    limit(doors[0], filled, enabled=True, max_query_limit=4, search_max_hnsw_ef=5, search_max_oversampling=1.9, search_allow_exact=False)
    oversampled = m.SearchParams(quantization=m.QuantizationSearchParams(oversampling=2.0))
    for client in doors:
        assert len(client.query_points(filled, VECTOR, limit=4).points) == 4
        prefetch = m.Prefetch(query=VECTOR, limit=5)
        for call in (
            lambda: client.query_points(filled, VECTOR, limit=5),
            lambda: client.query_points(filled, prefetch=prefetch, query=m.FusionQuery(fusion="rrf"), limit=1),
            lambda: client.scroll(filled, limit=5),
            lambda: client.query_batch_points(filled, [m.QueryRequest(query=VECTOR, limit=5)]),
        ):
            assert 'Limit exceeded 5 > 4 for "limit". Help: Reduce the "limit" parameter to or below 4.' in refusal(call)
        # Its own limit is ten.
        assert "10 > 4" in refusal(lambda: client.query_points(filled, VECTOR))
        groups = lambda: client.query_points_groups(filled, group_by="city", query=VECTOR, limit=2, group_size=3)
        assert "6 > 4" in refusal(groups)
        for params, why in (
            (m.SearchParams(hnsw_ef=6), 'Limit exceeded 6 > 5 for "hnsw_ef"'),
            (oversampled, 'for "oversampling"'),
            (m.SearchParams(exact=True), "Exact search disabled!. Help: Set exact=false."),
        ):
            assert why in refusal(lambda: client.query_points(filled, VECTOR, limit=1, search_params=params))
        assert "Exact search disabled!" in refusal(lambda: client.count(filled))
        assert client.count(filled, exact=False).count == 10
    limit(doors[0], filled, max_query_limit=100, search_max_batchsize=2)
    for client in doors:
        batch = lambda queries: client.query_batch_points(filled, [m.QueryRequest(query=VECTOR, limit=1)] * queries)
        assert len(batch(2)) == 2
        assert 'Limit exceeded 3 > 2 for "search batch size"' in refusal(lambda: batch(3))


def test_a_client_may_not_wait_for_longer(node, doors, filled):
    limit(doors[0], filled, enabled=True, max_timeout=2)
    search = {"vector": VECTOR, "limit": 3}
    assert node.call("POST", f"/collections/{filled}/points/search?timeout=2", search)[0] == 200
    assert node.call("POST", f"/collections/{filled}/points/search", search)[0] == 200
    status, answer = node.call("POST", f"/collections/{filled}/points/search?timeout=3", search)
    assert (status, 'Limit exceeded 3 > 2 for "timeout"' in answer["status"]["error"]) == (400, True), answer
    assert 'for "timeout"' in refusal(lambda: doors[1].query_points(filled, VECTOR, timeout=3))


def test_fields_that_filters_name_are_indexed(doors, filled):
    berlin, other = match("city", "Berlin"), match("town", "Bonn")
    limit(doors[0], filled, enabled=True, unindexed_filtering_retrieve=False, unindexed_filtering_update=False)
    reads = [
        lambda client: client.query_points(filled, VECTOR, query_filter=berlin),
        lambda client: client.query_points(filled, prefetch=m.Prefetch(query=VECTOR, filter=berlin), query=VECTOR),
        lambda client: client.scroll(filled, scroll_filter=berlin),
        lambda client: client.count(filled, count_filter=berlin),
        lambda client: client.delete(filled, berlin, wait=True),
        lambda client: client.set_payload(filled, {"a": 1}, points=berlin, wait=True),
        lambda client: client.batch_update_points(filled, [m.ClearPayloadOperation(clear_payload=m.FilterSelector(filter=berlin))]),
    ]
    for client in doors:
        for call in reads:
            why = refusal(lambda: call(client))
            assert "Index required but not found for" in why and "city" in why and "[keyword]" in why, why
        why = refusal(lambda: client.query_points_groups(filled, group_by="city", query=VECTOR))
        assert "Create an index supporting `match` for this key." in why, why
    formula = m.FormulaQuery(formula=m.SumExpression(sum=["$score", "rank"]))
    for client in doors:
        ranked = lambda: client.query_points(filled, prefetch=m.Prefetch(query=VECTOR), query=formula)
        assert "[float, integer]" in refusal(ranked)
    doors[0].create_payload_index(filled, "city", "keyword", wait=True)
    doors[0].create_payload_index(filled, "rank", "float", wait=True)
    for client in doors:
        # An index counts at once.
        assert len(client.query_points(filled, VECTOR, query_filter=berlin).points) == 10
        assert client.query_points_groups(filled, group_by="city", query=VECTOR).groups
        assert client.query_points(filled, prefetch=m.Prefetch(query=VECTOR), query=formula).points
        assert "town" in refusal(lambda: client.delete(filled, other))
        assert 'Index of type "Float" found' in refusal(lambda: client.query_points_groups(filled, group_by="rank", query=VECTOR))
    doors[1].delete(filled, berlin, wait=True)
    assert doors[0].count(filled).count == 0


def test_an_index_counts_for_what_it_was_made_for(doors, filled):
    conditions = {
        "prefix": m.FieldCondition(key="city", match=m.MatchPrefix(prefix="Ber")),
        "value": m.FieldCondition(key="n", match=m.MatchValue(value=1)),
        "range": m.FieldCondition(key="n", range=m.Range(lt=9)),
    }
    read = lambda client, of: client.count(filled, m.Filter(must=[conditions[of]])).count
    doors[0].set_payload(filled, {"n": 1}, points=[1], wait=True)
    doors[0].create_payload_index(filled, "city", "keyword", wait=True)
    doors[1].create_payload_index(filled, "n", m.IntegerIndexParams(type="integer", lookup=False, range=True), wait=True)
    limit(doors[0], filled, enabled=True, unindexed_filtering_retrieve=False)
    for client in doors:
        for of in ("prefix", "value"):
            assert "Index required but not found" in refusal(lambda: read(client, of))
        assert read(client, "range") == 1
    doors[1].create_payload_index(filled, "city", m.KeywordIndexParams(type="keyword", prefix=True), wait=True)
    doors[0].create_payload_index(filled, "n", m.IntegerIndexParams(type="integer", lookup=True, range=False), wait=True)
    for client in doors:
        assert (read(client, "prefix"), read(client, "value")) == (10, 1)
        assert "Index required but not found" in refusal(lambda: read(client, "range"))


def test_filters_are_bounded(doors, filled):
    many = lambda n: m.Filter(must=[m.FieldCondition(key="rank", match=m.MatchValue(value=i)) for i in range(n)])
    large = lambda n: m.Filter(must=[m.FieldCondition(key="rank", match=m.MatchAny(any=list(range(n))))])
    nested = lambda n: m.Filter(must=[m.NestedCondition(nested=m.Nested(key="city", filter=large(n)))])
    limit(doors[0], filled, enabled=True, filter_max_conditions=5, condition_max_size=6)
    for client in doors:
        read = lambda given: client.query_points(filled, VECTOR, query_filter=given)
        for given in (many(5), large(6), nested(6)):
            read(given)
        assert "Filter condition limit reached (6 > 5)" in refusal(lambda: read(many(6)))
        assert "Condition size limit reached (7 > 6)" in refusal(lambda: read(large(7)))
        assert "Condition size limit reached (7 > 6)" in refusal(lambda: client.delete(filled, nested(7)))


def test_points_of_one_write_are_bounded(doors, filled):
    limit(doors[0], filled, enabled=True, upsert_max_batchsize=5)
    for client in doors:
        client.upsert(filled, points(range(5)), wait=True)
        assert 'Limit exceeded 6 > 5 for "upsert limit"' in refusal(lambda: client.upsert(filled, points(range(6))))
        batch = m.Batch(ids=list(range(6)), vectors=[VECTOR] * 6)
        assert "upsert limit" in refusal(lambda: client.batch_update_points(filled, [m.UpsertOperation(upsert=m.PointsBatch(batch=batch))]))
        moved = [m.PointVectors(id=1, vector=VECTOR)] * 6
        assert "update limit" in refusal(lambda: client.update_vectors(filled, moved))


@pytest.mark.parametrize(
    "limits,text",
    [
        ({"max_points_count": 15}, "Max points count limit of 15 reached!"),
        ({"max_collection_vector_size_bytes": 240}, "Max vector storage size limit of 0.00022888184MB reached!"),
        ({"max_collection_payload_size_bytes": 400}, "Max payload storage size limit of"),
    ],
    ids=["points", "vectors", "payloads"],
)
def test_a_full_collection_takes_no_more(doors, filled, limits, text):
    limit(doors[0], filled, enabled=True, **limits)
    for client in doors:
        assert client.count(filled, exact=False).count == 10
        client.upsert(filled, points(range(11, 16), city="Berlin"), wait=True)
        # What is known may be a moment old: sixteen writes, or a second.
        whys = []
        for _ in range(20):
            try:
                client.upsert(filled, points(range(16, 21), city="Berlin"), wait=True)
            except (UnexpectedResponse, grpc.RpcError):
                whys.append(refusal(lambda: client.upsert(filled, points(range(21, 22)))))
        assert whys and all(text in why for why in whys), whys
        # Deletes are taken, and make room at once.
        client.delete(filled, list(range(2, 22)), wait=True)
        client.upsert(filled, points(range(2, 11), city="Berlin", rank=1.5), wait=True)


def test_vectors_of_varying_length_are_bounded(doors, name):
    dense = m.VectorParams(size=2, distance="Dot", multivector_config=m.MultiVectorConfig(comparator="max_sim"))
    strict = m.StrictModeConfig(
        enabled=True,
        multivector_config={"many": m.StrictModeMultivector(max_vectors=3)},
        sparse_config={"few": m.StrictModeSparse(max_length=2)},
    )
    doors[0].create_collection(name, vectors_config={"many": dense}, sparse_vectors_config={"few": m.SparseVectorParams()}, strict_mode_config=strict)
    many = lambda n: {"many": [[1.0, 2.0]] * n}
    few = lambda n: {"few": m.SparseVector(indices=list(range(n)), values=[1.0] * n)}
    for client in doors:
        upsert = lambda vector: client.upsert(name, [m.PointStruct(id=1, vector=vector)], wait=True)
        upsert({**many(3), **few(2)})
        assert "Multivector 'many' has a limit of 3 vectors, but 4 were provided!" in refusal(lambda: upsert(many(4)))
        assert "Sparse vector 'few' has a limit of 2 indices, but 3 were provided!" in refusal(lambda: upsert(few(3)))
        assert "Sparse vector" in refusal(lambda: client.update_vectors(name, [m.PointVectors(id=1, vector=few(3))]))
    limit(doors[0], name, enabled=False)
    upsert(many(4))


def test_payload_indexes_are_bounded(doors, filled):
    limit(doors[0], filled, enabled=True, max_payload_index_count=1)
    doors[0].create_payload_index(filled, "city", "keyword", wait=True)
    for client in doors:
        why = refusal(lambda: client.create_payload_index(filled, "rank", "float"))
        assert "Collection already has the maximum number of payload indices (1)" in why
    doors[1].delete_payload_index(filled, "city", wait=True)
    doors[1].create_payload_index(filled, "rank", "float", wait=True)


def test_memory_may_be_bounded_for_a_collection(doors, filled):
    limit(doors[0], filled, enabled=True, max_resident_memory_percent=100)
    doors[1].upsert(filled, points([1]), wait=True)
    assert doors[0].get_collection(filled).config.strict_mode_config.max_resident_memory_percent == 100


def exhausted(call):
    """Seconds that a client is told to wait; None where it was let in."""
    try:
        call()
    except ResourceExhaustedResponse as error:
        return error.retry_after_s
    return None


def test_reads_of_a_minute_are_bounded(node, doors, filled):
    limit(doors[0], filled, enabled=True, read_rate_limit=3)
    # A filter counts, and so does each query of a batch.
    doors[0].query_points(filled, VECTOR, query_filter=match("city", "Berlin"))
    for client in doors:
        waits = exhausted(lambda: client.query_batch_points(filled, [m.QueryRequest(query=VECTOR)] * 2))
        assert waits is not None and 1 <= waits <= 20, waits
    status, answer = node.call("POST", f"/collections/{filled}/points", {"ids": [1, 2, 3]})
    assert status == 429, answer
    assert answer["status"]["error"].startswith("Rate limiting exceeded: Read rate limit exceeded: Operation requires 3 tokens but only"), answer
    status, answer = node.call("POST", f"/collections/{filled}/points", {"ids": [1, 2, 3, 4]})
    assert (status, "please try to split your request" in answer["status"]["error"]) == (429, True), answer
    # Writes are counted apart.
    doors[1].upsert(filled, points([1]), wait=True)
    limit(doors[0], filled, enabled=False)
    assert all(client.query_points(filled, VECTOR).points for client in doors)


def test_writes_of_a_minute_are_bounded(node, doors, filled):
    limit(doors[0], filled, enabled=True, write_rate_limit=21)
    # As many as points, those that a filter finds and those that are named.
    doors[1].set_payload(filled, {"a": 1}, points=match("city", "Berlin"), wait=True)
    doors[0].upsert(filled, points(range(1, 11)), wait=True)
    doors[1].delete(filled, [10], wait=True)
    for client in doors:
        waits = exhausted(lambda: client.upsert(filled, points([1])))
        assert waits is not None and waits <= 5, waits
    status, answer = node.call("PUT", f"/collections/{filled}/points", {"points": [{"id": 1, "vector": VECTOR}]})
    assert status == 429, answer
    assert "Write rate limit exceeded: Operation requires 1 tokens but only" in answer["status"]["error"], answer
    assert doors[0].query_points(filled, VECTOR).points


def test_a_collection_that_is_made_again_begins_with_what_it_may_spend(doors, name):
    for _ in range(2):
        create(doors[0], name, strict_mode_config=m.StrictModeConfig(enabled=True, write_rate_limit=1))
        doors[1].upsert(name, points([1]), wait=True)
        assert exhausted(lambda: doors[0].upsert(name, points([1]))) is not None
        doors[0].delete_collection(name)


def test_quotas_of_a_node(own_node, name):
    node = own_node.start()
    quotas = lambda: node.call("GET", "/quotas")[1]["result"]
    assert quotas()["config"] == {"enabled": False}
    used = quotas()["usage"]
    assert set(used) == {"resident_memory_percent", "disk_usage_percent"}
    assert list(quotas()["peers"].values())[0] == {**used, "exceeded": False}
    client = QdrantClient(url=node.url, timeout=60)
    over = QdrantClient(node.host, port=node.port, grpc_port=node.grpc_port, prefer_grpc=True, timeout=60)
    create(client, name)
    client.upsert(name, points([1, 2]), wait=True)
    for body, status, named in (
        ({"max_disk_usage_percent": 0}, 422, "max_disk_usage_percent"),
        ({"max_collections": 1}, 400, "max_collections"),
    ):
        got, answer = node.call("PUT", "/quotas", body)
        assert (got, named in answer["status"]["error"]) == (status, True), answer
    # The disk of the test is used by more than that.
    assert used["disk_usage_percent"] >= 1
    assert node.call("PUT", "/quotas?wait=true", {"enabled": True, "max_disk_usage_percent": 1})[0] == 200
    assert list(quotas()["peers"].values())[0]["exceeded"]
    for _ in range(2):
        status, answer = node.call("PUT", f"/collections/{name}/points", {"points": [{"id": 3, "vector": VECTOR}]})
        assert status == 507, answer
        assert "Disk usage is at" in answer["status"]["error"] and "global quota config" in answer["status"]["error"], answer
        with pytest.raises((grpc.RpcError, ResourceExhaustedResponse)):
            over.upsert(name, points([3]))
        # Reads are answered, and deletes are taken.
        assert client.retrieve(name, [1])
        client.delete(name, [2], wait=True)
        # They are kept.
        assert node.stop() == 0
        node.start()
    assert node.call("PUT", "/quotas", {"enabled": False, "max_disk_usage_percent": 1})[0] == 200
    over.upsert(name, points([3]), wait=True)
    assert quotas()["config"] == {"enabled": False, "max_disk_usage_percent": 1}
    client.close()
    over.close()
