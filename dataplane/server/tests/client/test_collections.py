"""Collections, aliases and payload indexes through the official client."""

import threading
import warnings

import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m
from qdrant_client.http.exceptions import UnexpectedResponse

from conftest import create, wait_green


def test_the_client_neither_fails_nor_warns(node):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        before = set(threading.enumerate())
        client = QdrantClient(url=node.url)
        # It asks for the server's version on a thread of its own.
        for it in set(threading.enumerate()) - before:
            it.join()
        client.close()
    assert not seen, [str(it.message) for it in seen]


def test_a_collection_comes_changes_and_goes(client, name):
    assert not client.collection_exists(name)
    create(client, name, size=8, distance=m.Distance.DOT, hnsw_config=m.HnswConfigDiff(m=8, ef_construct=50))
    assert client.collection_exists(name)
    assert name in [it.name for it in client.get_collections().collections]
    info = client.get_collection(name)
    assert (info.config.params.vectors.size, info.config.params.vectors.distance) == (8, m.Distance.DOT)
    assert (info.config.hnsw_config.m, info.config.hnsw_config.ef_construct) == (8, 50)
    assert (info.points_count, info.status) == (0, m.CollectionStatus.GREEN)
    client.update_collection(
        name,
        optimizers_config=m.OptimizersConfigDiff(indexing_threshold=123),
        hnsw_config=m.HnswConfigDiff(ef_construct=77),
    )
    config = client.get_collection(name).config
    assert (config.optimizer_config.indexing_threshold, config.hnsw_config.ef_construct, config.hnsw_config.m) == (123, 77, 8)
    assert client.delete_collection(name)
    assert not client.collection_exists(name)
    with pytest.raises(UnexpectedResponse) as refused:
        client.get_collection(name)
    assert refused.value.status_code == 404
    assert f"Not found: Collection `{name}` doesn't exist!" in refused.value.content.decode()


def test_a_second_collection_of_the_name_is_a_conflict(client, name):
    create(client, name)
    with pytest.raises(UnexpectedResponse) as refused:
        create(client, name)
    assert refused.value.status_code == 409
    assert "already exists" in refused.value.content.decode()


def test_aliases_change_all_or_none(client, name):
    other = f"{name}-other"
    create(client, name)
    create(client, other)
    alias = f"{name}-alias"
    client.update_collection_aliases([make(name, alias)])
    assert [it.alias_name for it in client.get_collection_aliases(name).aliases] == [alias]
    assert client.get_collection(alias).points_count == 0
    swap = [m.DeleteAliasOperation(delete_alias=m.DeleteAlias(alias_name=alias)), make(other, alias)]
    client.update_collection_aliases(swap)
    assert (alias, other) in [(it.alias_name, it.collection_name) for it in client.get_aliases().aliases]
    with pytest.raises(UnexpectedResponse):
        client.update_collection_aliases([make(name, f"{alias}-2"), make("no-such-collection", f"{alias}-3")])
    assert f"{alias}-2" not in [it.alias_name for it in client.get_aliases().aliases]
    rename = m.RenameAlias(old_alias_name=alias, new_alias_name=f"{alias}-new")
    client.update_collection_aliases([m.RenameAliasOperation(rename_alias=rename)])
    assert client.get_collection(f"{alias}-new").points_count == 0
    client.delete_collection(other)
    assert f"{alias}-new" not in [it.alias_name for it in client.get_aliases().aliases]


def make(collection, alias):
    return m.CreateAliasOperation(create_alias=m.CreateAlias(collection_name=collection, alias_name=alias))


def test_an_index_is_made_beside_writes_and_searches(client, name):
    create(client, name)
    count = 20_000
    for start in range(0, count, 5000):
        batch = range(start, start + 5000)
        client.upsert(name, m.Batch(ids=list(batch), vectors=[[1.0, i, 0.0, 0.0] for i in batch], payloads=[{"n": i % 10} for i in batch]))
    three = m.Filter(must=[m.FieldCondition(key="n", match=m.MatchValue(value=3))])
    assert client.create_payload_index(name, "n", field_schema="integer", wait=False).status == "acknowledged"
    while client.get_collection(name).payload_schema["n"].points < count:
        assert client.count(name, three).count == count // 10
        client.upsert(name, m.Batch(ids=[3], vectors=[[1.0, 3, 0.0, 0.0]], payloads=[{"n": 3}]))
    assert client.count(name, three).count == count // 10
    assert client.create_payload_index(name, "other", field_schema="keyword", wait=True).status == "completed"
    assert client.get_collection(name).payload_schema["other"].points == 0
    client.delete_payload_index(name, "n")
    assert client.count(name, three).count == count // 10
    wait_green(client, name)


