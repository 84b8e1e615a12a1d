"""A collection of a real node, behind operations in the JSON of REST, asked through the official client."""

import uuid

import pydantic
from qdrant_client import models as m


class VaneSide:
    """The collection of a case."""

    def __init__(self, client, name, collection, shards=1):
        self.client, self.name = client, name
        client.create_collection(
            name,
            vectors_config={vector: parsed(m.VectorParams, it) for vector, it in collection["vectors"].items()},
            sparse_vectors_config={vector: parsed(m.SparseVectorParams, it) for vector, it in collection["sparse_vectors"].items()},
            shard_number=shards,
        )

    def close(self):
        self.client.delete_collection(self.name)

    def ask(self, operation):
        """The answer to an operation, as `EdgeSide.ask` gives it."""
        return getattr(self, operation["op"])(operation)

    def query(self, operation):
        given = parsed(m.QueryRequest, without(operation))
        parts = {name: getattr(given, name) for name in ("query", "prefetch", "using", "limit", "offset", "score_threshold")}
        found = self.client.query_points(
            self.name,
            query_filter=given.filter,
            search_params=given.params,
            with_payload=False if given.with_payload is None else given.with_payload,
            with_vectors=given.with_vector or False,
            **{name: it for name, it in parts.items() if it is not None},
        )
        return [scored(it) for it in found.points]

    def groups(self, operation):
        given = parsed(m.QueryGroupsRequest, without(operation))
        parts = {name: getattr(given, name) for name in ("query", "using", "limit", "group_size", "group_by", "score_threshold")}
        found = self.client.query_points_groups(
            self.name,
            query_filter=given.filter,
            search_params=given.params,
            with_payload=True,
            **{name: it for name, it in parts.items() if it is not None},
        )
        return [{"id": it.id, "hits": [scored(hit) for hit in it.hits]} for it in found.groups]

    def scroll(self, operation):
        given = parsed(m.ScrollRequest, without(operation))
        points, following = self.client.scroll(
            self.name,
            scroll_filter=given.filter,
            limit=given.limit or 10,
            order_by=given.order_by,
            offset=given.offset,
            with_payload=True if given.with_payload is None else given.with_payload,
            with_vectors=given.with_vector or False,
        )
        return {"points": [record(it) for it in points], "next": following}

    def count(self, operation):
        return self.client.count(self.name, parsed(m.Filter, operation.get("filter")), exact=True).count

    def facet(self, operation):
        condition = parsed(m.Filter, operation.get("filter"))
        found = self.client.facet(self.name, operation["key"], condition, operation.get("limit", 10), exact=True)
        return [[it.value, it.count] for it in found.hits]

    def retrieve(self, operation):
        selected = parsed(m.WithPayloadInterface, operation.get("with_payload", True))
        found = self.client.retrieve(self.name, operation["ids"], selected, operation.get("with_vector", False))
        return [record(it) for it in found]

    def optimize(self, _):
        """Indexes and segments are made without being told."""

    def upsert(self, operation):
        mode = operation.get("update_mode")
        self.client.upsert(
            self.name,
            [parsed(m.PointStruct, it) for it in operation["points"]],
            update_filter=parsed(m.Filter, operation.get("update_filter")),
            update_mode=m.UpdateMode(mode) if mode else None,
        )

    def update_vectors(self, operation):
        points = [parsed(m.PointVectors, it) for it in operation["points"]]
        self.client.update_vectors(self.name, points, update_filter=parsed(m.Filter, operation.get("update_filter")))

    def delete(self, operation):
        self.client.delete(self.name, selector(operation))

    def delete_vectors(self, operation):
        self.client.delete_vectors(self.name, operation["vector"], selector(operation))

    def set_payload(self, operation):
        self.client.set_payload(self.name, operation["payload"], selector(operation), key=operation.get("key"))

    def overwrite_payload(self, operation):
        # The client's own method leaves `key` out.
        given = {name: it for name, it in operation.items() if name != "op"}
        batch = [m.OverwritePayloadOperation(overwrite_payload=parsed(m.SetPayload, given))]
        self.client.batch_update_points(self.name, batch)

    def delete_payload(self, operation):
        self.client.delete_payload(self.name, operation["keys"], selector(operation))

    def clear_payload(self, operation):
        self.client.clear_payload(self.name, selector(operation))

    def create_index(self, operation):
        self.client.create_payload_index(self.name, operation["field"], parsed(m.PayloadSchemaParams | m.PayloadSchemaType, operation["schema"]), wait=True)

    def delete_index(self, operation):
        self.client.delete_payload_index(self.name, operation["field"], wait=True)

    def create_vector(self, operation):
        given = {name: operation[name] for name in ("dense", "sparse") if name in operation}
        self.client.create_vector_name(self.name, operation["name"], parsed(m.VectorNameConfig, given), wait=True)

    def delete_vector(self, operation):
        self.client.delete_vector_name(self.name, operation["name"], wait=True)


def parsed(shape, json):
    """A model of the client; None stays None."""
    return None if json is None else pydantic.TypeAdapter(shape).validate_python(json)


def without(operation):
    return {name: it for name, it in operation.items() if name != "op"}


def selector(operation):
    return operation["points"] if "points" in operation else parsed(m.Filter, operation["filter"])


def scored(point):
    return {**record(point), "score": point.score}


def record(point):
    return {"id": point.id, "payload": point.payload, "vector": by_name(point.vector), "order_value": point.order_value}


def by_name(vector):
    if vector is None or isinstance(vector, list):
        return {"": vector} if vector else {}
    sparse = lambda it: {"indices": it.indices, "values": it.values}
    return {name: sparse(it) if isinstance(it, m.SparseVector) else it for name, it in vector.items()}
