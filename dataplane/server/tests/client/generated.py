"""Requests that are drawn from the shapes of the official client: its models of JSON, and its messages.

A shape says what may stand in a request; names, sizes and numbers that mean something here are drawn from `HINTS`, so
that much of what is drawn is accepted. `hurt` takes something away from that, or adds something.
"""

import copy
import datetime
import enum
import inspect
import json
import types
import typing
import uuid

import pydantic
from google.protobuf.descriptor import FieldDescriptor as Field
from qdrant_client.http import api, models

DEPTH_MAX = 7
DIM = 4
POINTS = 60
UUIDS = ["550e8400-e29b-41d4-a716-446655440000", "c0ffee00-0000-4000-8000-000000000000"]
KEYS = ["n", "w", "f", "b", "geo", "t", "d", "o[].a", "missing"]
VECTORS = ["", "dense", "many", "sparse", "rare"]
COLLECTIONS = [*["generated"] * 7, "generated-keys", "generated-other", "generated-nowhere"]
# Letters and numbers that are easy to get wrong.
ODD = ["", " ", "\x00", "é", "日本語", "🦀", "\u202e", "a" * 300, "a..b", "a[", "$score", "../x", "%2f", "\ud800", "null", "-1"]
EXTREMES = [0, -1, 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, -(2**63), 1.5, -0.0, 1e-320, 3e38, -3e38, 3.5e38, 1e308, float("nan"), float("inf"), float("-inf")]
# By the name of a field, what is mostly drawn for it.
HINTS = {
    "using": VECTORS,
    "vector": VECTORS,
    "vectors": VECTORS,
    "collection": COLLECTIONS,
    "collection_name": COLLECTIONS,
    "alias_name": ["alias-1", "alias-2"],
    "old_alias_name": ["alias-1"],
    "new_alias_name": ["alias-2"],
    "key": KEYS,
    "group_by": KEYS,
    "field_name": KEYS,
    "is_principal": [True],
    "size": [DIM],
    "limit": [1, 3, 10, 200],
    "group_size": [1, 3],
    "sample": ["random", 2, 20],
    "offset": [0, 1, 3],
    "shard_number": [1, 2, 3],
    "shards_number": [1],
    "replication_factor": [1],
    "write_consistency_factor": [1],
    "timeout": [10, 60],
    "hnsw_ef": [1, 30, 200],
    "m": [0, 8, 16],
    "payload_m": [0, 8],
    "ef_construct": [20, 100],
    "max_indexing_threads": [0, 1],
    "score_threshold": [-1.0, 0.0, 0.5],
    "shard_key": ["a", "b", 7],
    "target": None,
    "direction": ["asc", "desc"],
    "to": ["geo"],
    "datetime_key": ["d"],
    "datetime": ["2024-05-01", "2024-05-01T00:00:00Z"],
    "lon": [-10.0, 0.5, 10.0],
    "lat": [-10.0, 0.5, 10.0],
    "diversity": [0.0, 0.3, 1.0],
    "candidates_limit": [10, 50],
    "midpoint": [0.5],
    "scale": [0.5, 10.0],
    "min_count": [1, 2],
    "total": [2, 3],
    "index": [0, 1],
    "model": ["qdrant/bm25"],
    "text": ["red green", "the red"],
    "uuid": UUIDS,
    "num": [0, 1, 2, 3, 50],
    "has_vector": VECTORS,
    "collection_status": ["green"],
}
WORDS = ["red", "green", "blue", "2024-05-01T00:00:00Z", "red green"]


