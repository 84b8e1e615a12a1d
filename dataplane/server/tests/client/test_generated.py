"""Whatever a client sends, it is answered, and no mistake of the server's is in the answer."""

import http.client
import json
import os
import random
import re
import typing
import urllib.parse

import grpc
import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m
from qdrant_client.grpc import collections_service_pb2, points_service_pb2, qdrant_pb2, snapshots_service_pb2

import generated
from conftest import wait_green
from google.protobuf import message_factory
from test_doors import outcome

# Requests over each door, and the seed that they are drawn from.
COUNT = int(os.environ.get("GENERATED", "1500"))
SEED = int(os.environ.get("GENERATED_SEED", "1"))
# After so many requests the collections are made anew, where something took them away.
ROUND = 250
# Mistakes that are shown, and how much of each request.
WRONG_MAX = 40
LONGEST = 3000
# Codes that say that it is the server's fault, or that it is not there.
OF_THE_SERVER = {"INTERNAL", "UNKNOWN", "UNAVAILABLE", "ABORTED", "DATA_LOSS", "CANCELLED"}
# Answers of their own form.
BARE = {"/", "/healthz", "/livez", "/readyz", "/health", "/metrics"}
WORDS = ["red", "green", "blue", "red green", "2024-05-01T00:00:00Z"]
MINE = ["generated", "generated-keys", "generated-other"]


@pytest.fixture(scope="module")
def held(client):
    """Fills the collections that the requests are about."""
    def fill():
        there = {it.name for it in client.get_collections().collections}
        for name in there - set(MINE):
            # With those that a hurt name made.
            if name.startswith(("generated", "scratch")):
                client.delete_collection(name)
        for name in MINE:
            made_here(client, name, anew=name in there)
    fill()
    wait_green(client, "generated")
    return fill


def made_here(client, name, anew):
    if anew:
        client.delete_collection(name)
    dense = m.VectorParams(size=generated.DIM, distance="Cosine")
    many = m.VectorParams(size=generated.DIM, distance="Dot", multivector_config=m.MultiVectorConfig(comparator="max_sim"))
    by_key = {"sharding_method": "custom"} if name == "generated-keys" else {}
    client.create_collection(
        name,
        vectors_config={"": dense, "dense": m.VectorParams(size=generated.DIM, distance="Euclid"), "many": many},
        sparse_vectors_config={"sparse": m.SparseVectorParams(), "rare": m.SparseVectorParams(modifier="idf")},
        shard_number=2,
        **by_key,
    )
    kinds = {"n": "integer", "w": "keyword", "f": "float", "b": "bool", "geo": "geo", "d": "datetime"}
    for key, kind in kinds.items():
        client.create_payload_index(name, key, kind, wait=True)
    text = m.TextIndexParams(type="text", tokenizer="word", phrase_matching=True)
    client.create_payload_index(name, "t", text, wait=True)
    rng = random.Random(5)
    keys = ["a", "b"] if by_key else [None]
    for key in filter(None, keys):
        client.create_shard_key(name, key)
    for key in keys:
        client.upsert(name, [point(rng, id) for id in range(generated.POINTS)], wait=True, shard_key_selector=key)


def point(rng, id):
    vector = lambda: [round(rng.uniform(-1, 1), 3) for _ in range(generated.DIM)]
    sparse = lambda: m.SparseVector(indices=rng.sample(range(50), 4), values=vector())
    vectors = {"": vector(), "dense": vector(), "many": [vector(), vector()], "sparse": sparse(), "rare": sparse()}
    kept = {name: it for name, it in vectors.items() if rng.random() < 0.8}
    payload = {"n": rng.randrange(9), "w": rng.choice(WORDS), "f": rng.random(), "b": rng.random() < 0.5, "t": rng.choice(WORDS)}
    payload |= {"geo": {"lon": rng.uniform(-10, 10), "lat": rng.uniform(-10, 10)}, "d": "2024-05-01T00:00:00Z", "o": [{"a": rng.randrange(3)}]}
    return m.PointStruct(id=generated.UUIDS[id] if id < 2 else id, vector=kept, payload=payload)


