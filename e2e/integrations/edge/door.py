"""Which door a node is asked through, how many shards it has, and what can be said there."""

import os

SHARDS = int(os.environ.get("EDGE_SHARDS", "1"))
IS_GRPC = os.environ.get("EDGE_DOOR", "rest") == "grpc"
CLAUSES = ("must", "should", "must_not")


def sayable(json):
    """An operation as the door can carry it: a message of gRPC cannot tell an empty list from none, nor a payload
    without keys."""
    if not IS_GRPC:
        return json
    if isinstance(json, list):
        return [sayable(it) for it in json]
    if not isinstance(json, dict):
        return json
    return {name: sayable(it) for name, it in json.items() if not (name in CLAUSES and it == [])}