class Drawn:
    """Values of shapes, in JSON."""

    def __init__(self, rng, tidy=False):
        # Tidy ones have one mistake at most, mostly, and nothing that official clients leave out over gRPC.
        self.rng, self.tidy = rng, tidy

    def of(self, shape, field="", depth=0):
        """A value of a type, for a field of that name."""
        rng = self.rng
        hint = HINTS.get(field)
        origin, args = typing.get_origin(shape), typing.get_args(shape)
        if hint and origin in (None, typing.Union, types.UnionType) and rng.random() < 0.9 and plain(shape):
            return rng.choice(hint)
        if origin is typing.Annotated:
            return self.of(args[0], field, depth)
        if shape == models.ExtendedPointId and self.tidy and rng.random() < 0.98:
            return rng.choice([*range(POINTS + 2), *UUIDS])
        if origin in (typing.Union, types.UnionType):
            some = [it for it in args if it is not type(None)]
            if depth >= DEPTH_MAX:
                some = [it for it in some if plain(it)] or some
            return self.of(rng.choice(some), field, depth)
        if origin is typing.Literal:
            return rng.choice(args)
        if origin in (list, set, tuple):
            return self.list(args[0] if args else typing.Any, field, depth)
        if origin is dict:
            return self.object(args, field, depth)
        if inspect.isclass(shape) and issubclass(shape, enum.Enum):
            return rng.choice([it.value for it in shape])
        if inspect.isclass(shape) and issubclass(shape, pydantic.BaseModel):
            return self.model(shape, depth)
        return self.scalar(shape, field)

    def model(self, model, depth):
        drawn = {}
        if model is models.FieldCondition and (self.tidy or self.rng.random() < 0.9):
            # One of several would be enough to be refused for, and official clients send one over gRPC.
            parts = [it for it in model.model_fields if it != "key"]
            part = self.rng.choice(parts)
            return {"key": self.of(str, "key"), part: self.of(model.model_fields[part].annotation, part, depth + 1)}
        if model in (models.PointStruct, models.PointVectors) and self.rng.random() < 0.6:
            return self.point(model is models.PointStruct)
        for name, field in model.model_fields.items():
            chance = 0.35 if depth < 3 else 0.2 if depth < DEPTH_MAX else 0
            chance *= 0.2 if name == "shard_key" else 1
            if field.is_required() or self.rng.random() < chance:
                drawn[field.alias or name] = self.of(field.annotation, name, depth + 1)
        if self.tidy and "points" in drawn:
            drawn.pop("filter", None)
        return drawn

    def point(self, has_payload):
        """A point that fits."""
        kept = {name: it for name, it in self.vectors().items() if self.rng.random() < 0.5}
        point = {"id": self.rng.choice([*UUIDS, *range(POINTS)]), "vector": kept}
        return {**point, "payload": {"n": self.rng.randrange(9), "w": self.rng.choice(WORDS)}} if has_payload else point

    def vectors(self):
        sparse = lambda: {"indices": self.rng.sample(range(50), 3), "values": self.vector()[:3]}
        return {"": self.vector(), "dense": self.vector(), "many": [self.vector(), self.vector()], "sparse": sparse(), "rare": sparse()}

    def list(self, inner, field, depth):
        if inner is models.GeoPoint and self.rng.random() < 0.9:
            corners = [{"lon": lon, "lat": lat} for lon, lat in ((-9, -9), (9, -9), (self.rng.uniform(-9, 9), 9), (-9, -9))]
            return corners
        if inner in (float, pydantic.StrictFloat) and field != "weights":
            return self.vector()[: 3 if field == "values" else DIM]
        if inner in (int, pydantic.StrictInt) and field == "indices":
            return self.rng.sample(range(50), 3)
        count = 0 if depth > DEPTH_MAX else self.rng.choice([0, 1, 1, 2, 2, 3])
        return [self.of(inner, field, depth + 1) for _ in range(count)]

    def vector(self):
        return [round(self.rng.uniform(-1, 1), 3) for _ in range(DIM)]

    def object(self, args, field, depth):
        inner = args[1] if args else typing.Any
        names = VECTORS if field in ("vector", "vectors", "vectors_config", "sparse_vectors") else KEYS
        count = 0 if depth > DEPTH_MAX else self.rng.choice([0, 1, 2])
        return {self.rng.choice(names): self.of(inner, field, depth + 1) for _ in range(count)}

    def scalar(self, shape, field):
        rng = self.rng
        if shape in (bool, pydantic.StrictBool):
            return rng.random() < 0.5
        if shape in (int, pydantic.StrictInt) or "int" in str(shape).lower():
            return rng.randrange(120)
        if shape in (float, pydantic.StrictFloat):
            return round(rng.uniform(-2, 2), 3)
        if shape in (datetime.datetime, datetime.date):
            return "2024-05-01T00:00:00Z"
        if shape is uuid.UUID:
            return rng.choice(UUIDS)
        if shape in (str, pydantic.StrictStr):
            return rng.choice([*WORDS, *UUIDS, *KEYS])
        return rng.choice([1, 1.5, "red", True, None, [1, "x"], {"a": 1}])