class Rest:
    """One connection that is kept."""

    def __init__(self, node):
        self.node, self.connection = node, None

    def ask(self, method, path, query, raw):
        path = urllib.parse.quote(path.encode("utf-8", "surrogatepass"), safe="/:-")
        if query:
            path += "?" + urllib.parse.urlencode(query, errors="surrogatepass")
        headers = {"Content-Type": "application/json"} if raw is not None else {}
        for _ in range(2):
            connection = self.connection or http.client.HTTPConnection(self.node.host, self.node.port, timeout=120)
            try:
                connection.request(method, path, raw, headers)
                answer = connection.getresponse()
                status, body = answer.status, answer.read()
                if answer.will_close:
                    connection.close()
                self.connection = None if answer.will_close else connection
                return status, body
            # A connection that was kept may have been closed since.
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                connection.close()
                if self.connection is None:
                    raise
                self.connection = None
        raise AssertionError("not to be reached")

    def close(self):
        if self.connection:
            self.connection.close()


def test_rest_never_fails_by_itself(node, held):
    rest, named = Rest(node), generated.operations()
    common = [it for it in named if "points" in it.name or "facet" in it.name or "search" in it.name]
    statuses, wrong = {}, []
    for number in range(COUNT):
        if number % ROUND == ROUND - 1:
            held()
        rng = random.Random(f"{SEED} rest {number}")
        operation = named[number % len(named)] if rng.random() < 0.4 else rng.choice(common)
        method, path, query, body = generated.request(rng, operation)
        if operation.name in ("create_collection", "delete_collection"):
            path = f"/collections/scratch-{rng.randrange(3)}"
        if body is not None and rng.random() < 0.6:
            body = generated.hurt(rng, body)
        raw = None if body is None else generated.encoded(body)
        status, answer = rest.ask(method, path, query, raw)
        statuses.setdefault(operation.name, []).append(status)
        mistake = mistake_of(status, answer, path)
        if mistake:
            sent = (raw or b"").decode()[:LONGEST]
            wrong.append(f"GENERATED_SEED={SEED}, request {number}: {mistake}: {method} {path} {query} {sent}: {status} {answer[:500]}")
    rest.close()
    assert not wrong, "\n\n".join(wrong[:WRONG_MAX])
    # What is never answered is never tried in earnest.
    if COUNT >= 1000:
        for name in ("query_points", "scroll_points", "count_points", "upsert_points", "query_points_groups", "facet"):
            assert 200 in statuses[name], (name, statuses[name])


def mistake_of(status, answer, path):
    """What is wrong with an answer, if anything is."""
    if status >= 500:
        return "the server failed"
    if path in BARE:
        return None
    # What is no number of JSON is written so.
    if b'"score":null' in answer:
        return "a score that is none"
    try:
        said = json.loads(answer)
    except ValueError:
        return "no JSON"
    if not isinstance(said.get("time"), (int, float)):
        return "no time"
    if status < 300:
        return None if said.get("status") == "ok" and "result" in said else "no result"
    return None if said["status"]["error"].strip() else "no word of what is wrong"


SERVICES = [
    (points_service_pb2, "qdrant.Points"),
    (collections_service_pb2, "qdrant.Collections"),
    (snapshots_service_pb2, "qdrant.Snapshots"),
    (qdrant_pb2, "qdrant.Qdrant"),
]


def methods():
    for module, name in SERVICES:
        yield from module.DESCRIPTOR.services_by_name[name.split(".")[1]].methods


