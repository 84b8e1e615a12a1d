"""What a collection holds at this moment, so that what is drawn means something there."""


class Held:
    """Vectors, indexes and points of the collection of a case."""

    def __init__(self, collection):
        self.collection = collection
        # Schemas by field, and vectors by point and name.
        self.indexes, self.points = {}, {}
        # Whether a point lost a vector, or has another in its place.
        self.lost = False

    @property
    def names(self):
        return [*self.collection["vectors"], *self.collection["sparse_vectors"]]

    def indexed(self, kinds):
        kind = lambda schema: schema if isinstance(schema, str) else schema["type"]
        return [field for field, schema in self.indexes.items() if kind(schema) in kinds]

    def with_vector(self, name):
        return [id for id, vectors in self.points.items() if name in vectors]

    def follow(self, operation, whole):
        """After an operation; `whole` are all points of one side."""
        kinds = {"dense": "vectors", "sparse": "sparse_vectors"}
        if operation["op"] == "create_vector" and operation["name"] not in self.names:
            for kind in kinds.keys() & operation.keys():
                self.collection[kinds[kind]][operation["name"]] = operation[kind]
        if operation["op"] == "delete_vector":
            for kind in kinds.values():
                self.collection[kind].pop(operation["name"], None)
        if operation["op"] == "create_index":
            self.indexes[operation["field"]] = operation["schema"]
        if operation["op"] == "delete_index":
            self.indexes.pop(operation["field"], None)
        if isinstance(whole, dict):
            before, self.points = self.points, {it["id"]: it["vector"] for it in whole["points"]}
            now = lambda id, name: self.points.get(id, {}).get(name)
            self.lost |= any(now(id, name) != it for id, vectors in before.items() for name, it in vectors.items())
