"""Nodes and clients for the tests."""

import uuid

import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m

from node import Node, wait_until


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    """One node for all tests that do not stop it."""
    it = Node(tmp_path_factory.mktemp("node") / "data", STORAGE__IDLE_SEAL_MS=50).start()
    yield it
    assert it.stop() == 0, it.tail()


@pytest.fixture(scope="session")
def client(node):
    it = QdrantClient(url=node.url, timeout=60)
    yield it
    it.close()


@pytest.fixture
def name():
    """A collection name of the test's own."""
    return f"c-{uuid.uuid4()}"


@pytest.fixture
def own_node(tmp_path):
    """A node that the test may stop and start."""
    it = Node(tmp_path / "data", STORAGE__IDLE_SEAL_MS=50)
    yield it
    it.__exit__()


def create(client, name, size=4, distance=m.Distance.COSINE, **more):
    client.create_collection(name, vectors_config=m.VectorParams(size=size, distance=distance), **more)


def wait_green(client, name):
    """Waits until nothing is left to seal, index or merge."""
    wait_until(lambda: client.get_collection(name).status == m.CollectionStatus.GREEN, f"{name} to be green")


def ids(points):
    return [it.id for it in points]