def plain(shape):
    """Whether a type has no parts."""
    args = typing.get_args(shape)
    if args:
        return typing.get_origin(shape) not in (list, dict, set, tuple) and any(plain(it) for it in args if it is not type(None))
    return not (inspect.isclass(shape) and issubclass(shape, pydantic.BaseModel))


class Operation(typing.NamedTuple):
    """A call of REST."""

    name: str
    build: typing.Callable
    parameters: dict


class Recorder:
    """Stands in for the client that sends."""

    def request(self, **sent):
        return sent


def operations():
    """All that the client's document has."""
    found = []
    for module in vars(api).values():
        if not inspect.ismodule(module):
            continue
        for _, kind in inspect.getmembers(module, inspect.isclass):
            for name, build in inspect.getmembers(kind, inspect.isfunction):
                if name.startswith("_build_for_") and kind.__module__ == module.__name__:
                    hints = typing.get_type_hints(build, {**vars(models), **vars(module)})
                    found.append(Operation(name[len("_build_for_"):], build, hints))
    return sorted({it.name: it for it in found}.values())


def request(rng, operation):
    """Method, path, query and body of one call; `None` without a body."""
    drawn, given = Drawn(rng), {}
    of_operation = dict(operation.parameters)
    for name, parameter in inspect.signature(operation.build).parameters.items():
        if name in ("self", "return"):
            continue
        in_path_or_body = parameter.default is inspect.Parameter.empty or not plain(of_operation[name])
        if in_path_or_body or rng.random() < 0.2:
            given[name] = drawn.of(of_operation[name], name)
            if plain(of_operation[name]) and rng.random() < 0.05:
                given[name] = rng.choice([*ODD, *EXTREMES])
    holder = types.SimpleNamespace(api_client=Recorder())
    sent = operation.build(holder, **given)
    path = sent["url"]
    for name, value in (sent.get("path_params") or {}).items():
        path = path.replace("{" + name + "}", str(value))
    return sent["method"], path, dict(sent.get("params") or {}), sent.get("content")


