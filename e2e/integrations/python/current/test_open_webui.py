"""Open WebUI's two stores, one collection for each and one for all, as its retrieval calls them."""

import importlib
import importlib.util
import sys
import types
import uuid

import pytest

from words import SIZE, TEXTS, dense

# What of the program the stores import: settings, and a function that cleans texts.
BESIDE = {
    "open_webui.env": {"RAG_METADATA_MAX_VALUE_CHARS": None},
    "open_webui.utils.misc": {"sanitize_text_for_db": lambda text: text},
}


@pytest.fixture(params=["REST", "gRPC"])
def stores(request, node, name, monkeypatch):
    """Its stores by module, without the program around them."""
    package = types.ModuleType("open_webui")
    package.__path__ = list(importlib.util.find_spec("open_webui").submodule_search_locations)
    monkeypatch.setitem(sys.modules, "open_webui", package)
    config = {
        "API_KEY": None, "COLLECTION_PREFIX": name, "GRPC_PORT": node.grpc_port, "HNSW_M": 16, "ON_DISK": True,
        "PREFER_GRPC": request.param == "gRPC", "TIMEOUT": 30, "URI": node.url,
    }
    config = {f"QDRANT_{key}": value for key, value in config.items()}
    for module, values in {**BESIDE, "open_webui.config": config}.items():
        stub = types.ModuleType(module)
        vars(stub).update(values)
        monkeypatch.setitem(sys.modules, module, stub)
    return lambda module: importlib.reload(importlib.import_module(f"open_webui.retrieval.vector.dbs.{module}")).QdrantClient()


def items():
    return [
        {"id": str(uuid.uuid4()), "text": text, "vector": dense(text), "metadata": {"file_id": f"f{i % 2}", "hash": f"h{i}"}}
        for i, text in enumerate(TEXTS)
    ]


@pytest.mark.parametrize("module", ["qdrant", "qdrant_multitenancy"])
def test_files_are_added_searched_and_deleted(stores, module):
    store, collection = stores(module), f"file-{uuid.uuid4()}"
    assert not store.has_collection(collection)
    added = items()
    store.insert(collection, added)
    store.upsert(collection, added)
    assert store.has_collection(collection) and len(store.get(collection).ids[0]) == len(TEXTS)
    found = store.search(collection, [dense("the weather forecast of tomorrow")], limit=1)
    assert found.documents == [[TEXTS[1]]] and 0.5 < found.distances[0][0] <= 1
    filtered = store.search(collection, [dense("today")], {"hash": {"$in": ["h0", "h1"]}, "file_id": "f1"}, limit=5)
    assert filtered.documents == [[TEXTS[1]]]
    assert set(store.query(collection, {"file_id": "f0"}).documents[0]) == {TEXTS[0], TEXTS[2], TEXTS[4]}
    store.delete(collection, ids=[added[1]["id"]])
    store.delete(collection, filter={"file_id": "f0"})
    assert set(store.get(collection).documents[0]) == {TEXTS[3], TEXTS[5]}
    store.delete_collection(collection)
    assert not store.has_collection(collection)
    store.reset()


def test_a_search_without_a_limit_finds_everything(stores):
    store, collection = stores("qdrant"), "file-1"
    store.insert(collection, items())
    assert len(store.search(collection, [dense("today")], limit=None).ids[0]) == len(TEXTS)
    store.reset()


def test_tenants_share_a_collection(stores):
    store = stores("qdrant_multitenancy")
    store.insert("file-1", items())
    store.insert("file-2", [{"id": str(uuid.uuid4()), "text": "another", "vector": [1.0] * SIZE, "metadata": {}}])
    assert store.get("file-2").documents == [["another"]]
    assert store.search("file-2", [dense(TEXTS[1])], limit=5).documents == [["another"]]
    store.delete_collection("file-2")
    assert not store.has_collection("file-2") and store.has_collection("file-1")
    store.reset()
