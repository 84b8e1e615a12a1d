"""Real data with the node's defaults: recall, also under filters, against exact answers."""

import json
import pathlib

import numpy as np
import pytest
import zstandard
from qdrant_client import models as m

from conftest import create, ids, wait_green

DATA = pathlib.Path(__file__).parents[4] / "data/debian-packages"
FILTERS = json.loads((DATA / "filters.json").read_text())
K = 10


def rows(file):
    return np.load(DATA / file).astype(np.float32)


def truth(file):
    return [[int(it) for it in best[:K] if it >= 0] for best in np.load(DATA / file)]


def payloads():
    with zstandard.open(DATA / "payloads.jsonl.zst", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def loaded(client):
    name = "packages"
    vectors = rows("vectors.f16.npy")
    # Below the size of one batch: on a busy machine a batch may be sealed by itself.
    create(client, name, size=vectors.shape[1], optimizers_config=m.OptimizersConfigDiff(indexing_threshold=100))
    client.upload_collection(name, vectors=vectors, payload=payloads(), ids=range(len(vectors)), batch_size=500, wait=True)
    for field, kind in {"section": "keyword", "tags": "keyword", "maintainer": "keyword", "installed_kib": "integer"}.items():
        client.create_payload_index(name, field, field_schema=kind)
    wait_green(client, name)
    assert client.get_collection(name).indexed_vectors_count == len(vectors), "searches walk a graph"
    return name


def found(client, name, condition=None):
    some = m.Filter(**condition) if condition else None
    requests = [m.QueryRequest(query=it.tolist(), filter=some, limit=K) for it in rows("queries.f16.npy")]
    return [ids(it.points) for it in client.query_batch_points(name, requests)]


def recall(found, truth):
    hits = sum(len(set(a) & set(b)) for a, b in zip(found, truth, strict=True))
    return hits / sum(map(len, truth))


def test_defaults_find_what_is_near(client, loaded):
    assert recall(found(client, loaded), truth("truth.i32.npy")) >= 0.95


@pytest.mark.parametrize("name", FILTERS)
def test_defaults_find_what_is_near_under_a_filter(client, loaded, name):
    condition = FILTERS[name]["filter"]
    assert client.count(loaded, count_filter=m.Filter(**condition)).count == FILTERS[name]["matching"]
    assert recall(found(client, loaded, condition), truth(f"truth.{name}.i32.npy")) >= 0.95


def test_an_exact_search_finds_all(client, loaded):
    vectors, wanted = rows("queries.f16.npy"), truth("truth.i32.npy")
    requests = [m.QueryRequest(query=it.tolist(), limit=K, params=m.SearchParams(exact=True)) for it in vectors]
    answers = [ids(it.points) for it in client.query_batch_points(loaded, requests)]
    # Two packages of one score may change places at the end of a list.
    assert recall(answers, wanted) >= 0.999


def test_payloads_come_back_as_they_were(client, loaded):
    wanted = payloads()
    page, _ = client.scroll(loaded, limit=len(wanted))
    assert [it.payload for it in page] == wanted
