"""A library's index behind lines of JSON on standard input and output.

Each request is one line, each answer one line with either its result or {"error": text}. Requests,
"open" first:

  {"do": "open", "library"}: imports it. Answers {"version"}.
  {"do": "queries", "path", "dim"}
      A file of little-endian f32, row after row. Answers {"count"}.
  {"do": "build", "rows", "metric": "ip" | "l2", "m", "ef_construct"}
      `rows` is a file of the same form. Answers {"seconds", "cpu": seconds of processors}.
  {"do": "search", "ef", "k", "repeats"}
      Searches all queries so often. Answers {"seconds", "cpu", "found": the rows of each query}.

Of a library that knows sparse vectors:

  {"do": "build_texts", "texts", "rows": a file of f32 or null, "metric", "m", "ef_construct"}
      `texts` is a file of sparse rows, one after another: their number of indices as u32, the
      indices as u32, their values as f32, all little-endian. With "rows" each point has both.
      Answers as "build". Indices that few rows have count more (IDF).
  {"do": "search_texts", "texts", "way", "candidates", "ef", "k", "repeats"}
      `texts` is a file of sparse queries. By "way": "text", "dense" (by the queries of "queries"),
      or "both": so many candidates of each, fused by their ranks. Answers as "search".

Building and searching run on one thread, inside the library: JSON is not measured, nor is Python,
but for a call of each query where a library takes one at a time.
"""

import importlib
import importlib.metadata
import json
import sys
import tempfile
import time

import numpy as np


class Hnswlib:
    package = "hnswlib"

    def __init__(self, rows, metric, m, ef_construct):
        import hnswlib

        self.index = hnswlib.Index(space=metric, dim=rows.shape[1])
        self.index.init_index(max_elements=len(rows), M=m, ef_construction=ef_construct)
        self.index.add_items(rows, num_threads=1)

    def prepared(self, queries, k, ef):
        self.index.set_ef(ef)
        return lambda: self.index.knn_query(queries, k=k, num_threads=1)[0]


class Usearch:
    package = "usearch"

    def __init__(self, rows, metric, m, ef_construct):
        from usearch.index import Index

        self.index = Index(
            ndim=rows.shape[1],
            metric={"ip": "ip", "l2": "l2sq"}[metric],
            dtype="f32",
            connectivity=m,
            expansion_add=ef_construct,
        )
        self.index.add(np.arange(len(rows), dtype=np.uint64), rows, threads=1)

    def prepared(self, queries, k, ef):
        self.index.expansion_search = ef
        return lambda: self.index.search(queries, k, threads=1).keys


class QdrantEdge:
    """A shard of Qdrant's own engine, optimized into one segment with its indexes."""

    package = "qdrant-edge-py"
    BATCH = 1000

    def __init__(self, rows, metric, m, ef_construct, texts=None):
        import qdrant_edge

        self.edge = edge = qdrant_edge
        self.dir = tempfile.TemporaryDirectory()
        dense, sparse = None, None
        if rows is not None:
            distance = {"ip": edge.Distance.Dot, "l2": edge.Distance.Euclid}[metric]
            dense = {"dense": edge.EdgeVectorParams(rows.shape[1], distance)}
        if texts is not None:
            sparse = {"text": edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)}
        config = edge.EdgeConfig(
            vectors=dense,
            sparse_vectors=sparse,
            hnsw_config=edge.HnswIndexConfig(m, ef_construct, 1000, max_indexing_threads=1),
            optimizers=edge.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1000),
            max_search_threads=1,
        )
        self.shard = edge.EdgeShard.create(self.dir.name, config)
        count = len(texts if rows is None else rows)
        for first in range(0, count, self.BATCH):
            points = [
                self.point(number, rows, texts)
                for number in range(first, min(first + self.BATCH, count))
            ]
            self.shard.update(edge.UpdateOperation.upsert_points(points))
        self.shard.optimize()

    def point(self, number, rows, texts):
        vector = {}
        if rows is not None:
            vector["dense"] = rows[number].tolist()
        if texts is not None:
            vector["text"] = self.edge.SparseVector(*texts[number])
        return self.edge.Point(number, vector)

    def dense(self, query):
        return self.edge.Query.Nearest(query.tolist(), using="dense")

    def text(self, query):
        return self.edge.Query.Nearest(self.edge.SparseVector(*query), using="text")

    def prepared(self, queries, k, ef):
        params = self.edge.SearchParams(hnsw_ef=ef)
        return self.asks(
            self.edge.QueryRequest(limit=k, query=self.dense(query), params=params)
            for query in queries
        )

    def prepared_texts(self, queries, k):
        return self.asks(
            self.edge.QueryRequest(limit=k, query=self.text(query)) for query in queries
        )

    def prepared_both(self, queries, texts, k, ef, candidates):
        edge, params = self.edge, self.edge.SearchParams(hnsw_ef=ef)
        return self.asks(
            edge.QueryRequest(
                limit=k,
                query=edge.Fusion.Rrf(2),
                prefetches=[
                    edge.Prefetch(candidates, self.dense(query), params=params),
                    edge.Prefetch(candidates, self.text(text)),
                ],
            )
            for query, text in zip(queries, texts)
        )

    def asks(self, requests):
        requests = list(requests)
        return lambda: [[found.id for found in self.shard.query(one)] for one in requests]


