"""Cognee's adapter: data points with tenants, every quantisation it knows, search and deletion."""

import asyncio
import uuid

import pytest
from cognee.infrastructure.engine import DataPoint
from cognee_community_vector_adapter_qdrant.qdrant_adapter import QDrantAdapter

from words import SIZE, TEXTS, dense


class Chunk(DataPoint):
    text: str
    metadata: dict = {"index_fields": ["text"]}


class Words:
    async def embed_text(self, texts):
        return [dense(text) for text in texts]

    def get_vector_size(self):
        return SIZE


@pytest.mark.parametrize("quantization", ["none", "sq", "bq1", "bq2", "pq", "tq4", "tq2", "tq1.5", "tq1"])
def test_data_points_are_indexed_found_and_deleted(node, name, monkeypatch, quantization):
    monkeypatch.setenv("QDRANT_QUANTIZATION", quantization)

    async def run():
        adapter = QDrantAdapter(url=node.url, api_key=None, embedding_engine=Words(), database_name="tenant-1")
        # The adapter gives its clients Qdrant's own port.
        adapter.get_qdrant_client = lambda: client_of(node)
        other = QDrantAdapter(url=node.url, api_key=None, embedding_engine=Words(), database_name="tenant-2")
        other.get_qdrant_client = adapter.get_qdrant_client
        points = [Chunk(id=uuid.uuid4(), text=text) for text in TEXTS]
        await adapter.create_vector_index(name, "text")
        await adapter.index_data_points(name, "text", points)
        collection = f"{name}_text"
        assert await adapter.has_collection(collection)
        (found,) = await adapter.search(collection, "the weather forecast of tomorrow", limit=1, include_payload=True)
        assert found.payload["text"] == TEXTS[1] and found.score < 0.7
        assert len(await adapter.search(collection, "today", limit=None)) == len(TEXTS)
        assert await other.search(collection, "today", limit=None) == []
        assert (await adapter.retrieve(collection, [str(points[3].id)]))[0].payload["text"] == TEXTS[3]
        await adapter.delete_data_points(collection, [str(points[1].id)])
        assert len(await adapter.search(collection, "today", limit=None)) == len(TEXTS) - 1
        await adapter.prune()
        assert await adapter.search(collection, "today", limit=5) == []

    asyncio.run(run())


def client_of(node):
    from qdrant_client import AsyncQdrantClient

    return AsyncQdrantClient(url=node.url)
