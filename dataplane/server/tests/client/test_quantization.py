"""Codes of few bits: what searches find by them, and what they find while codes change."""

import threading
import urllib.request

import numpy as np
import pytest
from qdrant_client import models as m

from conftest import create, ids, wait_green
from node import wait_until
from test_dataset import K, recall, rows, truth

BINARY = m.BinaryQuantization(binary=m.BinaryQuantizationConfig(always_ram=True))
METHODS = {
    "one bit": (BINARY, 0.93),
    "two bits": (m.BinaryQuantization(binary=m.BinaryQuantizationConfig(encoding="two_bits")), 0.94),
    "four bits": (m.TurboQuantization(turbo=m.TurboQuantQuantizationConfig(bits="bits4")), 0.94),
    "as by products": (m.ProductQuantization(product=m.ProductQuantizationConfig(compression="x32")), 0.93),
}


def graph_bytes(node, name):
    text = urllib.request.urlopen(f"{node.url}/metrics", timeout=5).read().decode()
    of = [line for line in text.splitlines() if line.startswith("vane_graph_size_bytes{") and name in line]
    return sum(float(line.rsplit(" ", 1)[1]) for line in of)


def found(client, name, **params):
    search = m.SearchParams(**params)
    requests = [m.QueryRequest(query=it.tolist(), params=search, limit=K) for it in rows("queries.f16.npy")]
    return client.query_batch_points(name, requests)


def scores(answers):
    return [[(it.id, it.score) for it in answer.points] for answer in answers]


@pytest.fixture
def loaded(client, name):
    vectors = rows("vectors.f16.npy")
    create(client, name, size=vectors.shape[1], optimizers_config=m.OptimizersConfigDiff(indexing_threshold=100))
    client.upload_collection(name, vectors=vectors, ids=range(len(vectors)), batch_size=500, wait=True)
    wait_green(client, name)
    return name


@pytest.mark.parametrize("method", METHODS)
def test_few_bits_find_what_is_near(client, loaded, method):
    quantization, least = METHODS[method]
    client.update_collection(loaded, quantization_config=quantization)
    wait_green(client, loaded)
    assert client.get_collection(loaded).indexed_vectors_count == len(rows("vectors.f16.npy"))
    near = truth("truth.i32.npy")
    plain = found(client, loaded)
    assert recall([ids(it.points) for it in plain], near) >= least
    sampled = found(client, loaded, quantization=m.QuantizationSearchParams(rescore=True, oversampling=30.0))
    assert recall([ids(it.points) for it in sampled], near) >= 0.98
    ignored = found(client, loaded, quantization=m.QuantizationSearchParams(ignore=True))
    assert recall([ids(it.points) for it in ignored], near) >= 0.95
    # Every score is that of the whole vector, whether it is to be or not.
    vectors, queries = rows("vectors.f16.npy"), rows("queries.f16.npy")
    unscored = found(client, loaded, quantization=m.QuantizationSearchParams(rescore=False))
    for query, answer in zip([*queries, *queries], scores([*plain, *unscored]), strict=True):
        of = vectors[[it for it, _ in answer]] @ query / np.linalg.norm(query)
        assert np.allclose(of, [score for _, score in answer], atol=1e-3)


def test_a_collection_gets_other_codes_while_it_is_searched(client, loaded):
    every = {"hnsw_ef": 10_000}
    right = scores(found(client, loaded, exact=True))
    done, wrong = threading.Event(), []

    def search():
        while not done.is_set():
            if scores(found(client, loaded, **every)) != right:
                wrong.append("an answer differs")
                return

    searching = threading.Thread(target=search)
    searching.start()
    try:
        for _ in range(2):
            for method in (BINARY, m.Disabled.DISABLED):
                client.update_collection(loaded, quantization_config=method)
                wait_green(client, loaded)
    finally:
        done.set()
        searching.join()
    assert wrong == []


def test_codes_take_the_bits_that_are_asked_for(node, client, loaded):
    path = f"/collections/{loaded}"
    whole = graph_bytes(node, loaded)
    client.update_collection(loaded, quantization_config=BINARY)
    wait_until(lambda: graph_bytes(node, loaded) < whole, "smaller codes")
    wait_green(client, loaded)
    few = graph_bytes(node, loaded)
    # Of 384 bytes 64 are left, a line of memory; links and what is said of each row stay.
    assert whole - few >= len(rows("vectors.f16.npy")) * 300
    client.update_collection(loaded, quantization_config=m.Disabled.DISABLED)
    wait_until(lambda: graph_bytes(node, loaded) == whole, "codes of a byte")
    for value in (0.5, 0.999):
        body = {"query": [0.1] * 384, "params": {"quantization": {"oversampling": value}}}
        status, answer = node.call("POST", f"{path}/points/query", body)
        assert status == 422 and "must be 1.0 or larger" in answer["status"]["error"], answer
