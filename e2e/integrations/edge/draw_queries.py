"""Questions that are drawn: queries of every kind with their levels, scrolls, counts, facets."""

from draw_data import DATES

FIELDS = [["k"], ["n", "p"], ["p.q", "o[].a"], ["o[].c[].d"], ["missing"], ["o"], ["p.r[].s", "k"], [], ["o[].c", "o[].a"], ["t", "g.lon"]]
VARIABLES = ["n", "f", "p.q", "o[0].a", "missing", "b", "o[].a", "k"]
UNSURE = ["n", "f", "d", "p.q", "o[].a", "k", "missing"]
DEPTH_MAX = 2


class Questions:
    """Draws for a collection as it is at this moment."""

    def __init__(self, data, filters, held):
        self.data, self.filters, self.held, self.rng = data, filters, held, data.rng
        self.collection = held.collection

    @property
    def names(self):
        return self.held.names

    def question(self):
        rng = self.rng
        chance = rng.random()
        if chance < 0.25:
            return self.scroll()
        if chance < 0.4:
            return {"op": "count", "filter": self.filters.filter()}
        if chance < 0.46:
            return {"op": "facet", "key": self.field(["keyword", "integer", "bool", "uuid"]), "limit": rng.choice([1, 3, 100])} | self.maybe_filter(0.4)
        if chance < 0.5:
            return {"op": "retrieve", "ids": self.data.ids(6), **self.selectors()}
        if chance < 0.55:
            return self.groups()
        return {"op": "query", **self.root()}

    def field(self, kinds):
        """A field with an index of one of the kinds, mostly."""
        some = self.held.indexed(kinds)
        return self.rng.choice(some) if some and self.rng.random() < 0.95 else self.rng.choice(UNSURE)

    def maybe_filter(self, share):
        return {"filter": self.filters.filter()} if self.rng.random() < share else {}

    def selectors(self):
        rng = self.rng
        fields = rng.choice(FIELDS)
        payload = rng.choice([True, True, False, fields, {"include": fields}, {"exclude": fields}])
        vector = rng.choice([True, False, rng.sample(self.names, min(2, len(self.names)))])
        return {"with_payload": payload, "with_vector": vector}

    def scroll(self):
        rng = self.rng
        asked = {"op": "scroll", "limit": rng.choice([1, 5, 100]), **self.maybe_filter(0.7), **self.selectors()}
        if rng.random() < 0.3:
            asked["order_by"] = self.order_by()
        elif rng.random() < 0.3:
            asked["offset"] = self.data.id()
        return asked

    def order_by(self):
        rng = self.rng
        key = self.field(["integer", "float", "datetime"])
        if rng.random() < 0.2:
            return key
        asked = {"key": key}
        if rng.random() < 0.8:
            asked["direction"] = rng.choice(["asc", "desc"])
        if rng.random() < 0.4:
            asked["start_from"] = rng.choice(DATES[:2]) if key == "d" else rng.choice([0, 3, -1, 2.5])
        return asked

    def root(self):
        rng = self.rng
        asked = self.level(0)
        asked["limit"] = rng.choice([1, 3, 10, 10, 100])
        if rng.random() < 0.25:
            asked["offset"] = rng.choice([0, 1, 4, 200])
        return asked | (self.selectors() if rng.random() < 0.3 else {})

    def groups(self):
        rng = self.rng
        asked = {"op": "groups", **self.by_vector(0), **self.maybe_filter(0.4)}
        if isinstance(asked["query"], dict) and "mmr" in asked["query"]:
            del asked["query"]["mmr"]
        field = rng.choice(["k", "k", "n", "o[].a", "o[].b", "p.q", "u", "t", "missing", "p.r[].s"])
        return asked | {"group_by": field, "group_size": rng.choice([3, 5]), "limit": rng.choice([3, 30])}

    def level(self, depth):
        rng = self.rng
        chance = rng.random()
        if depth < DEPTH_MAX and chance < (0.35 if depth == 0 else 0.15):
            asked = self.combined(depth)
        elif chance < 0.42:
            asked = {"query": {"order_by": self.order_by()}} if rng.random() < 0.7 else {}
            if depth == 0 and rng.random() < 0.1:
                asked = {"query": {"sample": "random"}}
        else:
            asked = self.by_vector(depth)
        asked |= self.maybe_filter(0.35)
        if rng.random() < 0.12:
            asked["score_threshold"] = round(rng.choice([rng.uniform(-1, 2), rng.uniform(-20, 20), 0.0]), 3)
        return asked

    def combined(self, depth):
        """A query over what others find."""
        rng = self.rng
        inner = []
        for _ in range(rng.choice([1, 2, 2, 3])):
            inner.append(self.level(depth + 1) | {"limit": rng.choice([1, 5, 20, 100])})
        asked = {"prefetch": inner}
        chance = rng.random()
        if chance < 0.2:
            asked["query"] = {"fusion": rng.choice(["rrf", "dbsf"])}
        elif chance < 0.4:
            rule = {}
            if rng.random() < 0.6:
                rule["k"] = rng.choice([1, 2, 10, 60])
            if rng.random() < 0.5:
                rule["weights"] = [round(rng.uniform(0, 3), 2) if rng.random() < 0.9 else rng.choice([0.0, -1.0]) for _ in inner]
                if rng.random() < 0.05:
                    rule["weights"].append(1.0)
            asked["query"] = {"rrf": rule}
        elif chance < 0.7:
            asked["query"] = self.formula(len(inner))
        elif chance < 0.75:
            asked["query"] = {"order_by": self.order_by()}
        elif chance < 0.78:
            pass
        else:
            asked |= self.by_vector(depth)
        return asked

    def by_vector(self, depth):
        rng = self.rng
        name = rng.choice(self.names) if rng.random() < 0.98 else "nowhere"
        asked = {"query": self.vector_query(name)}
        if name or rng.random() < 0.5:
            asked["using"] = name
        if rng.random() < 0.9:
            asked["params"] = {"exact": True}
        elif rng.random() < 0.5:
            asked["params"] = {"hnsw_ef": 64}
        if name == "i" and rng.random() < 0.4:
            asked.setdefault("params", {})["idf"] = {"corpus": self.filters.filter()} if rng.random() < 0.7 else "global"
        return asked

    def example(self, name, ids=True):
        rng = self.rng
        if ids and rng.random() < 0.3:
            some = self.held.with_vector(name)
            return rng.choice(some) if some and rng.random() < 0.97 else self.data.id()
        if name == "nowhere":
            return [0.5, 1.0]
        vector = self.data.any_vector(self.collection, name)
        if rng.random() < 0.01 and isinstance(vector, list):
            return vector + vector[:1] if isinstance(vector[0], float) else [row + [1.0] for row in vector]
        return vector

    def vector_query(self, name):
        rng = self.rng
        example = lambda: self.example(name)
        examples = lambda counts: [example() for _ in range(rng.choice(counts))]
        chance = rng.random()
        if chance < 0.35:
            return example()
        if chance < 0.4:
            return {"nearest": example()}
        if chance < 0.52:
            rule = {"diversity": rng.choice([0.0, 0.2, 0.5, 0.9, 1.0])} if rng.random() < 0.8 else {}
            return {"nearest": example(), "mmr": rule | ({"candidates_limit": rng.choice([5, 20, 100])} if rng.random() < 0.7 else {})}
        if chance < 0.72:
            given = {"positive": examples([0, 1, 1, 2, 3]), "negative": examples([0, 0, 1, 2])}
            return {"recommend": given | rng.choice([{}, *({"strategy": it} for it in ("average_vector", "best_score", "best_score", "sum_scores", "sum_scores"))])}
        pair = lambda: {"positive": example(), "negative": example()}
        if chance < 0.82:
            return {"discover": {"target": example(), "context": [pair() for _ in range(rng.choice([0, 1, 2, 3]))]}}
        if chance < 0.9:
            return {"context": pair() if rng.random() < 0.3 else [pair() for _ in range(rng.choice([1, 2, 3]))]}
        items = [{"example": example(), "score": round(rng.uniform(-1, 1), 2)} for _ in range(rng.choice([1, 2, 2, 3]))]
        naive = {"a": round(rng.uniform(0, 2), 2), "b": rng.choice([0.0, 0.5, 1.0, 2.0]), "c": round(rng.uniform(-1, 2), 2)}
        return {"relevance_feedback": {"target": example(), "feedback": items, "strategy": {"naive": naive}}}

    def formula(self, prefetches):
        rng = self.rng
        asked = {"formula": self.expression(0, prefetches)}
        if rng.random() < 0.85:
            defaults = {name: rng.choice([0, 1, 1.5, -2]) for name in VARIABLES}
            defaults |= {"d": "2024-05-01T00:00:00Z", "g": {"lon": 1.0, "lat": 1.0}, "$score[1]": 0.5, "$score": 0.25}
            asked["defaults"] = {name: it for name, it in defaults.items() if rng.random() < 0.95}
        return asked

    def expression(self, depth, prefetches):
        rng = self.rng
        inner = lambda: self.expression(depth + 1, prefetches)
        several = lambda: [inner() for _ in range(rng.choice([1, 2, 2, 3]))]
        chance = rng.random()
        if depth >= 3 or chance < 0.4:
            return self.leaf(prefetches)
        if chance < 0.7:
            return {rng.choice(["sum", "sum", "mult", "mult", "max", "min"]): several()}
        if chance < 0.82:
            return {rng.choice(["neg", "abs", "abs", "sqrt", "exp", "log10", "ln", "acosh"]): inner()}
        if chance < 0.88:
            return {"div": {"left": inner(), "right": inner()} | ({"by_zero_default": 2.0} if rng.random() < 0.5 else {})}
        if chance < 0.91:
            return {"pow": {"base": inner(), "exponent": rng.choice([2.0, 0.5, -1.0, 0.0])}}
        given = {"x": inner()}
        if rng.random() < 0.6:
            given["target"] = inner()
        if rng.random() < 0.6:
            given["scale"] = rng.choice([0.5, 10.0, 1000.0])
        if rng.random() < 0.6:
            given["midpoint"] = rng.choice([0.1, 0.5, 0.9])
        return {rng.choice(["lin_decay", "exp_decay", "gauss_decay"]): given}

    def leaf(self, prefetches):
        rng = self.rng
        chance = rng.random()
        if chance < 0.2:
            return rng.choice([0.0, 1.0, -1.0, 0.5, 2.0, 100.0])
        if chance < 0.55:
            return "$score" if rng.random() < 0.5 else f"$score[{rng.randrange(prefetches + 1)}]"
        if chance < 0.72:
            return rng.choice(VARIABLES)
        if chance < 0.86:
            return self.filters.condition(2)
        if chance < 0.93:
            return {"geo_distance": {"origin": {"lon": 1.5, "lat": 2.5}, "to": rng.choice(["g", "g", "o[0].g", "k"])}}
        return {"datetime_key": rng.choice(["d", "d", "k"])} if rng.random() < 0.6 else {"datetime": rng.choice(DATES[:8])}
