"""Semantic Kernel's vector store: records, vector and hybrid search, filters (client 1.15)."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

import pytest
from semantic_kernel.connectors.qdrant import QdrantCollection, QdrantStore
from semantic_kernel.data.vector import DistanceFunction, IndexKind, VectorStoreField, vectorstoremodel

from words import SIZE, SOURCES, TEXTS, dense


@vectorstoremodel
@dataclass
class Text:
    id: Annotated[int, VectorStoreField("key")]
    content: Annotated[str, VectorStoreField("data", is_full_text_indexed=True)]
    source: Annotated[str, VectorStoreField("data", is_indexed=True)]
    vector: Annotated[
        list[float] | None,
        VectorStoreField("vector", dimensions=SIZE, index_kind=IndexKind.HNSW, distance_function=DistanceFunction.COSINE_SIMILARITY),
    ] = field(default=None)


@pytest.mark.parametrize("named_vectors", [False, True])
@pytest.mark.parametrize("over_grpc", [False, True])
def test_records_are_kept_searched_and_deleted(node, name, over_grpc, named_vectors):
    asyncio.run(kept_searched_and_deleted(node, name, over_grpc, named_vectors))


async def kept_searched_and_deleted(node, name, over_grpc, named_vectors):
    collection = QdrantCollection(
        record_type=Text, collection_name=name, named_vectors=named_vectors,
        host=node.host, port=node.port, grpc_port=node.grpc_port, prefer_grpc=over_grpc,
    )
    async with collection:
        await collection.ensure_collection_exists()
        assert await collection.collection_exists()
        records = [Text(i, text, SOURCES[i], dense(text)) for i, text in enumerate(TEXTS)]
        assert await collection.upsert(records) == list(range(len(TEXTS)))
        record = await collection.get(3, include_vectors=True)
        assert record.content == TEXTS[3] and len(record.vector) == SIZE
        found = await collection.search(vector=dense("the weather forecast of tomorrow"), top=1, vector_property_name="vector")
        assert [it.record.content async for it in found.results] == [TEXTS[1]]
        found = await collection.search(
            vector=dense("today"), top=5, vector_property_name="vector",
            filter=lambda it: it.source == "news" or it.source == "website",
        )
        assert {it.record.id async for it in found.results} == {1, 3, 4, 5}
        if named_vectors:
            found = await collection.hybrid_search(
                values=["website"], vector=dense("today"), top=3, vector_property_name="vector", additional_property_name="source"
            )
            assert 5 in [it.record.id async for it in found.results]
        await collection.delete([1, 3])
        assert await collection.get(3) is None
        await collection.ensure_collection_deleted()


def test_a_store_lists_its_collections(node, name):
    async def listed():
        async with QdrantStore(host=node.host, port=node.port) as store:
            collection = store.get_collection(Text, collection_name=name)
            await collection.ensure_collection_exists()
            return await store.list_collection_names()

    assert name in asyncio.run(listed())
