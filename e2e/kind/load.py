"""Programs that write and search all the time through the Service, and remember what was acknowledged."""

import itertools
import threading
import time

from qdrant_client import QdrantClient
from qdrant_client import models as m
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

import dataset

WRITERS = 4
SEARCHERS = 2
#: What a client waits for one answer; then it asks again, and by then another pod may have its connection.
TIMEOUT_S = 3
#: Between two attempts after a failure.
PAUSE_S = 0.1
#: Ids of written points begin here, behind those of the data.
FIRST_ID = 1_000_000
BATCH = 500


class Load:
    """Runs from `with` on. Every write has an id of its own, and is tried once: a failed one may be there or not."""

    _ids = itertools.count(FIRST_ID)

    def __init__(self, url, collection):
        self.collection = collection
        self.acknowledged, self.searched, self.failures = [], [], []
        self.url, self._end = url, threading.Event()
        self._vectors, self._queries = dataset.vectors(), dataset.queries()
        jobs = [self._write] * WRITERS + [self._search] * SEARCHERS
        self._threads = [threading.Thread(target=self._repeat, args=(it,), daemon=True) for it in jobs]

    def __enter__(self):
        self.began = time.monotonic()
        for it in self._threads:
            it.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for it in self._threads:
            it.join()
        self.ended = time.monotonic()

    def writes(self):
        """Number of acknowledged writes up to now."""
        return len(self.acknowledged)

    def gaps(self):
        """Longest times in seconds without an acknowledged write, and without an answered search."""
        return [_longest_gap([self.began, *sorted(at), self.ended]) for at in self._times()]

    def lost(self):
        """Ids of acknowledged points that are not there as they were written."""
        client, written = QdrantClient(self.url, timeout=60), [it for it, _ in self.acknowledged]
        lost = []
        for start in range(0, len(written), BATCH):
            batch = written[start : start + BATCH]
            found = client.retrieve(self.collection, batch, with_payload=True, consistency=m.ReadConsistencyType.MAJORITY)
            numbers = {it.id: it.payload.get("n") for it in found}
            lost += [it for it in batch if numbers.get(it) != it]
        client.close()
        return lost

    def _times(self):
        return [at for _, at in self.acknowledged], list(self.searched)

    def _repeat(self, job):
        client = QdrantClient(self.url, timeout=TIMEOUT_S, check_compatibility=False)
        while not self._end.is_set():
            try:
                job(client)
            except (ResponseHandlingException, UnexpectedResponse) as error:
                self.failures.append(_kind(error))
                time.sleep(PAUSE_S)
        client.close()

    def _write(self, client):
        number = next(self._ids)
        vector = self._vectors[number % len(self._vectors)].tolist()
        client.upsert(self.collection, [m.PointStruct(id=number, vector=vector, payload={"n": number})], wait=True)
        self.acknowledged.append((number, time.monotonic()))

    def _search(self, client):
        query = self._queries[len(self.searched) % len(self._queries)]
        assert client.query_points(self.collection, query=query, limit=5).points
        self.searched.append(time.monotonic())


def _longest_gap(times):
    return max(after - before for before, after in itertools.pairwise(times))


def _kind(error):
    return str(error.status_code) if isinstance(error, UnexpectedResponse) else "no answer"
