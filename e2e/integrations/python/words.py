"""Texts as vectors, by their words alone: what shares words is near. No model is downloaded."""

import re
import zlib

SIZE = 64


def words(text):
    return re.findall(r"\w+", text.lower())


def dense(text):
    """A direction per word, added up; unit length is left to the distance."""
    vector = [0.0] * SIZE
    for word in words(text):
        hashed = zlib.crc32(word.encode())
        vector[hashed % SIZE] += 1.0
        vector[(hashed >> 8) % SIZE] += 0.5
    return vector


def sparse(text):
    """Indices and values: how often each word comes."""
    counts = {}
    for word in words(text):
        token = zlib.crc32(word.encode()) >> 1
        counts[token] = counts.get(token, 0.0) + 1.0
    return list(counts), list(counts.values())


class SparseModel:
    """Stands for fastembed's SparseTextEmbedding, whose models come from a hub."""

    def __init__(self, model_name="", **_):
        self.model_name = model_name

    def embed(self, texts, **_):
        return [Embedded(*sparse(text)) for text in [texts] if isinstance(texts, str)] or [Embedded(*sparse(text)) for text in texts]

    query_embed = embed


class Embedded:
    def __init__(self, indices, values):
        import numpy

        self.indices = numpy.array(indices)
        self.values = numpy.array(values)

    def as_object(self):
        return {"indices": self.indices.tolist(), "values": self.values.tolist()}


TEXTS = [
    "I had chocolate chip pancakes and scrambled eggs for breakfast this morning",
    "The weather forecast for tomorrow is cloudy and overcast with a high of 62 degrees",
    "Building an exciting new project with vectors, come check it out",
    "Robbers broke into the city bank and stole one million in cash",
    "The stock market is down 500 points today due to fears of a recession",
    "Soccer players of the year are announced today in Paris",
]
SOURCES = ["tweet", "news", "tweet", "news", "news", "website"]
