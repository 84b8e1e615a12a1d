"""Qdrant's own engine, in this process, behind operations in the JSON of REST."""

import pathlib
import shutil
import tempfile
import uuid

import qdrant_edge as edge

import edge_indexes
import groups
from edge_filters import filter_of
from edge_queries import Queries, order_by, with_payload

DISTANCES = {"Cosine": edge.Distance.Cosine, "Dot": edge.Distance.Dot, "Euclid": edge.Distance.Euclid, "Manhattan": edge.Distance.Manhattan}
DATATYPES = {"float32": edge.VectorStorageDatatype.Float32, "float16": edge.VectorStorageDatatype.Float16, "uint8": edge.VectorStorageDatatype.Uint8}
MODES = {"upsert": edge.UpdateMode.Upsert, "insert_only": edge.UpdateMode.InsertOnly, "update_only": edge.UpdateMode.UpdateOnly}
MODIFIERS = {"idf": edge.Modifier.Idf, "none": None, None: None}
# More than a collection of these tests has points.
ALL = 10_000


class EdgeSide:
    """A shard that lives as long as the collection of a case."""

    def __init__(self, collection):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="edge-"))
        config = edge.EdgeConfig(
            vectors={name: dense(it) for name, it in collection["vectors"].items()},
            sparse_vectors={name: sparse(it) for name, it in collection["sparse_vectors"].items()},
            wal_enabled=False,
        )
        self.shard = edge.EdgeShard.create(str(self.folder), config)
        self.queries = Queries(self.vector_of)

    def close(self):
        self.shard.close()
        shutil.rmtree(self.folder)

    def vector_of(self, id, name):
        found = self.shard.retrieve([id], with_payload=False, with_vector=[name])
        if not found:
            raise ValueError(f"no point {id}")
        return by_name(found[0].vector).get(name)

    def ask(self, operation):
        """The answer to an operation, as `VaneSide.ask` gives it."""
        return getattr(self, operation["op"])(operation)

    def query(self, operation):
        found = [scored(it) for it in self.shard.query(self.queries.request(operation))]
        if "order_by" not in (operation["query"] if isinstance(operation.get("query"), dict) else {}):
            # What a prefetch was ordered by.
            found = [it | {"order_value": None} for it in found]
        # Those that MMR looks at come with vectors, asked for or not.
        asked = operation.get("with_vector", False)
        if asked is True:
            return found
        return [it | {"vector": {name: vector for name, vector in it["vector"].items() if asked and name in asked}} for it in found]

    def all_of(self, operation):
        """Every point that may be in an answer, however far behind."""
        longer = operation | {"limit": ALL, "offset": None}
        if operation["op"] == "scroll":
            return self.scroll(longer)["points"]
        query = operation.get("query")
        if isinstance(query, dict) and query.get("mmr") is not None:
            given = {"candidates_limit": operation.get("limit", 10)} | query["mmr"]
            longer["query"] = query | {"mmr": given}
        return self.query(longer)

    def groups(self, operation):
        """All groups, and all points of each."""
        asked = {name: it for name, it in operation.items() if name != "group_by"}
        found = self.query(asked | {"limit": ALL, "with_payload": True, "with_vector": False})
        return groups.of_points(found, operation["group_by"])

    def scroll(self, operation):
        by = operation.get("order_by")
        request = edge.ScrollRequest(
            offset=operation.get("offset"),
            limit=operation.get("limit"),
            filter=filter_of(operation.get("filter")),
            with_payload=with_payload(operation.get("with_payload", True)),
            with_vector=operation.get("with_vector", False),
            order_by=order_by(by) if by is not None else None,
        )
        points, following = self.shard.scroll(request)
        return {"points": [record(it) for it in points], "next": plain_id(following)}

    def count(self, operation):
        return self.shard.count(edge.CountRequest(exact=True, filter=filter_of(operation.get("filter"))))

    def facet(self, operation):
        request = edge.FacetRequest(operation["key"], operation.get("limit", 10), True, filter_of(operation.get("filter")))
        # Values that points had once are still among them, with no points.
        return [[it.value, it.count] for it in self.shard.facet(request).hits if it.count]

    def retrieve(self, operation):
        asked = with_payload(operation.get("with_payload", True))
        found = self.shard.retrieve(operation["ids"], asked, operation.get("with_vector", False))
        return [record(it) for it in found]

    def optimize(self, _):
        self.shard.optimize()

    def upsert(self, operation):
        mode = operation.get("update_mode")
        points = [edge.Point(it["id"], vectors(it["vector"]), it.get("payload")) for it in operation["points"]]
        self.update(edge.UpdateOperation.upsert_points(points, filter_of(operation.get("update_filter")), MODES[mode] if mode else None))

    def update_vectors(self, operation):
        points = [edge.PointVectors(it["id"], vectors(it["vector"])) for it in operation["points"]]
        self.update(edge.UpdateOperation.update_vectors(points, filter_of(operation.get("update_filter"))))

    def delete(self, operation):
        self.of_some(operation, edge.UpdateOperation.delete_points, edge.UpdateOperation.delete_points_by_filter)

    def delete_vectors(self, operation):
        names = operation["vector"]
        self.of_some(operation, edge.UpdateOperation.delete_vectors, edge.UpdateOperation.delete_vectors_by_filter, names)

    def set_payload(self, operation):
        given = operation["payload"], operation.get("key")
        self.of_some(operation, edge.UpdateOperation.set_payload, edge.UpdateOperation.set_payload_by_filter, *given)

    def overwrite_payload(self, operation):
        given = operation["payload"], operation.get("key")
        self.of_some(operation, edge.UpdateOperation.overwrite_payload, edge.UpdateOperation.overwrite_payload_by_filter, *given)

    def delete_payload(self, operation):
        keys = operation["keys"]
        self.of_some(operation, edge.UpdateOperation.delete_payload, edge.UpdateOperation.delete_payload_by_filter, keys)

    def clear_payload(self, operation):
        self.of_some(operation, edge.UpdateOperation.clear_payload, edge.UpdateOperation.clear_payload_by_filter)

    def create_index(self, operation):
        self.update(edge.UpdateOperation.create_field_index(operation["field"], edge_indexes.params(operation["schema"])))

    def delete_index(self, operation):
        self.update(edge.UpdateOperation.delete_field_index(operation["field"]))

    def create_vector(self, operation):
        name = operation["name"]
        if "dense" in operation:
            given = operation["dense"]
            self.update(edge.UpdateOperation.create_dense_vector(name, given["size"], DISTANCES[given["distance"]], multi(given), datatype(given)))
        else:
            self.update(edge.UpdateOperation.create_sparse_vector(name, MODIFIERS[operation["sparse"].get("modifier")]))

    def delete_vector(self, operation):
        self.update(edge.UpdateOperation.delete_vector_name(operation["name"]))

    def of_some(self, operation, by_ids, by_filter, *given):
        if "points" in operation:
            self.update(by_ids(operation["points"], *given))
        else:
            self.update(by_filter(filter_of(operation["filter"]), *given))

    def update(self, operation):
        self.shard.update(operation)


