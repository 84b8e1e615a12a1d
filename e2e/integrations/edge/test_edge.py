"""What Qdrant's own engine answers to operations that are drawn, a node answers too: EDGE_CASES of them from EDGE_SEED on,
over REST or, with EDGE_DOOR=grpc, over gRPC; in EDGE_SHARDS shards."""

import copy
import os

import pytest
from node import Node
from qdrant_client import QdrantClient

import door
import texts
from case import Case, Pair
from edge_side import EdgeSide
from told import Told
from vane_side import VaneSide

CASES = int(os.environ.get("EDGE_CASES", "12"))
SEED = int(os.environ.get("EDGE_SEED", "1"))


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with Node(tmp_path_factory.mktemp("edge") / "data") as node:
        yield QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=door.IS_GRPC, timeout=120)


@pytest.mark.parametrize("kind", [Case, texts.Case], ids=["operations", "texts"])
def test_a_node_answers_as_qdrant_does(client, kind):
    told = Told()
    for seed in range(SEED, SEED + CASES):
        case = kind(seed)
        collection = copy.deepcopy(case.held.collection)
        with Pair(EdgeSide(collection), VaneSide(client, f"edge-{seed}", collection, door.SHARDS), case, told) as pair:
            case.run(pair)
    told.end()
