"""What a collection asks of its searches, and what they do for it."""

import itertools

import numpy as np

from node import wait_until


def explained(node, name, **query):
    status, answer = node.call("POST", f"/collections/{name}/points/query", {"explain": True, "limit": 10, **query})
    assert status == 200, answer
    return answer["explain"]


def test_searches_take_the_effort_that_the_recall_asked_for_needs(node, name):
    create = {"vectors": {"size": 32, "distance": "Dot"}, "search": {"min_recall": 0.9},
              "hnsw_config": {"m": 4, "ef_construct": 4, "full_scan_threshold": 10},
              "optimizers_config": {"indexing_threshold": 100}}
    path = f"/collections/{name}"
    assert node.call("PUT", path, create)[0] == 200
    config = lambda: node.call("GET", path)[1]["result"]["config"]
    assert config()["search"] == {"min_recall": 0.9}
    rows = np.random.default_rng(1).standard_normal((5000, 32), dtype=np.float32)
    body = {"batch": {"ids": list(range(len(rows))), "vectors": rows.tolist()}}
    assert node.call("PUT", f"{path}/points?wait=true", body)[0] == 200
    queries = itertools.cycle(np.random.default_rng(2).standard_normal((100, 32), dtype=np.float32).tolist())
    def kept():
        [search] = explained(node, name, query=next(queries))
        return [part["ef"] for shard in search["shards"] for part in shard["segments"] if part["way"] == "graph"]
    wait_until(lambda: kept() and max(kept()) <= 10, "a graph that is hard to search")
    def more():
        for _ in range(50):
            node.call("POST", f"{path}/points/query", {"query": next(queries), "limit": 10})
        return min(kept()) > 10
    wait_until(more, "searches to keep more than the collection says", 60)
    [own] = explained(node, name, query=next(queries), params={"hnsw_ef": 10})
    assert {part["ef"] for shard in own["shards"] for part in shard["segments"] if part["way"] == "graph"} == {10}
    assert node.call("PATCH", path, {"search": {}})[0] == 200
    assert config()["search"] == {"min_recall": 0.9}, "what is not named stays"
    assert node.call("PATCH", path, {"search": {"min_recall": None}})[0] == 200
    assert "search" not in config()
    assert max(kept()) <= 10, "nothing is asked for any more"
    for wrong, says in [({"min_recall": 1.0}, "from 0.5 to 0.999"), ({"recall": 0.9}, "unknown field")]:
        status, answer = node.call("PATCH", path, {"search": wrong})
        assert status in (400, 422) and says in answer["status"]["error"], answer
