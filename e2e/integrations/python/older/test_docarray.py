"""DocArray's quickstart: a typed index with find, filter, batches and deletion (client 1.15)."""

import numpy as np
import pytest
from docarray import BaseDoc, DocList
from docarray.index import QdrantDocumentIndex
from docarray.typing import NdArray
from qdrant_client.http import models

from words import SIZE, SOURCES, TEXTS, dense


class Document(BaseDoc):
    text: str
    source: str
    n: int
    embedding: NdArray[SIZE]


def documents():
    return DocList[Document](
        Document(text=text, source=source, n=i, embedding=np.array(dense(text)))
        for i, (text, source) in enumerate(zip(TEXTS, SOURCES, strict=True))
    )


@pytest.mark.parametrize("over_grpc", [False, True])
def test_documents_are_indexed_found_filtered_and_deleted(node, name, over_grpc):
    config = QdrantDocumentIndex.DBConfig(
        url=node.url, grpc_port=node.grpc_port, prefer_grpc=over_grpc, collection_name=name, index_name=name
    )
    index = QdrantDocumentIndex[Document](config)
    stored = documents()
    index.index(stored)
    assert index.num_docs() == len(TEXTS)
    found, scores = index.find(np.array(dense("the weather forecast of tomorrow")), search_field="embedding", limit=2)
    assert found[0].text == TEXTS[1] and scores[0] > scores[1]
    queries = np.stack([np.array(dense(text)) for text in ("chocolate pancakes", "soccer players")])
    batches, _ = index.find_batched(queries, search_field="embedding", limit=1)
    assert [it[0].text for it in batches] == [TEXTS[0], TEXTS[5]]
    news = models.Filter(must=[models.FieldCondition(key="source", match=models.MatchValue(value="news"))])
    assert {it.text for it in index.filter(news, limit=10)} == {TEXTS[1], TEXTS[3], TEXTS[4]}
    query = index.build_query().find(np.array(dense("today")), search_field="embedding").filter(news).build(limit=5)
    assert {it.source for it in index.execute_query(query)} == {"news"}
    assert index[stored[3].id].text == TEXTS[3] and stored[3] in index
    del index[stored[3].id]
    assert index.num_docs() == len(TEXTS) - 1 and stored[3] not in index


def test_texts_are_searched(node, name):
    config = QdrantDocumentIndex.DBConfig(url=node.url, prefer_grpc=False, collection_name=name, index_name=name)
    index = QdrantDocumentIndex[Document](config)
    index.index(documents())
    found, _ = index.text_search("bank", search_field="text", limit=5)
    assert [it.text for it in found] == [TEXTS[3]]
