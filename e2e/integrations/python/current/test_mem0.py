"""Mem0's quickstart with its Qdrant store: memories by user, hybrid search, change and deletion."""

import pytest
from mem0 import Memory
from mem0.utils import factory

from words import SIZE, TEXTS, SparseModel, dense


@pytest.fixture
def memory(node, name, monkeypatch, tmp_path):
    class Embedder:
        config = None

        def embed(self, text, memory_action=None):
            return dense(text)

        def embed_batch(self, texts, memory_action=None):
            return [dense(text) for text in texts]

    class Silent:
        def generate_response(self, *_, **__):
            raise AssertionError("nothing is inferred here")

    monkeypatch.setattr(factory.EmbedderFactory, "create", lambda *_, **__: Embedder())
    monkeypatch.setattr(factory.LlmFactory, "create", lambda *_, **__: Silent())
    it = Memory.from_config(
        {
            "vector_store": {
                "provider": "qdrant",
                "config": {"collection_name": name, "host": node.host, "port": node.port, "embedding_model_dims": SIZE},
            },
            "history_db_path": str(tmp_path / "history.db"),
        }
    )
    it.vector_store._bm25_encoder = SparseModel()
    return it


def test_memories_are_added_searched_changed_and_deleted(memory):
    for i, text in enumerate(TEXTS):
        (added,) = memory.add(text, user_id="alice" if i % 2 else "bob", metadata={"topic": f"t{i}"}, infer=False)["results"]
        assert added["event"] == "ADD"
    found = memory.search("what is the weather forecast of tomorrow", filters={"user_id": "alice"}, top_k=2)["results"]
    assert found[0]["memory"] == TEXTS[1] and found[0]["metadata"]["topic"] == "t1"
    assert memory.search("weather forecast", filters={"user_id": "bob", "topic": {"in": ["t0", "t4"]}}, threshold=0)["results"]
    every = memory.get_all(filters={"user_id": "alice"})["results"]
    assert {it["memory"] for it in every} == {TEXTS[1], TEXTS[3], TEXTS[5]}
    first = found[0]["id"]
    memory.update(first, "The weather will be sunny")
    assert memory.get(first)["memory"] == "The weather will be sunny"
    memory.delete(first)
    assert memory.get(first) is None
    memory.delete_all(user_id="alice")
    assert not memory.get_all(filters={"user_id": "alice"})["results"]
    assert len(memory.get_all(filters={"user_id": "bob"})["results"]) == 3


def test_keywords_are_searched(memory):
    for text in TEXTS:
        memory.add(text, user_id="alice", infer=False)
    (found,) = memory.vector_store.keyword_search("robbers", top_k=1, filters={"user_id": "alice"})
    assert found.payload["data"] == TEXTS[3]
