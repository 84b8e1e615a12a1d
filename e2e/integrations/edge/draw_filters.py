"""Filters that are drawn: every condition, on the fields that `draw_data` fills, alone and nested."""

from draw_data import DATES, FIELDS, FLOATS, INTEGERS, KEYWORDS, UUIDS, WORDS

DEPTH_MAX = 3
# Fields in other spellings, those that hold objects, and some that nothing has.
KEYS = [*FIELDS, *FIELDS, "o", "o[]", "o[0].a", "o[1].b", "o.a", "p", "p.r", "p.r[0].s", "missing", "missing[].x", "o[].missing", "n[]", "k[]", "k[0]", '"x.y"', '"a b"', "t[]", "f[]", "d[]", "g[]"]


class Filters:
    """Draws for a collection whose values `data` draws."""

    # How many conditions are about the point itself.
    ABOUT_POINTS = 0.09

    def __init__(self, data, held):
        self.data, self.rng, self.held = data, data.rng, held

    def filter(self, depth=0):
        rng = self.rng
        parts = {}
        for name, share in (("must", 0.55), ("should", 0.35), ("must_not", 0.3)):
            if rng.random() < share:
                parts[name] = self.conditions(depth, [0, 1, 1, 1, 2, 2, 3])
        if rng.random() < 0.12:
            some = self.conditions(depth, [1, 2, 3])
            parts["min_should"] = {"conditions": some, "min_count": rng.choice([0, 1, 1, 1, 2, 2, 3])}
        return parts

    def conditions(self, depth, counts):
        return [self.condition(depth) for _ in range(self.rng.choice(counts))]

    def condition(self, depth):
        rng = self.rng
        chance = rng.random()
        if chance < self.ABOUT_POINTS * 0.55:
            return {"has_id": self.data.ids(8)}
        if chance < self.ABOUT_POINTS:
            return {"has_vector": rng.choice([*self.held.names, "nowhere"] if rng.random() < 0.1 else self.held.names)}
        if chance < 0.14:
            return {"is_empty": {"key": rng.choice(KEYS)}}
        if chance < 0.19:
            return {"is_null": {"key": rng.choice(KEYS)}}
        if depth < DEPTH_MAX and chance < 0.29:
            return self.filter(depth + 1)
        if depth < DEPTH_MAX and chance < 0.37:
            return {"nested": {"key": rng.choice(["o", "o[]", "p.r", "p.r[]", "o[].c", "p", "missing", "k"]), "filter": self.inner().filter(depth + 1)}}
        return self.field()

    def inner(self):
        return Inner(self.data, self.held)

    def key(self):
        return self.rng.choice(KEYS)

    def kind(self, key):
        return FIELDS.get(key.replace("n[]", "n").replace("k[]", "k"), "keyword")

    def field(self):
        rng = self.rng
        key = self.key()
        chance = rng.random()
        if chance < 0.08:
            return {"key": key, "values_count": self.bounds(lambda: rng.randrange(4))}
        if chance < 0.13:
            return {"key": key, rng.choice(["is_empty", "is_null"]): rng.random() < 0.5}
        kind = self.kind(key) if rng.random() < 0.85 else rng.choice(list(FIELDS.values()))
        return {"key": key, **getattr(self, kind)()}

    def keyword(self):
        rng = self.rng
        chance = rng.random()
        if chance < 0.35:
            return {"match": {"value": rng.choice(KEYWORDS)}}
        if chance < 0.75:
            return {"match": {rng.choice(["any", "except"]): rng.sample(KEYWORDS, rng.choice([0, 1, 2, 3]))}}
        if chance < 0.85:
            return {"match": {"prefix": rng.choice(["r", "re", "", "R", "gr", "日"])}}
        if chance < 0.92:
            return {"match": {"substring": rng.choice(["e", "re", "", "n g", "R"])}}
        return {"match": {rng.choice(["text", "text_any", "phrase"]): rng.choice(["red", "green red", "", "re", "gr"])}}

    def integer(self):
        rng = self.rng
        one = lambda: rng.randrange(8) if rng.random() < 0.8 else rng.choice(INTEGERS)
        chance = rng.random()
        if chance < 0.3:
            return {"match": {"value": one()}}
        if chance < 0.6:
            return {"match": {rng.choice(["any", "except"]): [one() for _ in range(rng.choice([0, 1, 2, 3]))]}}
        return {"range": self.bounds(lambda: float(one()) if rng.random() < 0.8 else rng.choice(FLOATS))}

    def float(self):
        rng = self.rng
        return {"range": self.bounds(lambda: round(rng.uniform(-5, 5), 1) if rng.random() < 0.7 else rng.choice(FLOATS))}

    def bool(self):
        # Edge takes a bool of Python for an integer.
        return {"match": {"any": self.rng.choice([[0], [1], ["true"]])}}

    def datetime(self):
        return {"range": self.bounds(lambda: self.rng.choice(DATES))}

    def uuid(self):
        rng = self.rng
        chance = rng.random()
        if chance < 0.4:
            return {"match": {"value": self.data.uuid()}}
        return {"match": {rng.choice(["any", "except"]): rng.sample(UUIDS, rng.choice([1, 2, 3]))}}

    def text(self):
        rng = self.rng
        words = " ".join(rng.choice(WORDS) for _ in range(rng.choice([1, 1, 2, 3])))
        if rng.random() < 0.2:
            words = rng.choice([words.lower(), words.upper(), words[:3], words + "!", "", " ", "the", "unknown " + words])
        return {"match": {rng.choice(["text", "text_any", "phrase"]): words}}

    def geo(self):
        rng = self.rng
        point = lambda: {"lon": round(rng.uniform(-10, 10), 2), "lat": round(rng.uniform(-10, 10), 2)}
        chance = rng.random()
        if chance < 0.35:
            a, b = point(), point()
            if rng.random() < 0.1:
                a, b = {"lon": 170.0, "lat": 10.0}, {"lon": -170.0, "lat": -10.0}
            elif rng.random() < 0.9:
                lons, lats = sorted([a["lon"], b["lon"]]), sorted([a["lat"], b["lat"]])
                a, b = {"lon": lons[0], "lat": lats[1]}, {"lon": lons[1], "lat": lats[0]}
            return {"geo_bounding_box": {"top_left": a, "bottom_right": b}}
        if chance < 0.7:
            return {"geo_radius": {"center": point(), "radius": rng.choice([0.0, 1000.0, 300000.0, 800000.0, 2e7])}}
        return {"geo_polygon": self.polygon()}

    def polygon(self):
        rng = self.rng
        ring = lambda low, high: {"points": [{"lon": lon, "lat": lat} for lon, lat in ((low, low), (low, high), (high, high + 1.0), (high, low), (low, low))]}
        polygon = {"exterior": ring(round(rng.uniform(-10, -2), 2), round(rng.uniform(2, 10), 2))}
        if rng.random() < 0.4:
            polygon["interiors"] = [ring(-1.0, round(rng.uniform(0, 1.5), 2))]
        return polygon

    def bounds(self, draw):
        rng = self.rng
        names = rng.choice([["gte"], ["lte"], ["gt"], ["lt"], ["gte", "lte"], ["gt", "lt"], ["gte", "lt"]])
        values = [draw() for _ in names]
        try:
            values = sorted(values) if rng.random() < 0.85 else values
        except TypeError:
            pass
        return dict(zip(names, values))


class Inner(Filters):
    """Draws for elements of lists."""

    ABOUT_POINTS = 0.001

    def key(self):
        return self.rng.choice(["a", "a", "b", "b", "c[].d", "c", "g", "s", "s", "q", "missing", "d"])

    def kind(self, key):
        return {"a": "integer", "q": "integer", "c[].d": "float", "d": "float", "g": "geo"}.get(key, "keyword")


