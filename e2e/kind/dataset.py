"""The packages of Debian that the quickstart loads, and what a search in them must find."""

import numpy

from documents import ROOT

DATA = ROOT / "data/debian-packages"


def vectors():
    """float32 [points, 384]; row i is point i."""
    return numpy.load(DATA / "vectors.f16.npy").astype(numpy.float32)


def queries():
    """float32 [queries, 384]."""
    return numpy.load(DATA / "queries.f16.npy").astype(numpy.float32)


def truth():
    """int32 [queries, 100]: the nearest points, best first."""
    return numpy.load(DATA / "truth.i32.npy")