def test_grpc_never_fails_by_itself(node, held):
    named = list(methods())
    of_points = [it for it in named if it.containing_service.name == "Points"]
    ends, wrong = {}, []
    with grpc.insecure_channel(f"{node.host}:{node.grpc_port}") as channel:
        for number in range(COUNT):
            if number % ROUND == ROUND - 1:
                held()
            rng = random.Random(f"{SEED} grpc {number}")
            method = named[number % len(named)] if rng.random() < 0.4 else rng.choice(of_points)
            message, sent = drawn_message(rng, method)
            code, details = called(channel, method, sent)
            ends.setdefault(method.name, []).append(code)
            if code in OF_THE_SERVER or (code != "OK" and not details.strip()):
                wrong.append(f"GENERATED_SEED={SEED}, call {number}: {method.full_name} {sent.hex()[:LONGEST]} {str(message)[:LONGEST]}: {code} {details}")
    assert not wrong, "\n\n".join(wrong[:WRONG_MAX])
    if COUNT >= 1000:
        for name in ("Query", "Scroll", "Count", "Upsert", "QueryGroups", "Facet", "Search"):
            assert "OK" in ends[name], (name, ends[name])


def drawn_message(rng, method):
    """A message, and what is sent of it."""
    kind = message_factory.GetMessageClass(method.input_type)
    messages = generated.Messages(rng, wild=rng.choice([0, 0.02, 0.1]))
    message = messages.of(kind)
    if rng.random() < 0.05:
        messages.deepen(message)
    if method.containing_service.name == "Collections" and method.name in ("Create", "Delete"):
        message.collection_name = f"scratch-{rng.randrange(3)}"
    sent = message.SerializeToString()
    return message, generated.torn(rng, sent) if rng.random() < 0.15 else sent


def called(channel, method, sent):
    """The code that a call ends with, and what is said of it."""
    answer = message_factory.GetMessageClass(method.output_type)
    path = f"/{method.containing_service.full_name}/{method.name}"
    call = channel.unary_unary(path, request_serializer=bytes, response_deserializer=answer.FromString)
    try:
        call(sent, timeout=120)
        return "OK", ""
    except grpc.RpcError as error:
        return error.code().name, error.details()


VECTORS = {"with_payload": m.WithPayloadInterface, "with_vectors": m.WithVector}
RANKED = {
    "query": m.QueryInterface,
    "prefetch": typing.List[m.Prefetch],
    "query_filter": m.Filter,
    "search_params": m.SearchParams,
    "limit": int,
    "score_threshold": float,
    "using": str,
    "lookup_from": m.LookupLocation,
    **VECTORS,
}
GROUPED = {"group_size": int, "with_lookup": m.WithLookupInterface}
AMONG = {"query_filter": m.Filter, "sample": int, "limit": int, "using": str}
# Methods of the client by their names: what each needs, and what it may be given.
READS = {
    "query_points": ({}, {**RANKED, "offset": int}),
    "query_batch_points": ({"requests": typing.List[m.QueryRequest]}, {}),
    "query_points_groups": ({"group_by": str}, {**RANKED, **GROUPED}),
    "scroll": ({}, {"scroll_filter": m.Filter, "limit": int, "order_by": m.OrderByInterface, "offset": m.ExtendedPointId, **VECTORS}),
    "count": ({}, {"count_filter": m.Filter, "exact": bool}),
    "facet": ({"key": str}, {"facet_filter": m.Filter, "limit": int, "exact": bool}),
    "retrieve": ({"ids": typing.List[m.ExtendedPointId]}, VECTORS),
    "search_matrix_pairs": ({}, AMONG),
    "search_matrix_offsets": ({}, AMONG),
}
POINTS_OF = typing.Union[typing.List[m.ExtendedPointId], m.Filter]
WRITES = {
    "upsert": ({"points": typing.List[m.PointStruct]}, {"update_filter": m.Filter, "update_mode": m.UpdateMode}),
    "update_vectors": ({"points": typing.List[m.PointVectors]}, {"update_filter": m.Filter}),
    "delete_vectors": ({"vectors": typing.List[str], "points": POINTS_OF}, {}),
    "set_payload": ({"payload": typing.Dict[str, typing.Any], "points": POINTS_OF}, {"key": str}),
    "overwrite_payload": ({"payload": typing.Dict[str, typing.Any], "points": POINTS_OF}, {}),
    "delete_payload": ({"keys": typing.List[str], "points": POINTS_OF}, {}),
    "clear_payload": ({"points_selector": POINTS_OF}, {}),
    "delete": ({"points_selector": POINTS_OF}, {}),
    "batch_update_points": ({"update_operations": typing.List[m.UpdateOperation]}, {}),
    "create_payload_index": ({"field_name": str, "field_schema": m.PayloadFieldSchema}, {}),
    "delete_payload_index": ({"field_name": str}, {}),
}