def places(value, at=()):
    """The place of each part of a JSON value."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*at, key))


def hurt(rng, body):
    """The same JSON with one to three parts that are wrong."""
    whole = [copy.deepcopy(body)]
    if rng.random() < 0.4:
        # One number or word alone: the rest may well be right.
        leaves = [at for at in places(whole) if at and not isinstance(part_of(whole, at), (dict, list))]
        if leaves:
            *way, last = rng.choice(leaves)
            part_of(whole, way)[last] = rng.choice(ODD if isinstance(part_of(whole, (*way, last)), str) else EXTREMES)
            return whole[0]
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = rng.choice([it for it in places(whole) if it] or [(0,)])
        *way, last = at
        change(rng, part_of(whole, way), last)
    return whole[0]


def part_of(value, at):
    for step in at:
        value = value[step]
    return value


def change(rng, parent, last):
    value = parent[last]
    choice = rng.randrange(9)
    if choice == 0 and isinstance(parent, dict):
        del parent[last]
    elif choice == 1 and isinstance(parent, dict):
        parent[rng.choice([*ODD, "surprise", str(last) + "s"])] = copy.deepcopy(value)
    elif choice == 2 and isinstance(parent, list):
        parent.extend([value] * rng.choice([1, 3, 300]))
    elif choice == 3:
        parent[last] = nested(rng, value)
    elif choice == 4:
        parent[last] = rng.choice([[], {}, "", None, [None], [[]], {"": {}}, [[], []]])
    elif choice == 5:
        parent[last] = rng.choice(ODD)
    elif choice in (6, 7) or isinstance(value, (int, float)):
        parent[last] = rng.choice(EXTREMES)
    else:
        parent[last] = rng.choice([True, "x", 7, 1.5, ["x"], {"x": 1}])


def nested(rng, value):
    """A value that many lists or objects are around."""
    name = rng.choice(["must", "prefetch", "nested", "x", "sum", "filter", "neg"])
    for _ in range(rng.choice([1, 2, 10, 70, 140, 400])):
        value = [value] if rng.random() < 0.3 else {name: value}
    return value


def encoded(body):
    """As a client writes it; NaN and the infinities stand in it as they are called."""
    return json.dumps(body).encode()


class Messages:
    """Messages by what their descriptors say; of their numbers and words a share is wild."""

    def __init__(self, rng, wild):
        self.rng, self.wild = rng, wild

    def of(self, kind, depth=0):
        message = kind()
        self.fill(message, depth)
        return message

    def fill(self, message, depth):
        rng = self.rng
        if message.DESCRIPTOR.full_name in ("qdrant.PointStruct", "qdrant.PointVectors") and rng.random() < 0.6:
            return self.point(message)
        of_one = {}
        for field in message.DESCRIPTOR.fields:
            group = field.containing_oneof
            if group and len(group.fields) > 1:
                of_one.setdefault(group.name, []).append(field)
                continue
            always = field.name in NEEDED or (message.DESCRIPTOR.name, field.name) == ("NestedCondition", "filter") or not (field.has_presence or field.is_repeated)
            if field.name == "shard_key_selector" and rng.random() < 0.8:
                continue
            if rng.random() < (0.97 if always else 0.35 if depth < DEPTH_MAX else 0.05):
                self.set(message, field, depth)
        for fields in of_one.values():
            if rng.random() < 0.99:
                leaves = [it for it in fields if it.message_type is None]
                self.set(message, rng.choice(leaves if leaves and depth >= DEPTH_MAX else fields), depth)

    def point(self, message):
        """Makes a point that fits of it."""
        message.id.num = self.rng.randrange(POINTS)
        message.vectors.vectors.SetInParent()
        for name, vector in Drawn(self.rng).vectors().items():
            if self.rng.random() < 0.5:
                continue
            sent = message.vectors.vectors.vectors[name]
            if isinstance(vector, dict):
                sent.sparse.indices.extend(vector["indices"])
                sent.sparse.values.extend(vector["values"])
            elif isinstance(vector[0], list):
                for row in vector:
                    sent.multi_dense.vectors.add().data.extend(row)
            else:
                sent.dense.data.extend(vector)

    def deepen(self, message):
        """Puts filters, or stages, of a message within each other."""
        levels = self.rng.choice([10, 30, 60, 90, 200])
        fields = message.DESCRIPTOR.fields_by_name
        if "prefetch" in fields and self.rng.random() < 0.5:
            for _ in range(levels):
                message = message.prefetch.add()
                message.query.fusion = 0
        elif "filter" in fields and fields["filter"].message_type:
            inner = message.filter
            for _ in range(levels):
                inner = inner.must.add().filter
            inner.SetInParent()

    def set(self, message, field, depth):
        rng, many = self.rng, field.is_repeated
        if depth > DEPTH_MAX + 4 or (many and depth > DEPTH_MAX):
            return
        if field.message_type and field.message_type.GetOptions().map_entry:
            inner = field.message_type.fields_by_name
            target = getattr(message, field.name)
            for _ in range(rng.choice([0, 1, 2])):
                key = rng.choice(VECTORS + KEYS + (LETTERS if self.wild else []))
                if inner["value"].message_type:
                    self.fill(target[key], depth + 1)
                else:
                    target[key] = self.scalar(inner["value"])
        elif field.message_type:
            target = getattr(message, field.name)
            if not many:
                target.SetInParent()
                return self.fill(target, depth + 1)
            for _ in range(rng.choice([0, 1, 1, 2])):
                self.fill(target.add(), depth + 1)
        elif many:
            getattr(message, field.name).extend(self.scalars(field))
        else:
            setattr(message, field.name, self.scalar(field))

    def scalars(self, field):
        if field.cpp_type == Field.CPPTYPE_FLOAT:
            return Drawn(self.rng).vector()
        if field.name in ("indices", "data") and field.cpp_type == Field.CPPTYPE_UINT32:
            return self.rng.sample(range(50), DIM)
        return [self.scalar(field) for _ in range(self.rng.choice([0, 1, 2, 3]))]

    def scalar(self, field):
        rng, kind = self.rng, field.cpp_type
        wild = rng.random() < self.wild
        if kind == Field.CPPTYPE_BOOL:
            return rng.random() < 0.5
        if kind == Field.CPPTYPE_ENUM:
            return rng.choice([-1, 99, 2**31 - 1]) if wild else rng.choice(field.enum_type.values).number
        if kind in (Field.CPPTYPE_DOUBLE, Field.CPPTYPE_FLOAT):
            return float(rng.choice(FLOATS)) if wild else round(rng.uniform(-2, 2), 3)
        if kind == Field.CPPTYPE_STRING:
            if wild:
                return rng.choice(LETTERS)
            hint = [it for it in HINTS.get(field.name) or [] if isinstance(it, str)]
            if field.name in ("vector_name", "names"):
                hint = VECTORS
            return rng.choice(hint if hint and rng.random() < 0.9 else WORDS + UUIDS + KEYS)
        bits, signed = (64 if kind in (Field.CPPTYPE_INT64, Field.CPPTYPE_UINT64) else 32), kind in (Field.CPPTYPE_INT32, Field.CPPTYPE_INT64)
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        if wild:
            return rng.choice([low, high, 0, 1, high // 2])
        hint = [it for it in HINTS.get(field.name) or [] if type(it) is int]
        return rng.choice(hint) if hint and rng.random() < 0.9 else rng.randrange(120)


# Fields of messages without which there is mostly no request.
NEEDED = {"collection_name", "limit", "vector", "points", "ids", "key", "group_by", "group_size", "id", "positive", "negative"}
NEEDED |= {"target", "nearest", "example", "request", "shard_key", "field_schema", "center", "top_left", "bottom_right", "exterior"}
NEEDED |= {"conditions", "feedback", "sum", "mult", "operations", "query_points", "search_points", "recommend_points", "discover_points"}
NEEDED |= {"vectors", "vector_names", "payload", "keys", "points_selector", "params", "mmr", "strategy", "x", "left", "right", "base", "exponent", "origin", "expression"}
LETTERS = [it for it in ODD if it != "\ud800"]
FLOATS = [0.0, -0.0, 1e-45, 3.4e38, float("nan"), float("inf"), float("-inf"), -1.0]


def torn(rng, message):
    """The bytes of a message, some of them others."""
    data = bytearray(message)
    for _ in range(rng.choice([1, 2, 8])):
        choice, at = rng.randrange(3), rng.randrange(len(data) + 1)
        if choice == 0 and data:
            data[at - 1] ^= 1 << rng.randrange(8)
        elif choice == 1:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.choice([1, 3])))
        else:
            del data[at : at + rng.choice([1, 5])]
    return bytes(data)


class Arguments:
    """What a method of the client is called with."""

    def __init__(self, rng):
        self.rng, self.drawn = rng, Drawn(rng, tidy=True)

    def of(self, needed, others):
        """Values by name; of the others some. `None` where the client's models refuse what was drawn."""
        some = [*needed.items(), *(it for it in others.items() if self.rng.random() < 0.4)]
        drawn = ((name, shape, self.drawn.of(shape, FIELDS.get(name, name), 1)) for name, shape in some)
        try:
            return {name: pydantic.TypeAdapter(shape).validate_python(value) for name, shape, value in drawn}
        except pydantic.ValidationError:
            return None


# Arguments that are called otherwise in a body.
FIELDS = {"shard_key_selector": "shard_key", "facet_filter": "filter"}
