"""The MCP server's two tools, called by an MCP client."""

import asyncio

from fastmcp import Client
from mcp_server_qdrant.embeddings.base import EmbeddingProvider
from mcp_server_qdrant.mcp_server import QdrantMCPServer
from mcp_server_qdrant.settings import FilterableField, QdrantSettings, ToolSettings

from words import SIZE, SOURCES, TEXTS, dense


class Words(EmbeddingProvider):
    async def embed_documents(self, documents):
        return [dense(text) for text in documents]

    async def embed_query(self, query):
        return dense(query)

    def get_vector_name(self):
        return "words"

    def get_vector_size(self):
        return SIZE


def test_memories_are_stored_and_found(node, name):
    async def tools():
        settings = QdrantSettings(QDRANT_URL=node.url, COLLECTION_NAME=name, QDRANT_ALLOW_ARBITRARY_FILTER=True, QDRANT_SEARCH_LIMIT=2)
        server = QdrantMCPServer(tool_settings=ToolSettings(), qdrant_settings=settings, embedding_provider=Words())
        async with Client(server) as client:
            assert {it.name for it in await client.list_tools()} == {"qdrant-find", "qdrant-store"}
            for text, source in zip(TEXTS, SOURCES, strict=True):
                (told,) = await client.call_tool("qdrant-store", {"information": text, "metadata": {"source": source}})
                assert told.text.startswith("Remembered")
            found = await client.call_tool("qdrant-find", {"query": "the weather forecast of tomorrow"})
            news = {"must": [{"key": "metadata.source", "match": {"value": "website"}}]}
            filtered = await client.call_tool("qdrant-find", {"query": "today", "query_filter": news})
            return "".join(it.text for it in found), "".join(it.text for it in filtered)

    found, filtered = asyncio.run(tools())
    assert TEXTS[1] in found and found.count("<entry>") == 2 and "news" in found
    assert TEXTS[5] in filtered and filtered.count("<entry>") == 1


def test_fields_that_are_filtered_have_an_index(node, name):
    async def asked():
        fields = [FilterableField(name="source", description="where from", field_type="keyword", condition="==")]
        settings = QdrantSettings(QDRANT_URL=node.url, COLLECTION_NAME=name, filterable_fields=fields)
        server = QdrantMCPServer(tool_settings=ToolSettings(), qdrant_settings=settings, embedding_provider=Words())
        async with Client(server) as client:
            await client.call_tool("qdrant-store", {"information": TEXTS[0], "metadata": {"source": "tweet"}})
            (*_, entry) = await client.call_tool("qdrant-find", {"query": "pancakes", "source": "tweet"})
            return entry.text

    assert TEXTS[0] in asyncio.run(asked())
    assert node.call("GET", f"/collections/{name}")[1]["result"]["payload_schema"]["metadata.source"]["data_type"] == "keyword"