@pytest.fixture(scope="module")
def both(node, held):
    """A collection for each door, with the same points."""
    rest = QdrantClient(url=node.url, timeout=60)
    over = QdrantClient(node.host, port=node.port, grpc_port=node.grpc_port, prefer_grpc=True, timeout=60)
    doors = [(rest, "alike-rest"), (over, "alike-grpc")]
    for _, name in doors:
        made_here(rest, name, anew=False)
    yield doors
    rest.close()
    over.close()


def test_both_doors_answer_what_is_generated_alike(both):
    ends, wrong = {}, []
    for number in range(COUNT // 2):
        rng = random.Random(f"{SEED} both {number}")
        is_write = rng.random() < 0.25
        method, (needed, others) = rng.choice(list((WRITES if is_write else READS).items()))
        arguments = generated.Arguments(rng).of(needed, others)
        # Chance is of each door's own.
        if arguments is None or "random" in str(arguments):
            continue
        if is_write:
            arguments["wait"] = True
        if "matrix" in method:
            # All of them: which some are is chance.
            arguments["sample"] = 200
        # First over the door whose client turns most down: then it is asked over none.
        over = answer_of(both[1], method, arguments)
        if over is None:
            continue
        answers = [answer_of(both[0], method, arguments), over]
        ends.setdefault(method, []).append(answers[0][1] is None)
        if not alike(method, *answers):
            wrong.append(f"GENERATED_SEED={SEED}, request {number}: {method} {arguments}: over REST {answers[0]}, over gRPC {answers[1]}"[:LONGEST])
        if number % ROUND == ROUND - 1:
            # Writes over both doors left the same, and some of it.
            kept = [answer_of(door, "scroll", {"limit": 1000, "with_vectors": True}) for door in both]
            if not alike("scroll", *kept):
                wrong.append(f"GENERATED_SEED={SEED}, after request {number}: {kept}"[:LONGEST])
            for client, name in both:
                made_here(both[0][0], name, anew=True)
    assert not wrong, "\n\n".join(wrong[:WRONG_MAX])
    if COUNT >= 1000:
        assert all(any(of_one) for of_one in ends.values()), {name: len(of_one) for name, of_one in ends.items() if not any(of_one)}


def answer_of(door, method, arguments):
    """What a door answers, or what it says of a mistake; `None` where its client does not send it."""
    try:
        return outcome(door, method, [], arguments)
    except (ValueError, TypeError, AttributeError, OverflowError, AssertionError, NotImplementedError):
        return None


def alike(method, rest, over):
    if rest[1] is None or over[1] is None:
        return rest == over
    # Queries of a batch run side by side: of two that are wrong either may be the one that is named.
    if method == "query_batch_points":
        return True
    texts = [re.sub(OTHERWISE, "", said) for _, said in (rest[1], over[1])]
    # Of several mistakes either may be the one that is named: the fields of messages have an order of their own.
    are_others = all(places_in(text) for text in texts) and places_in(texts[0]) != places_in(texts[1])
    # A text in place of all vectors of a point is read by where it stands.
    if "vector.text: " in texts[0]:
        return True
    return over[1][0] <= rest[1][0] and (texts[0] == texts[1] or are_others)


# A list of one and what stands for it are the same in messages, and so are an example and what is near to it.
OTHERWISE = r"\[0\]|(?<=query)\.nearest"


def places_in(text):
    """The place of a mistake, where it is told."""
    return re.findall(r"(?:in body: \[?|request: `?)((?:[a-z_]+(?:\[\d+\])?\.?)+)", text)
