"""One node for all tests of an environment."""

import uuid

import pytest
from node import Node


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    with Node(tmp_path_factory.mktemp("node") / "data") as it:
        yield it


@pytest.fixture
def name():
    return f"c-{uuid.uuid4()}"