def test_payload_indexes_are_listed_with_their_points(client, name):
    create(client, name)
    points = [m.PointStruct(id=i, vector=[1, 2, 3, i], payload={"n": i} if i % 2 else {}) for i in range(1, 11)]
    client.upsert(name, points)
    types = ["keyword", "integer", "float", "bool", "geo", "datetime", "uuid"]
    for kind in types:
        client.create_payload_index(name, f"f_{kind}", field_schema=kind)
    client.create_payload_index(name, "n", field_schema=m.PayloadSchemaType.INTEGER)
    schema = client.get_collection(name).payload_schema
    assert {key: it.data_type.value for key, it in schema.items()} == {**{f"f_{it}": it for it in types}, "n": "integer"}
    assert (schema["n"].points, schema["n"].params) == (5, None)
    tenant = m.KeywordIndexParams(type="keyword", is_tenant=True, on_disk=True)
    client.create_payload_index(name, "n", field_schema=tenant)
    schema = client.get_collection(name).payload_schema["n"]
    assert (schema.params, schema.points) == (tenant, 0), "integers are no keywords"
    client.delete_payload_index(name, "n")
    assert "n" not in client.get_collection(name).payload_schema
    client.create_payload_index(name, "n", field_schema="keyword")
    assert client.get_collection(name).payload_schema["n"].params is None


def test_what_has_no_effect_is_kept_and_named(client, name):
    quantization = m.ScalarQuantization(scalar=m.ScalarQuantizationConfig(type=m.ScalarType.INT8, always_ram=True))
    create(
        client,
        name,
        on_disk_payload=False,
        hnsw_config=m.HnswConfigDiff(m=0, payload_m=16, on_disk=True),
        optimizers_config=m.OptimizersConfigDiff(memmap_threshold=77, default_segment_number=3, max_segment_size=9000),
        wal_config=m.WalConfigDiff(wal_capacity_mb=5),
        quantization_config=quantization,
        strict_mode_config=m.StrictModeConfig(enabled=False),
    )
    info = client.get_collection(name)
    config = info.config
    assert (config.params.on_disk_payload, config.quantization_config) == (False, quantization)
    assert (config.hnsw_config.m, config.hnsw_config.payload_m, config.hnsw_config.on_disk) == (0, 16, True)
    optimizer = config.optimizer_config
    assert (optimizer.memmap_threshold, optimizer.default_segment_number, optimizer.max_segment_size) == (77, 3, 9000)
    assert (config.wal_config.wal_capacity_mb, config.strict_mode_config.enabled) == (5, False)
    # Without a graph there are no codes: nothing of it has an effect.
    for place in ("hnsw_config.payload_m", "quantization_config", "wal_config.wal_capacity_mb"):
        assert any(f"`{place}`" in it.message for it in info.warnings), place
    client.update_collection(name, quantization_config=m.Disabled.DISABLED, hnsw_config=m.HnswConfigDiff(on_disk=False))
    config = client.get_collection(name).config
    assert (config.quantization_config, config.hnsw_config.on_disk, config.hnsw_config.payload_m) == (None, False, 16)
    plain = f"{name}-plain"
    create(client, plain)
    info = client.get_collection(plain)
    assert (info.warnings or [], info.config.optimizer_config.max_segment_size) == ([], None)


def test_named_vectors_have_their_own_sizes(client, name):
    vectors = {
        "a": m.VectorParams(size=2, distance=m.Distance.DOT),
        "b": m.VectorParams(size=3, distance=m.Distance.EUCLID),
    }
    client.create_collection(name, vectors_config=vectors)
    assert client.get_collection(name).config.params.vectors["b"].size == 3
    client.upsert(name, [m.PointStruct(id=1, vector={"a": [1, 2]}), m.PointStruct(id=2, vector={"a": [3, 1], "b": [1, 1, 1]})])
    assert [it.id for it in client.query_points(name, query=[1, 1], using="a").points] == [2, 1]
    assert [it.id for it in client.query_points(name, query=[1, 1, 1], using="b").points] == [2]
    has = m.Filter(must=[m.HasVectorCondition(has_vector="b")])
    assert client.count(name, count_filter=has).count == 1
