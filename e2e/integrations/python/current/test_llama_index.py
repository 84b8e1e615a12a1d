"""LlamaIndex's quickstart: an index over the vector store, hybrid queries, filters, tenants."""

import pytest
from llama_index.core import Document, Settings, StorageContext, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores import FilterOperator, MetadataFilter, MetadataFilters
from llama_index.vector_stores.qdrant import QdrantVectorStore
from qdrant_client import AsyncQdrantClient, QdrantClient, models

from words import SOURCES, TEXTS, dense, sparse


class Dense(BaseEmbedding):
    def _get_text_embedding(self, text):
        return dense(text)

    _get_query_embedding = _get_text_embedding

    async def _aget_query_embedding(self, text):
        return dense(text)


@pytest.fixture(autouse=True)
def settings():
    Settings.embed_model = Dense()
    Settings.llm = None


def sparse_of(texts):
    found = [sparse(text) for text in texts]
    return [it[0] for it in found], [it[1] for it in found]


def documents():
    return [
        Document(text=text, metadata={"source": source, "n": i}, doc_id=f"doc-{i}", excluded_embed_metadata_keys=["source", "n"])
        for i, (text, source) in enumerate(zip(TEXTS, SOURCES, strict=True))
    ]


def index_of(store):
    return VectorStoreIndex.from_documents(documents(), storage_context=StorageContext.from_defaults(vector_store=store))


def texts(nodes):
    return [it.node.get_content() for it in nodes]


@pytest.mark.parametrize("over_grpc", [False, True])
def test_an_index_finds_filters_and_deletes(node, name, over_grpc):
    client = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=over_grpc)
    store = QdrantVectorStore(
        client=client, collection_name=name,
        payload_indexes=[{"field_name": "source", "field_schema": models.PayloadSchemaType.KEYWORD}],
        quantization_config=models.ScalarQuantization(scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8)),
    )
    index = index_of(store)
    assert texts(index.as_retriever(similarity_top_k=1).retrieve("the weather forecast of tomorrow")) == [TEXTS[1]]
    assert TEXTS[3] in str(index.as_query_engine(similarity_top_k=1).query("who broke into the bank"))
    news = MetadataFilters(filters=[
        MetadataFilter(key="source", value="news"), MetadataFilter(key="n", operator=FilterOperator.GTE, value=2),
    ])
    assert set(texts(index.as_retriever(similarity_top_k=5, filters=news).retrieve("today"))) == {TEXTS[3], TEXTS[4]}
    text = MetadataFilters(filters=[MetadataFilter(key="source", operator=FilterOperator.TEXT_MATCH, value="web")])
    assert texts(index.as_retriever(filters=text).retrieve("today")) == [TEXTS[5]]
    assert len(store.get_nodes(filters=MetadataFilters(filters=[MetadataFilter(key="source", value="tweet")]))) == 2
    index.delete_ref_doc("doc-1")
    assert client.count(name).count == len(TEXTS) - 1
    store.clear()
    assert not client.collection_exists(name)


def test_a_hybrid_index(node, name):
    store = QdrantVectorStore(
        collection_name=name, client=QdrantClient(url=node.url), aclient=AsyncQdrantClient(url=node.url), enable_hybrid=True,
        sparse_doc_fn=sparse_of, sparse_query_fn=sparse_of, sparse_config=models.SparseVectorParams(modifier=models.Modifier.IDF),
    )
    retriever = index_of(store).as_retriever(vector_store_query_mode="hybrid", similarity_top_k=2, sparse_top_k=3)
    assert texts(retriever.retrieve("the weather forecast of tomorrow"))[0] == TEXTS[1]
    sparse_only = VectorStoreIndex.from_vector_store(store).as_retriever(vector_store_query_mode="sparse", similarity_top_k=1, sparse_top_k=1)
    assert texts(sparse_only.retrieve("robbers")) == [TEXTS[3]]


def test_tenants_by_shard_keys(node, name):
    client = QdrantClient(url=node.url)
    store = QdrantVectorStore(
        collection_name=name, client=client, sharding_method=models.ShardingMethod.CUSTOM, shard_number=1,
        shard_keys=["news", "other"], shard_key_selector_fn=lambda identifier: "news",
    )
    nodes = [TextNode(text=text, embedding=dense(text)) for text in TEXTS]
    store.add(nodes, shard_identifier="anything")
    assert client.count(name, shard_key_selector="news").count == len(TEXTS)
    assert client.count(name, shard_key_selector="other").count == 0
    index = VectorStoreIndex.from_vector_store(store)
    retriever = index.as_retriever(similarity_top_k=1, vector_store_kwargs={"shard_identifier": "news"})
    assert texts(retriever.retrieve("soccer players")) == [TEXTS[5]]
