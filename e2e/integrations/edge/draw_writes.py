"""Writes that are drawn."""

KEYS = ["k", "n", "p.q", "o[].a", "o[0].b", "o[].c[].d", "p.r[].s", "o", "p", "missing", "missing.x", "new[].x", "o[5].a", '"x.y"', "t", "o[].c", "p.r[]", "o[]"]
PATHS = ["p", "p.q", "o[0]", "o[]", "o[].c[]", "p.r[0]", "p.r[]", "missing", "missing.x.y", "k", "new[0]", "o[7]", "o[].new", "p.r[].t"]
INDEXED = {
    "k": ["keyword", "text"], "n": ["integer", "float"], "f": ["float"], "b": ["bool"], "g": ["geo"], "d": ["datetime"], "u": ["uuid", "keyword"], "t": ["text", "keyword"],
    "p.q": ["integer", "float"], "p.r[].s": ["keyword"], "o[].a": ["integer"], "o[].b": ["keyword", "text"], "o[].c[].d": ["float"], "o[].g": ["geo"],
}
LANGUAGES = ["english", "german", "french", "russian"]


class Writes:
    """Draws for a collection as it is at this moment."""

    def __init__(self, data, filters, held):
        self.data, self.filters, self.held, self.rng = data, filters, held, data.rng
        self.collection = held.collection

    def write(self):
        rng = self.rng
        kinds = {self.upsert: 6, self.update_vectors: 2, self.delete: 1, self.delete_vectors: 1, self.set_payload: 3, self.overwrite_payload: 2}
        kinds |= {self.delete_payload: 2, self.clear_payload: 1, self.create_index: 3, self.delete_index: 1, self.optimize: 1, self.vector_names: 0.5}
        [kind] = rng.choices(list(kinds), list(kinds.values()))
        return kind()

    def optimize(self):
        return {"op": "optimize"}

    def upsert(self, most=12):
        rng = self.rng
        write = {"op": "upsert", "points": self.data.points(self.collection, most)}
        if rng.random() < 0.3:
            write["update_mode"] = rng.choice(["upsert", "insert_only", "update_only"])
        if rng.random() < 0.25:
            write["update_filter"] = self.filters.filter()
        return write

    def update_vectors(self):
        points = [self.data.point(self.collection, has_payload=False) | {"id": id} for id in self.there()]
        points = [it for it in points if it["vector"]]
        if not points:
            return self.optimize()
        write = {"op": "update_vectors", "points": points}
        return write | ({"update_filter": self.filters.filter()} if self.rng.random() < 0.3 else {})

    def some(self, share_of_filters=0.35):
        rng = self.rng
        return {"filter": self.filters.filter()} if rng.random() < share_of_filters else {"points": self.there()}

    def there(self):
        """Ids that points have, mostly."""
        some = list(self.held.points)
        if some and self.rng.random() < 0.93:
            return self.rng.sample(some, min(len(some), self.rng.randint(1, 5)))
        return self.data.ids()

    def delete(self):
        return {"op": "delete", **self.some()}

    def delete_vectors(self):
        names = self.held.names
        return {"op": "delete_vectors", "vector": self.rng.sample(names, self.rng.choice([1, min(2, len(names))])), **self.some()}

    def set_payload(self):
        write = {"op": "set_payload", "payload": self.data.payload(), **self.some()}
        if self.rng.random() < 0.5:
            small = self.rng.choice([self.data.element(), {"q": 1}, {}, {"x": None}, {"a": [1], "y": {"z": []}}])
            write |= {"key": self.rng.choice(PATHS), "payload": small}
        return write

    def overwrite_payload(self):
        write = self.set_payload() | {"op": "overwrite_payload"}
        if self.rng.random() < 0.95:
            write.pop("key", None)
        return write

    def delete_payload(self):
        return {"op": "delete_payload", "keys": self.rng.sample(KEYS, self.rng.choice([1, 1, 2])), **self.some()}

    def clear_payload(self):
        return {"op": "clear_payload", **self.some()}

    def create_index(self):
        rng = self.rng
        field = rng.choice(list(INDEXED))
        kinds = INDEXED[field]
        kind = kinds[0] if rng.random() < 0.85 else rng.choice(kinds)
        return {"op": "create_index", "field": field, "schema": self.schema(kind)}

    def schema(self, kind):
        rng = self.rng
        if kind != "text":
            schema = {"type": kind}
            if kind == "keyword" and rng.random() < 0.5:
                schema["prefix"] = rng.random() < 0.8
            if kind == "integer" and rng.random() < 0.4:
                # With one of them alone Edge refuses what Vane's indexes answer.
                schema |= {"lookup": True, "range": True}
            return kind if rng.random() < 0.4 and len(schema) == 1 else schema
        schema = {"type": "text"}
        maybe = lambda share: rng.random() < share
        if maybe(0.8):
            schema["tokenizer"] = rng.choice(["word", "whitespace", "prefix", "multilingual"])
        for name, share in (("lowercase", 0.4), ("phrase_matching", 0.6), ("ascii_folding", 0.3)):
            if maybe(share):
                schema[name] = maybe(0.6)
        if maybe(0.3):
            schema["min_token_len"] = rng.choice([1, 2, 3])
        if maybe(0.3):
            schema["max_token_len"] = rng.choice([3, 5, 10])
        if maybe(0.25):
            schema["stopwords"] = rng.choice([rng.choice(LANGUAGES), {"languages": [rng.choice(LANGUAGES)]}, {"custom": ["red", "Foxes", "42"]}, {"languages": ["english"], "custom": ["brown"]}])
        if maybe(0.3):
            schema["stemmer"] = {"type": "snowball", "language": rng.choice(LANGUAGES)}
        return schema

    def delete_index(self):
        return {"op": "delete_index", "field": self.rng.choice(list(INDEXED))}

    def vector_names(self):
        rng = self.rng
        names = self.held.names
        if len(names) > 1 and rng.random() < 0.5:
            return {"op": "delete_vector", "name": rng.choice(names)}
        name = rng.choice(["added", "more"])
        kind = {"dense": self.data.dense(False)} if rng.random() < 0.6 else {"sparse": rng.choice([{}, {"modifier": "idf"}])}
        return {"op": "create_vector", "name": name, **kind}
