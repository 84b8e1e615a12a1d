"""Reads and writes at the same time, background jobs among them, and a stop in between."""

import random
import threading

import numpy as np
from qdrant_client import QdrantClient
from qdrant_client import models as m
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from conftest import create, ids, wait_green
from node import wait_until

N, DIM = 2000, 16
ROWS = np.random.default_rng(11).normal(size=(N, DIM)).astype(np.float32)


def points(numbers, version):
    return [m.PointStruct(id=int(i), vector=ROWS[i].tolist(), payload={"version": version}) for i in numbers]


class Background(threading.Thread):
    """Calls `step` until told to stop, and raises in `finish` what it raised."""

    def __init__(self, step):
        super().__init__(daemon=True)
        self.step, self.over, self.error, self.steps = step, threading.Event(), None, 0

    def run(self):
        try:
            while not self.over.is_set():
                self.step()
                self.steps += 1
        except Exception as error:  # noqa: BLE001 — handed to the test
            self.error = error

    def finish(self):
        self.over.set()
        self.join()
        if self.error:
            raise self.error


def test_points_that_are_replaced_are_found_exactly_once(node, client, name):
    config = m.OptimizersConfigDiff(indexing_threshold=10, vacuum_min_vector_number=100)
    create(client, name, size=DIM, distance=m.Distance.EUCLID, optimizers_config=config)
    client.upsert(name, points(range(N), 0))
    writer_client = QdrantClient(url=node.url, timeout=60)
    chance, version = random.Random(5), [0]

    def write():
        version[0] += 1
        writer_client.upsert(name, points(chance.sample(range(N), 200), version[0]))

    writer = Background(write)
    writer.start()
    exact = m.SearchParams(exact=True)
    reads = 0
    while reads < 100 or writer.steps < 30:
        assert writer.is_alive(), writer.error
        probe = reads % N
        all_of_them = client.query_points(name, query=ROWS[probe].tolist(), limit=N, search_params=exact).points
        assert sorted(ids(all_of_them)) == list(range(N)), "none is lost, none is doubled"
        assert all_of_them[0].id == probe
        assert client.count(name).count == N
        reads += 1
    writer.finish()
    wait_green(client, name)
    found = client.query_points(name, query=ROWS[3].tolist(), limit=5, search_params=m.SearchParams(hnsw_ef=256)).points
    assert found[0].id == 3
    assert client.get_collection(name).points_count == N
    writer_client.close()


def test_clients_of_one_point_see_one_order(node, client, name):
    create(client, name)
    threads, seen = [], []
    for number in range(4):
        own = QdrantClient(url=node.url, timeout=60)

        def write(own=own, number=number):
            for i in range(50):
                own.set_payload(name, {"last": [number, i]}, points=[1])
            own.close()

        threads.append(threading.Thread(target=write))
    client.upsert(name, [m.PointStruct(id=1, vector=[1, 2, 3, 4])])
    for thread in threads:
        thread.start()
    while any(it.is_alive() for it in threads):
        seen.append(client.retrieve(name, [1])[0].payload.get("last"))
    for number in range(4):
        own = [it[1] for it in seen if it and it[0] == number]
        assert own == sorted(own), "nobody's writes go back"
    assert client.retrieve(name, [1])[0].payload["last"][1] == 49


def test_a_stop_under_load_loses_nothing_that_was_acknowledged(own_node):
    own_node.start()
    first = QdrantClient(url=own_node.url, timeout=60)
    create(first, "c", size=DIM, distance=m.Distance.EUCLID)
    acked, lock, errors = set(), threading.Lock(), []

    def write(number):
        own = QdrantClient(url=own_node.url, timeout=60)
        for i in range(number, N, 4):
            try:
                own.upsert("c", points([i], i))
            except (ResponseHandlingException, UnexpectedResponse) as error:
                errors.append(error)
                return
            with lock:
                acked.add(i)

    threads = [threading.Thread(target=write, args=(it,)) for it in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(acked) >= 200, "200 writes")
    assert own_node.stop() == 0, own_node.tail()
    for thread in threads:
        thread.join()
    for error in errors:
        # Cut off or refused: a stopping node has no other answer to a write.
        assert isinstance(error, ResponseHandlingException) or error.status_code == 503, error
    own_node.start()
    kept = set(ids(first.scroll("c", limit=N)[0]))
    assert acked <= kept, f"lost: {sorted(acked - kept)}"
    assert len(kept - acked) <= len(threads), "of each client at most the last write is unknown"
