"""Texts in place of sparse vectors: BM25, beside its formula."""

import math
import re

import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m

from conftest import ids

MODEL = "qdrant/bm25"
TEXTS = [
    "A database keeps what was acknowledged",
    "Searches go through a database of texts, texts and more texts",
    "Nothing is said here of that",
    "One text about shards and leaders of shards",
    "Leaders hand over",
]


@pytest.fixture(scope="module")
def inferring(node):
    """A client that leaves texts to the server."""
    it = QdrantClient(url=node.url, timeout=60, cloud_inference=True)
    yield it
    it.close()


@pytest.fixture(scope="module")
def door(node):
    """The same over gRPC."""
    it = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=True, timeout=60, cloud_inference=True)
    yield it
    it.close()


def murmur(data):
    """Murmur3 of 32 bits, seed 0."""
    mask, size = 0xFFFFFFFF, len(data)
    turn = lambda x, by: ((x << by) | (x >> (32 - by))) & mask
    mixed = lambda word: (turn((word * 0xCC9E2D51) & mask, 15) * 0x1B873593) & mask
    hash = 0
    for at in range(0, size - size % 4, 4):
        hash = (turn(hash ^ mixed(int.from_bytes(data[at : at + 4], "little")), 13) * 5 + 0xE6546B64) & mask
    hash ^= mixed(int.from_bytes(data[size - size % 4 :], "little"))
    hash ^= size
    hash = ((hash ^ (hash >> 16)) * 0x85EBCA6B) & mask
    hash = ((hash ^ (hash >> 13)) * 0xC2B2AE35) & mask
    return hash ^ (hash >> 16)


def token(word):
    hash = murmur(word.encode())
    return abs(hash - (1 << 32) if hash >> 31 else hash)


def weights(text, k=1.2, b=0.75, avg_len=256):
    """By the formula, of words in small letters without stop words or stems."""
    words = re.findall(r"\w+", text.lower())
    count = {word: words.count(word) for word in words}
    norm = k * (1 - b + b * len(words) / avg_len)
    return {token(word): tf * (k + 1) / (tf + norm) for word, tf in count.items()}


def document(text, **options):
    return m.Document(text=text, model=MODEL, options=options or None)


def test_a_text_becomes_the_weights_of_its_tokens(inferring, door, name):
    inferring.create_collection(name, vectors_config={}, sparse_vectors_config={"t": m.SparseVectorParams()})
    plain = {"language": "none", "avg_len": 10.0, "k": 1.5}
    for client, first in ((inferring, 0), (door, 100)):
        points = [m.PointStruct(id=first + id, vector={"t": document(of, **plain)}) for id, of in enumerate(TEXTS)]
        client.upsert(name, points, wait=True)
        for record in client.retrieve(name, [first, first + 1], with_vectors=True):
            stored = record.vector["t"]
            expected = weights(TEXTS[record.id - first], k=1.5, avg_len=10)
            assert dict(zip(stored.indices, stored.values)) == pytest.approx(expected, rel=1e-5)


def test_rare_words_decide_and_stems_are_found(inferring, door, name):
    inferring.create_collection(
        name, vectors_config={}, sparse_vectors_config={"t": m.SparseVectorParams(modifier=m.Modifier.IDF)}, shard_number=2
    )
    inferring.upsert(name, [m.PointStruct(id=id, vector={"t": document(of)}) for id, of in enumerate(TEXTS)], wait=True)
    for client in (inferring, door):
        # `the`, `of` and `a` are stop words, and `text` is the stem of `texts`.
        found = client.query_points(name, query=document("the text of a leader"), using="t", limit=5).points
        assert ids(found) == [3, 1, 4] or ids(found) == [3, 4, 1]
        fused = client.query_points(
            name,
            prefetch=[m.Prefetch(query=document("databases"), using="t", limit=5)],
            query=m.FusionQuery(fusion=m.Fusion.RRF),
        ).points
        assert sorted(ids(fused)) == [0, 1]
    (stored,) = inferring.retrieve(name, [4], with_vectors=True)
    assert len(stored.vector["t"].indices) == 2, "`over` is a stop word"
    with_it, points = 2, len(TEXTS)
    idf = math.log((points - with_it + 0.5) / (with_it + 0.5) + 1)
    best = inferring.query_points(name, query=document("leaders"), using="t", limit=1).points[0]
    weight = 1 * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 2 / 256))
    assert (best.id, best.score) == (4, pytest.approx(idf * weight, rel=1e-4))


@pytest.mark.parametrize(
    "wrong, text",
    [
        (m.Document(text="x", model="someone/else"), "someone/else"),
        (document("x", k=-1), "`k` must be 0 or more"),
        (document("x", language="klingon"), "klingon"),
    ],
)
def test_what_is_no_such_text_is_refused(inferring, name, wrong, text):
    inferring.create_collection(name, vectors_config={}, sparse_vectors_config={"t": m.SparseVectorParams()})
    with pytest.raises(Exception, match=text):
        inferring.upsert(name, [m.PointStruct(id=1, vector={"t": wrong})])
    with pytest.raises(Exception, match=text):
        inferring.query_points(name, query=wrong, using="t")