def dense(json):
    return edge.EdgeVectorParams(json["size"], DISTANCES[json["distance"]], multivector_config=multi(json), datatype=datatype(json))


def multi(json):
    return edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim) if json.get("multivector_config") else None


def datatype(json):
    return DATATYPES[json["datatype"]] if json.get("datatype") else None


def sparse(json):
    return edge.EdgeSparseVectorParams(modifier=MODIFIERS[json.get("modifier")])


def vectors(json):
    if isinstance(json, dict):
        return {name: edge.SparseVector(it["indices"], it["values"]) if isinstance(it, dict) else it for name, it in json.items()}
    return json


def scored(point):
    return {**record(point), "score": point.score}


def record(point):
    return {"id": plain_id(point.id), "payload": point.payload, "vector": plain_vectors(point.vector), "order_value": point.order_value}


def plain_id(id):
    return str(id) if isinstance(id, uuid.UUID) else id


def by_name(vector):
    return {} if vector is None else vector if isinstance(vector, dict) else {"": vector}


def plain_vectors(vector):
    """By name, without those that are not there."""
    sparse = lambda it: {"indices": list(it.indices), "values": list(it.values)}
    return {name: sparse(it) if isinstance(it, edge.SparseVector) else it for name, it in by_name(vector).items()}
