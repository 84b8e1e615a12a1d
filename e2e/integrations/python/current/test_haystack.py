"""Haystack's quickstart: a document store with dense, sparse and hybrid retrievers."""

import pytest
from haystack import Document, Pipeline
from haystack.dataclasses.sparse_embedding import SparseEmbedding
from haystack.document_stores.types import DuplicatePolicy
from haystack_integrations.components.retrievers.qdrant import (
    QdrantEmbeddingRetriever,
    QdrantHybridRetriever,
    QdrantSparseEmbeddingRetriever,
)
from haystack_integrations.document_stores.qdrant import QdrantDocumentStore

from words import SIZE, SOURCES, TEXTS, dense, sparse


def sparse_of(text):
    return SparseEmbedding(*sparse(text))


def documents():
    return [
        Document(content=text, meta={"source": source, "n": i}, embedding=dense(text), sparse_embedding=sparse_of(text))
        for i, (text, source) in enumerate(zip(TEXTS, SOURCES, strict=True))
    ]


@pytest.fixture(params=[False, True], ids=["REST", "gRPC"])
def store(request, node, name):
    it = QdrantDocumentStore(
        url=node.url, grpc_port=node.grpc_port, prefer_grpc=request.param, index=name, embedding_dim=SIZE, use_sparse_embeddings=True, sparse_idf=True,
        recreate_index=True, return_embedding=True, progress_bar=False,
        # The client takes these as words over REST only.
        quantization_config=None if request.param else {"scalar": {"type": "int8", "quantile": 0.99, "always_ram": True}},
        payload_fields_to_index=[{"field_name": "meta.source", "field_schema": "keyword"}],
    )
    assert it.write_documents(documents()) == len(TEXTS)
    yield it
    it.close()


IS_NEWS = {"field": "meta.source", "operator": "==", "value": "news"}


def test_documents_are_kept_filtered_and_deleted(store):
    assert store.count_documents() == len(TEXTS)
    assert {it.content for it in store.filter_documents(IS_NEWS)} == {TEXTS[1], TEXTS[3], TEXTS[4]}
    both = {"operator": "AND", "conditions": [IS_NEWS, {"field": "meta.n", "operator": ">", "value": 2}]}
    assert store.count_documents_by_filter(both) == 2
    assert store.write_documents(documents()[:2], policy=DuplicatePolicy.SKIP) == 0
    assert store.get_metadata_field_min_max("n") == {"min": 0, "max": 5}
    assert store.update_by_filter(IS_NEWS, {"read": True}) == 3
    assert store.delete_by_filter({"field": "meta.read", "operator": "==", "value": True}) == 3
    store.delete_documents([documents()[0].id])
    assert store.count_documents() == 2
    store.delete_all_documents()
    assert store.count_documents() == 0


def test_retrievers_find_documents(store):
    query = "the weather forecast of tomorrow"
    (found,) = QdrantEmbeddingRetriever(store, top_k=1, return_embedding=True).run(query_embedding=dense(query))["documents"]
    assert found.content == TEXTS[1] and found.score > 0.5 and len(found.embedding) == SIZE
    (found,) = QdrantSparseEmbeddingRetriever(store, top_k=1).run(query_sparse_embedding=sparse_of(query))["documents"]
    assert found.content == TEXTS[1]
    found = QdrantHybridRetriever(store, top_k=2, filters=IS_NEWS).run(
        query_embedding=dense(query), query_sparse_embedding=sparse_of("robbers of a bank")
    )["documents"]
    assert {it.content for it in found} == {TEXTS[1], TEXTS[3]}
    grouped = QdrantEmbeddingRetriever(store).run(query_embedding=dense(query), group_by="meta.source", group_size=1, top_k=3)["documents"]
    assert sorted(it.meta["source"] for it in grouped) == ["news", "tweet", "website"]


def test_a_pipeline_keeps_its_store(store):
    pipeline = Pipeline()
    pipeline.add_component("retriever", QdrantEmbeddingRetriever(store, top_k=1))
    again = Pipeline.loads(pipeline.dumps())
    again.get_component("retriever")._document_store.recreate_index = False
    (found,) = again.run({"retriever": {"query_embedding": dense("soccer players")}})["retriever"]["documents"]
    assert found.content == TEXTS[5]