LIBRARIES = {"hnswlib": Hnswlib, "usearch": Usearch, "qdrant_edge": QdrantEdge}


def sparse_rows(path):
    words, rows, at = np.fromfile(path, dtype="<u4"), [], 0
    while at < len(words):
        count = int(words[at])
        indices, values = words[at + 1 : at + 1 + count], words[at + 1 + count :][:count]
        rows.append((indices.tolist(), values.view("<f4").tolist()))
        at += 1 + 2 * count
    return rows


def timed(act):
    seconds, cpu = time.perf_counter(), time.process_time()
    result = act()
    return result, {"seconds": time.perf_counter() - seconds, "cpu": time.process_time() - cpu}


class Worker:
    def open(self, library):
        module = importlib.import_module(library)
        self.library = LIBRARIES[library]
        # A module need not name its version; its package does.
        version = importlib.metadata.version(self.library.package)
        return {"version": getattr(module, "__version__", version)}

    def queries(self, path, dim):
        self.vectors = np.fromfile(path, dtype="<f4").reshape(-1, dim)
        return {"count": len(self.vectors)}

    def build(self, rows, metric, m, ef_construct):
        # Mapped: what the library copies is its own, the file is not.
        rows = np.memmap(rows, dtype="<f4", mode="r").reshape(-1, self.vectors.shape[1])
        self.index, times = timed(lambda: self.library(rows, metric, m, ef_construct))
        return times

    def search(self, ef, k, repeats):
        return self.repeated(self.index.prepared(self.vectors, k, ef), repeats)

    def build_texts(self, texts, rows, metric, m, ef_construct):
        texts = sparse_rows(texts)
        if rows is not None:
            rows = np.memmap(rows, dtype="<f4", mode="r").reshape(-1, self.vectors.shape[1])
        self.index, times = timed(lambda: self.library(rows, metric, m, ef_construct, texts))
        return times

    def search_texts(self, texts, way, candidates, ef, k, repeats):
        texts, index = sparse_rows(texts), self.index
        act = {
            "text": lambda: index.prepared_texts(texts, k),
            "dense": lambda: index.prepared(self.vectors, k, ef),
            "both": lambda: index.prepared_both(self.vectors, texts, k, ef, candidates),
        }[way]()
        return self.repeated(act, repeats)

    def repeated(self, act, repeats):
        def all_of_them():
            for _ in range(repeats):
                found = act()
            return found

        found, times = timed(all_of_them)
        return {**times, "found": found if isinstance(found, list) else found.tolist()}


def main():
    # What a library prints must not stand between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    worker = Worker()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as e:
            answer = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
