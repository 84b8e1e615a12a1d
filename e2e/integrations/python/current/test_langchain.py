"""LangChain's quickstart: dense, sparse and hybrid retrieval, filters, MMR, deletion."""

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_qdrant import QdrantVectorStore, RetrievalMode
from langchain_qdrant.sparse_embeddings import SparseEmbeddings, SparseVector
from qdrant_client import QdrantClient, models
from qdrant_client.http.models import Distance, SparseVectorParams, VectorParams

from words import SIZE, SOURCES, TEXTS, dense, sparse


class Dense(Embeddings):
    def embed_documents(self, texts):
        return [dense(text) for text in texts]

    def embed_query(self, text):
        return dense(text)


class Sparse(SparseEmbeddings):
    def embed_documents(self, texts):
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text):
        indices, values = sparse(text)
        return SparseVector(indices=indices, values=values)


DOCUMENTS = [Document(page_content=text, metadata={"source": source}) for text, source in zip(TEXTS, SOURCES, strict=True)]
FILTERED = models.Filter(should=[models.FieldCondition(key="metadata.source", match=models.MatchValue(value="tweet"))])


@pytest.mark.parametrize("over_grpc", [False, True])
@pytest.mark.parametrize("mode", list(RetrievalMode))
def test_documents_are_added_searched_and_deleted(node, name, mode, over_grpc):
    client = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=over_grpc)
    vectors = {} if mode == RetrievalMode.SPARSE else {"dense": VectorParams(size=SIZE, distance=Distance.COSINE)}
    client.create_collection(
        name,
        vectors_config=vectors,
        sparse_vectors_config={} if mode == RetrievalMode.DENSE else {"sparse": SparseVectorParams(index=models.SparseIndexParams(on_disk=False))},
    )
    store = QdrantVectorStore(
        client=client, collection_name=name, embedding=Dense(), sparse_embedding=Sparse(),
        retrieval_mode=mode, vector_name="dense", sparse_vector_name="sparse",
    )
    ids = store.add_documents(DOCUMENTS)
    assert len(ids) == len(TEXTS)
    query = "how is the weather forecast of tomorrow"
    (found,) = store.similarity_search(query, k=1)
    assert (found.page_content, found.metadata["source"]) == (TEXTS[1], "news")
    assert found.metadata["_collection_name"] == name
    scored = store.similarity_search_with_score("chocolate pancakes and a project", k=3, filter=FILTERED)
    assert {document.metadata["source"] for document, _ in scored} == {"tweet"} and scored[0][1] > 0
    if mode != RetrievalMode.SPARSE:
        diverse = store.max_marginal_relevance_search("today", k=2, fetch_k=5)
        assert len({document.page_content for document in diverse}) == 2
    retriever = store.as_retriever(search_type="similarity", search_kwargs={"k": 1})
    assert retriever.invoke("robbers stole from the bank")[0].page_content == TEXTS[3]
    assert [it.page_content for it in store.get_by_ids([ids[1]])] == [TEXTS[1]]
    assert store.delete(ids=[ids[1]])
    assert store.similarity_search(query, k=1)[0].page_content != TEXTS[1]
    assert client.count(name).count == len(TEXTS) - 1


def test_from_documents_makes_the_collection(node, name):
    store = QdrantVectorStore.from_documents(
        DOCUMENTS, Dense(), sparse_embedding=Sparse(), retrieval_mode=RetrievalMode.HYBRID, url=node.url, collection_name=name
    )
    assert store.similarity_search("soccer players", k=1)[0].page_content == TEXTS[5]
    again = QdrantVectorStore.from_existing_collection(name, Dense(), url=node.url)
    assert again.similarity_search("soccer players", k=1)[0].page_content == TEXTS[5]
