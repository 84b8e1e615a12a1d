"""A library's index behind lines of JSON on standard input and output.

Each request is one line, each answer one line with either its result or {"error": text}. Requests,
in this order:

  {"do": "open", "library"}: imports it. Answers {"version"}.
  {"do": "queries", "path", "dim"}
      A file of little-endian f32, row after row. Answers {"count"}.
  {"do": "build", "rows", "metric": "ip" | "l2", "m", "ef_construct"}
      `rows` is a file of the same form. Answers {"seconds", "cpu": seconds of processors}.
  {"do": "search", "ef", "k", "repeats"}
      Searches all queries so often. Answers {"seconds", "cpu", "found": the rows of each query}.

Building and searching run on one thread, inside the library: neither JSON nor Python is measured.
"""

import importlib
import importlib.metadata
import json
import sys
import time

import numpy as np


class Hnswlib:
    def __init__(self, rows, metric, m, ef_construct):
        import hnswlib

        self.index = hnswlib.Index(space=metric, dim=rows.shape[1])
        self.index.init_index(max_elements=len(rows), M=m, ef_construction=ef_construct)
        self.index.add_items(rows, num_threads=1)

    def search(self, queries, k, ef):
        self.index.set_ef(ef)
        found, _ = self.index.knn_query(queries, k=k, num_threads=1)
        return found


class Usearch:
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

    def search(self, queries, k, ef):
        self.index.expansion_search = ef
        return self.index.search(queries, k, threads=1).keys


LIBRARIES = {"hnswlib": Hnswlib, "usearch": Usearch}


def timed(act):
    seconds, cpu = time.perf_counter(), time.process_time()
    result = act()
    return result, {"seconds": time.perf_counter() - seconds, "cpu": time.process_time() - cpu}


class Worker:
    def open(self, library):
        module = importlib.import_module(library)
        self.library = LIBRARIES[library]
        # A module need not name its version; its package does.
        return {"version": getattr(module, "__version__", importlib.metadata.version(library))}

    def queries(self, path, dim):
        self.vectors = np.fromfile(path, dtype="<f4").reshape(-1, dim)
        return {"count": len(self.vectors)}

    def build(self, rows, metric, m, ef_construct):
        # Mapped: what the library copies is its own, the file is not.
        rows = np.memmap(rows, dtype="<f4", mode="r").reshape(-1, self.vectors.shape[1])
        self.index, times = timed(lambda: self.library(rows, metric, m, ef_construct))
        return times

    def search(self, ef, k, repeats):
        def act():
            for _ in range(repeats):
                found = self.index.search(self.vectors, k, ef)
            return found

        found, times = timed(act)
        return {**times, "found": np.asarray(found).tolist()}


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
