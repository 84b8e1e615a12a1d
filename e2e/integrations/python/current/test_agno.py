"""Agno's vector database: vector, keyword and hybrid search, tenants, deletion by metadata."""

import sys
import types

import pytest
from agno.knowledge.document import Document
from agno.knowledge.embedder import Embedder
from agno.vectordb.qdrant import Qdrant
from agno.vectordb.search import SearchType

from words import SIZE, SOURCES, TEXTS, SparseModel, dense


class Words(Embedder):
    def get_embedding(self, text):
        return dense(text)

    def get_embedding_and_usage(self, text):
        return dense(text), None


@pytest.fixture(params=[SearchType.vector, SearchType.keyword, SearchType.hybrid])
def database(request, node, name, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastembed", types.SimpleNamespace(SparseTextEmbedding=SparseModel))
    it = Qdrant(collection=name, url=node.url, embedder=Words(dimensions=SIZE), search_type=request.param)
    it.create()
    documents = [Document(content=text, name=f"doc-{i}", meta_data={"source": SOURCES[i]}) for i, text in enumerate(TEXTS)]
    it.insert("hash", documents, user_id="alice")
    return it


def test_documents_are_found_filtered_and_deleted(database):
    assert database.exists() and database.get_count() == len(TEXTS)
    assert database.search("the weather forecast of tomorrow", limit=1, user_id="alice")[0].content == TEXTS[1]
    found = database.search("today", limit=5, filters={"source": "news"})
    assert {it.meta_data["source"] for it in found} == {"news"}
    assert database.search("today", user_id="bob") == []
    assert database.name_exists("doc-3") and database.content_hash_exists("hash", user_id="alice")
    assert database.delete_by_metadata({"source": "tweet"}) and database.get_count() == 4
    assert database.delete_by_name("doc-3") and database.get_count() == 3
    database.drop()
    assert not database.exists()
