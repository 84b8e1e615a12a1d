"""DSPy's retriever over a collection that was there before."""

import numpy as np
from dspy_qdrant import QdrantRM
from dspy_qdrant.qdrant_rm import BaseSentenceVectorizer
from qdrant_client import QdrantClient, models

from words import SIZE, SOURCES, TEXTS, dense


class Words(BaseSentenceVectorizer):
    def __call__(self, texts):
        return np.array([dense(text) for text in self._extract_text_from_examples(texts)], dtype=np.float32)


def test_passages_are_retrieved(node, name):
    client = QdrantClient(url=node.url)
    client.create_collection(name, vectors_config={"words": models.VectorParams(size=SIZE, distance=models.Distance.COSINE)})
    points = [models.PointStruct(id=i, vector={"words": dense(text)}, payload={"document": text, "source": SOURCES[i]}) for i, text in enumerate(TEXTS)]
    client.upload_points(name, points, wait=True)
    retriever = QdrantRM(name, client, k=3, vectorizer=Words())
    passages = retriever("the weather forecast of tomorrow", k=2)
    assert [it.long_text for it in passages][0] == TEXTS[1] and len(passages) == 2
    news = models.Filter(must=[models.FieldCondition(key="source", match=models.MatchValue(value="website"))])
    assert [it.long_text for it in retriever(["soccer", "today"], k=5, filter=news)] == [TEXTS[5]]
