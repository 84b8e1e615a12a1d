"""kill -9 and power failure in the middle of a load: what was acknowledged is there, whole."""

import os
import random
import threading
import zlib

import numpy as np
import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m

from conftest import create, wait_green
from node import Node, wait_until
from volume import Volume, needs_mount

pytestmark = pytest.mark.crash
CRASH_ROUNDS = int(os.environ.get("CRASH_ROUNDS", 50))
POWER_ROUNDS = int(os.environ.get("POWER_ROUNDS", 20))
DIM = 16
BATCH = 20
IDS = 5000
# Shard keys of the points, by turns; none of them in a collection without tenants.
NO_KEYS = [None]
KEYS = ["a", "b", 3]


def vector(point, version):
    """A point's vector at a version: nothing else looks like it."""
    return np.random.default_rng([point, version]).normal(size=DIM).astype(np.float32)


def make(point, version, keys):
    values = vector(point, version)
    return m.PointStruct(id=point // len(keys), vector=values.tolist(), payload={"version": version, "sum": zlib.crc32(values.tobytes())})


class Load(threading.Thread):
    """Writes points over and over, in batches, and remembers what was acknowledged.

    `acked` holds per point the last acknowledged version, `sent` the last sent: after a
    crash the node must have one between them.
    """

    def __init__(self, url, acked, sent, first_version, seed, keys=NO_KEYS):
        super().__init__(daemon=True)
        self.url, self.acked, self.sent = url, acked, sent
        self.version, self.random = first_version, random.Random(seed)
        self.batches, self.keys = 0, keys

    def run(self):
        client = QdrantClient(url=self.url, timeout=60, check_compatibility=False)
        while True:
            self.version += 1
            turn = self.version % len(self.keys)
            key, points = self.keys[turn], self.random.sample(range(turn, IDS, len(self.keys)), BATCH)
            gone = self.version % 10 == 0
            for point in points:
                self.sent.setdefault(point, []).append(None if gone else self.version)
            try:
                if gone:
                    ids = [it // len(self.keys) for it in points]
                    client.delete("c", points_selector=ids, wait=self.version % 2 == 0, shard_key_selector=key)
                else:
                    made = [make(it, self.version, self.keys) for it in points]
                    client.upsert("c", made, wait=self.version % 2 == 0, shard_key_selector=key)
            except Exception:  # noqa: BLE001 — the node was killed: the outcome is unknown
                return
            for point in points:
                self.acked[point] = None if gone else self.version
                self.sent[point] = []
            self.batches += 1


def check(client, acked, sent, keys=NO_KEYS):
    found, offset = {}, None
    while True:
        page, offset = client.scroll("c", limit=1000, offset=offset, with_vectors=True)
        found.update({it.id * len(keys) + keys.index(it.shard_key): it for it in page})
        if offset is None:
            break
    for point in range(IDS):
        allowed = {acked.get(point), *sent.get(point, [])}
        version = found[point].payload["version"] if point in found else None
        assert version in allowed, f"point {point} has version {version}, not one of {allowed}"
        if point in found:
            values = np.float32(found[point].vector)
            assert np.array_equal(values, vector(point, version)), f"point {point} is torn"
            assert found[point].payload["sum"] == zlib.crc32(values.tobytes())
        # What the crash left is what counts from now on.
        acked[point], sent[point] = version, []
    assert client.count("c").count == len(found)
    for point in list(found)[:5]:
        query, key = vector(point, acked[point]).tolist(), keys[point % len(keys)]
        best = client.query_points(
            "c", query=query, limit=1, search_params=m.SearchParams(exact=True), shard_key_selector=key
        )
        assert (best.points[0].id, best.points[0].shard_key) == (point // len(keys), key)


def prepare(node, keys=NO_KEYS):
    client = QdrantClient(url=node.url, timeout=60, check_compatibility=False)
    config = m.OptimizersConfigDiff(indexing_threshold=50, vacuum_min_vector_number=100)
    custom = {} if keys is NO_KEYS else {"sharding_method": m.ShardingMethod.CUSTOM, "shard_number": 2}
    create(client, "c", size=DIM, distance=m.Distance.EUCLID, optimizers_config=config, **custom)
    for key in keys if custom else ():
        client.create_shard_key("c", key)
    client.create_payload_index("c", "version", field_schema="integer")
    return client


SETTINGS = {"STORAGE__IDLE_SEAL_MS": 5, "STORAGE__GROWING_ROWS_MAX": 500, "STORAGE__MIN_FREE_MB": 8, "STORAGE__BALLAST_MB": 0}


@pytest.mark.parametrize("keys", [NO_KEYS, KEYS], ids=["plain", "by-tenant"])
def test_kill_loses_nothing(tmp_path, keys):
    acked, sent, version = {}, {}, 0
    chance = random.Random(1)
    with Node(tmp_path / "data", **SETTINGS) as node:
        client = prepare(node, keys)
        for round in range(max(CRASH_ROUNDS // 2, 1)):
            load = Load(node.url, acked, sent, version, seed=round, keys=keys)
            load.start()
            enough = chance.randint(2, 60)
            wait_until(lambda: load.batches >= enough, f"{enough} batches")
            node.kill()
            load.join()
            version = load.version
            node.start()
            check(client, acked, sent, keys)
        wait_green(client, "c")
        indexed = client.get_collection("c").indexed_vectors_count
        assert indexed > 0
        node.kill()
        node.start()
        assert client.get_collection("c").indexed_vectors_count == indexed
        assert node.metric("vane_indexes_built_total") == 0, "no index is rebuilt"
        check(client, acked, sent, keys)
        assert node.stop() == 0


@needs_mount
def test_power_failure_loses_nothing(tmp_path):
    acked, sent, version = {}, {}, 0
    chance = random.Random(2)
    image = None
    for round in range(POWER_ROUNDS):
        with Volume(tmp_path, None if image else 256, image) as volume, Node(volume.path / "data", **SETTINGS) as node:
            client = QdrantClient(url=node.url, timeout=60, check_compatibility=False) if image else prepare(node)
            check(client, acked, sent)
            load = Load(node.url, acked, sent, version, seed=100 + round)
            load.start()
            enough = chance.randint(2, 60)
            wait_until(lambda: load.batches >= enough, f"{enough} batches")
            # Stopped, the node acknowledges nothing; what it acknowledged must be in the picture.
            node.freeze()
            old, image = image, volume.photograph(f"round-{round}")
            node.kill()
            load.join()
            version = load.version
        if old:
            old.unlink()
    with Volume(tmp_path, image=image) as volume, Node(volume.path / "data", **SETTINGS) as node:
        check(QdrantClient(url=node.url, timeout=60, check_compatibility=False), acked, sent)
