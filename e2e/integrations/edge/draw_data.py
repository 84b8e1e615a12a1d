"""Collections and points that are drawn: vectors of every kind, payloads that are easy to get wrong."""

import struct
import uuid

IDS = 60
SHARES_OF_UUIDS = 0.15
# What payload fields mostly hold; each holds something else at times.
FIELDS = {
    "k": "keyword",
    "n": "integer",
    "f": "float",
    "b": "bool",
    "g": "geo",
    "d": "datetime",
    "u": "uuid",
    "t": "text",
    "p.q": "integer",
    "p.r[].s": "keyword",
    "o[].a": "integer",
    "o[].b": "keyword",
    "o[].c[].d": "float",
    "o[].g": "geo",
}
WORDS = "the running runner ran Quickly brown foxes JUMPED over lazy dogs über Größe naïve café l'été don't e-mail 42 3.14 x foo_bar İstanbul СОБАКИ бегают 犬 straße".split()
TEXTS = ["", " ", "  the  ", "red, green; blue", "a.b.c", "New York\nnew york", "ﬁne ﬀ", "x" * 40]
KEYWORDS = ["red", "green", "blue", "Red", "", " ", "red green", "grün", "re", "日本", "1", "true"]
UUIDS = [str(uuid.UUID(int=it * 0x1234567890ABCDEF1234567)) for it in range(1, 8)]
DATES = [
    "2024-05-01T00:00:00Z", "2024-05-01", "2024-05-01T12:30:00+02:00", "2024-05-01T10:30:00Z", "2024-05-01 10:30:00", "2024-05-01T10:30:00.123456",
    "2024-05-01T10:30:00.5Z", "2023-12-31T23:59:59Z", "1969-07-20T20:17:40Z", "2024-02-29", "2024-05-01 10:30", "2024-05-01T10:30", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
]
NO_DATES = ["2023-02-29", "yesterday", "2024-13-01", "10:30", "2024-05-01T25:00:00Z", ""]
INTEGERS = [0, 1, 2, 3, 5, 7, -1, -3, 100, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
# Those that a float of 64 bits has exactly.
SMALL = [0, 1, 2, 3, 5, 7, -1, -3, 100, 2**31, 2**53]
FLOATS = [0.0, 0.5, -0.5, 1.0, 2.5, 3.0, 1e-7, 1e300, -1e300, 0.1, 100.25]
# What a field may hold in a collection that is tidy: nothing, in all its spellings.
NOTHING = [None, [], [None], {}, [[]]]
ODD = [None, [], {}, [None], [[]], "", True, 0, 1.5, "x", {"a": 1}, [1, "x", None, 2.5, True], [[1, 2], [3]], [{}], 2**63 - 1]
DIMS = [1, 2, 4, 7]


class Data:
    """What is drawn of one collection."""

    def __init__(self, rng):
        self.rng = rng
        # Mostly, fields hold values of their own type alone, which every payload index has.
        self.is_tidy = rng.random() < 0.8

    @property
    def odd(self):
        return NOTHING if self.is_tidy else ODD

    def collection(self):
        rng = self.rng
        names = ["", "a", "b", "many"]
        kept = [it for it in names if rng.random() < 0.6] or ["a"]
        vectors = {name: self.dense(name == "many") for name in kept}
        sparse = {name: modifier for name, modifier in (("s", {}), ("i", {"modifier": "idf"})) if rng.random() < 0.5}
        return {"vectors": vectors, "sparse_vectors": sparse}

    def dense(self, many):
        rng = self.rng
        shape = {"size": rng.choice(DIMS), "distance": rng.choice(["Cosine", "Dot", "Euclid", "Manhattan"])}
        if many:
            shape["multivector_config"] = {"comparator": "max_sim"}
        datatype = rng.choice([None, None, "float32", "float16", "uint8"])
        return shape | ({"datatype": datatype} if datatype else {})

    def id(self):
        number = self.rng.randrange(IDS)
        # A few that are ids of the other kind, always the same ones.
        return str(uuid.UUID(int=number * 0x1111)) if number < IDS * SHARES_OF_UUIDS else number

    def ids(self, most=5):
        return list(dict.fromkeys(self.id() for _ in range(self.rng.randint(1, most))))

    def vector_of(self, shape):
        rng = self.rng
        if rng.random() < 0.03:
            row = lambda: [0.0] * shape["size"]
        elif shape.get("datatype") == "uint8":
            row = lambda: [float(rng.randrange(256)) if rng.random() < 0.9 else f32(rng.uniform(-20, 300)) for _ in range(shape["size"])]
        elif rng.random() < 0.15:
            row = lambda: [float(rng.randrange(-2, 3)) for _ in range(shape["size"])]
        else:
            row = lambda: [f32(rng.uniform(-1, 1)) for _ in range(shape["size"])]
        if shape.get("multivector_config"):
            return [row() for _ in range(rng.choice([1, 1, 2, 3]))]
        return row()

    def sparse(self):
        rng = self.rng
        indices = rng.sample(range(12), rng.choice([0, 1, 2, 3, 5]) if rng.random() < 0.9 else 8)
        number = lambda: f32(rng.uniform(-1, 1)) if rng.random() < 0.2 else f32(rng.uniform(0, 2))
        return {"indices": indices, "values": [number() for _ in indices]}

    def any_vector(self, collection, name):
        return self.vector_of(collection["vectors"][name]) if name in collection["vectors"] else self.sparse()

    def vectors(self, collection, share=0.85):
        names = [*collection["vectors"], *collection["sparse_vectors"]]
        return {name: self.any_vector(collection, name) for name in names if self.rng.random() < share}

    def point(self, collection, has_payload=True):
        point = {"id": self.id(), "vector": self.vectors(collection)}
        return point | {"payload": self.payload()} if has_payload else point

    def points(self, collection, most):
        some = [self.point(collection) for _ in range(self.rng.randint(1, most))]
        # Of equal ids in one request Qdrant keeps the last as well, but what comes between is not what is tested.
        return list({it["id"]: it for it in some}.values())

    def payload(self):
        rng = self.rng
        payload = {}
        for key in ("k", "n", "f", "b", "g", "d", "u", "t"):
            if rng.random() < 0.7:
                payload[key] = self.field(FIELDS[key])
        if rng.random() < 0.5:
            payload["p"] = self.plain_or_odd(lambda: {"q": self.field("integer"), "r": self.listed(lambda: {"s": self.field("keyword")})})
        if rng.random() < 0.6:
            payload["o"] = self.plain_or_odd(lambda: self.listed(self.element))
        if rng.random() < 0.1:
            payload[rng.choice(["", "a b", "x.y", "ключ", "k[]", "n"])] = rng.choice(ODD)
        return payload

    def element(self):
        rng = self.rng
        parts = {"a": lambda: self.field("integer"), "b": lambda: self.field("keyword"), "g": lambda: self.field("geo")}
        parts["c"] = lambda: self.listed(lambda: {"d": self.field("float")} if rng.random() < 0.8 else {})
        return {name: draw() for name, draw in parts.items() if rng.random() < 0.7}

    def listed(self, draw):
        return [draw() for _ in range(self.rng.choice([0, 1, 1, 2, 3]))]

    def plain_or_odd(self, draw):
        return self.rng.choice(self.odd) if self.rng.random() < 0.08 else draw()

    def field(self, kind):
        rng = self.rng
        chance = rng.random()
        if chance < 0.7:
            return self.value(kind)
        if chance < 0.9:
            some = [self.value(kind) for _ in range(rng.choice([0, 1, 2, 2, 3]))]
            if rng.random() < 0.25:
                some.append(rng.choice(self.odd))
            return some
        return rng.choice(self.odd)

    def value(self, kind):
        return getattr(self, kind)()

    def keyword(self):
        return self.rng.choice(KEYWORDS)

    def integer(self):
        rng = self.rng
        if rng.random() < 0.7:
            return rng.randrange(8)
        return rng.choice(SMALL if self.is_tidy else INTEGERS if rng.random() < 0.7 else FLOATS)

    def float(self):
        rng = self.rng
        if rng.random() < 0.6:
            return round(rng.uniform(-5, 5), 2)
        return rng.choice(FLOATS if rng.random() < 0.7 else SMALL if self.is_tidy else INTEGERS)

    def bool(self):
        return self.rng.random() < 0.5

    def geo(self):
        rng = self.rng
        if rng.random() < (0 if self.is_tidy else 0.1):
            return rng.choice([{"lon": 200.0, "lat": 10.0}, {"lon": 1, "lat": 2}, {"lon": "1", "lat": 2}, {"lon": 1.0}, {"lat": 90.0, "lon": 180.0}, {"lon": 1.0, "lat": 2.0, "x": 1}])
        return {"lon": round(rng.uniform(-180, 180) if rng.random() < 0.2 else rng.uniform(-10, 10), 3), "lat": round(rng.uniform(-10, 10), 3)}

    def datetime(self):
        return self.rng.choice(DATES if self.is_tidy or self.rng.random() < 0.9 else NO_DATES)

    def uuid(self):
        spelled = self.rng.choice(UUIDS)
        return spelled if self.is_tidy or self.rng.random() < 0.9 else self.rng.choice([spelled.upper(), spelled.replace("-", ""), "{" + spelled + "}", "x"])

    def text(self):
        rng = self.rng
        if rng.random() < 0.15:
            return rng.choice(TEXTS)
        words = [rng.choice(WORDS) for _ in range(rng.randint(1, 7))]
        return rng.choice([" ", " ", ", ", "-"]).join(words)


def f32(number):
    return struct.unpack("f", struct.pack("f", number))[0]
