"""Queries in the JSON of REST as objects of Edge, which knows vectors only: ids of points become theirs, as Qdrant's
collections do it before a shard is asked."""

import numpy
import qdrant_edge as edge

from edge_filters import condition, filter_of, geo

# What stands in a query that leaves them out.
LIMIT = 10
RRF_K = 2
DIVERSITY = 0.5


class Queries:
    """Translates for one shard."""

    def __init__(self, vector_of):
        # `vector_of(id, name)` is a point's vector as it is stored, None where the point lacks it.
        self.vector_of = vector_of

    def request(self, json):
        limit = json.get("limit", LIMIT)
        parts, _ = self.level(json, limit)
        return edge.QueryRequest(
            limit=limit,
            offset=json.get("offset"),
            with_payload=with_payload(json.get("with_payload", False)),
            with_vector=json.get("with_vector", False),
            **parts,
        )

    def level(self, json, limit):
        """Parts of a level, and the points that it names, with those of the levels below."""
        query, named = self.query(json, limit)
        # What Qdrant's server refuses before a shard is asked.
        if isinstance(query, edge.OrderBy) and json.get("score_threshold") is not None:
            raise ValueError("an order has no scores")
        inner = json.get("prefetch") or []
        prefetches = []
        for below in inner if isinstance(inner, list) else [inner]:
            limit_below = below.get("limit", LIMIT)
            parts, named_below = self.level(below, limit_below)
            prefetches.append(edge.Prefetch(limit=limit_below, **parts))
            named |= named_below
        conditions = filter_of(json.get("filter"))
        if named:
            # Points that are named are no answers.
            others = edge.Filter(must_not=[edge.HasIdCondition(named)])
            conditions = edge.Filter(must=[conditions, others]) if conditions else others
        parts = {"query": query, "prefetches": prefetches, "filter": conditions, "params": params(json.get("params"))}
        return parts | {"score_threshold": json.get("score_threshold")}, named

    def query(self, json, limit):
        """The query of a level, and the points that it names."""
        query, using = json.get("query"), json.get("using", "")
        named = set()
        if query is None:
            return None, named
        example = Examples(self, using, named)
        if not isinstance(query, dict) or "indices" in query:
            return edge.Query.Nearest(example.vector(query), using), named
        [kind] = [it for it in KINDS if it in query]
        return KINDS[kind](self, query, example, limit), named

    def nearest(self, query, example, limit):
        vector = example.vector(query["nearest"])
        mmr = query.get("mmr")
        if mmr is None:
            return edge.Query.Nearest(vector, example.using)
        diversity = DIVERSITY if mmr.get("diversity") is None else mmr["diversity"]
        return edge.Mmr(vector, 1 - diversity, mmr.get("candidates_limit") or limit, example.using)

    def recommend(self, query, example, _):
        given = query["recommend"]
        positive, negative = (example.there(given.get(side) or []) for side in ("positive", "negative"))
        if not positive and not negative:
            raise ValueError("a positive or a negative example is needed")
        strategy = given.get("strategy") or "average_vector"
        if strategy == "average_vector":
            mean = average(positive, negative)
            return edge.Query.Nearest(mean, example.using)
        both = edge.RecommendQuery(positive, negative)
        rule = edge.Query.RecommendBestScore if strategy == "best_score" else edge.Query.RecommendSumScores
        return rule(both, example.using)

    def discover(self, query, example, _):
        given = query["discover"]
        pairs = example.pairs(given["context"] or [])
        return edge.Query.Discover(edge.DiscoverQuery(example.vector(given["target"]), pairs), example.using)

    def context(self, query, example, _):
        return edge.Query.Context(edge.ContextQuery(example.pairs(query["context"])), example.using)

    def relevance_feedback(self, query, example, _):
        given = query["relevance_feedback"]
        items = [edge.FeedbackItem(example.vector(it["example"]), it["score"]) for it in given["feedback"]]
        weights = edge.NaiveFeedbackStrategy(**given["strategy"]["naive"])
        whole = edge.FeedbackNaiveQuery(example.vector(given["target"]), items, weights)
        return edge.Query.FeedbackNaive(whole, example.using)

    def fusion(self, query, *_):
        return edge.Fusion.Rrf(RRF_K) if query["fusion"] == "rrf" else edge.Fusion.Dbsf()

    def rrf(self, query, *_):
        given = query["rrf"]
        return edge.Fusion.Rrf(RRF_K if given.get("k") is None else given["k"], given.get("weights"))

    def order_by(self, query, *_):
        return order_by(query["order_by"])

    def sample(self, *_):
        return edge.Sample.Random

    def formula(self, query, *_):
        return edge.Formula(expression(query["formula"]), query.get("defaults"))


KINDS = {
    "nearest": Queries.nearest,
    "recommend": Queries.recommend,
    "discover": Queries.discover,
    "context": Queries.context,
    "relevance_feedback": Queries.relevance_feedback,
    "fusion": Queries.fusion,
    "rrf": Queries.rrf,
    "order_by": Queries.order_by,
    "sample": Queries.sample,
    "formula": Queries.formula,
}


class Examples:
    """Examples of one query: vectors, or points that stand for theirs."""

    def __init__(self, queries, using, named):
        self.queries, self.using, self.named = queries, using, named

    def vector(self, json):
        found = self.known(json)
        if found is None:
            raise ValueError(f"no vector `{self.using}` of point {json}")
        return found

    def there(self, listed):
        """Those that have the vector: recommendations pass over points without it."""
        return [found for found in map(self.known, listed) if found is not None]

    def known(self, json):
        if isinstance(json, dict):
            return edge.SparseVector(json["indices"], json["values"])
        if isinstance(json, list):
            return json
        self.named.add(json)
        return self.queries.vector_of(json, self.using)

    def pairs(self, json):
        listed = json if isinstance(json, list) else [json]
        return [edge.ContextPair(self.vector(it["positive"]), self.vector(it["negative"])) for it in listed]


def average(positive, negative):
    """The vector that recommends by averages: the mean of what is liked, as far again from that of what is not."""
    if not positive:
        raise ValueError("positive vectors should not be empty")
    if isinstance(positive[0], edge.SparseVector):
        return sparse_average(positive, negative)
    if isinstance(positive[0][0], list):
        # Rows of all of them, those that are not liked the other way round.
        away = [[-number for number in row] for rows in negative for row in rows]
        return [row for rows in positive for row in rows] + away
    liked = mean(positive)
    if not negative:
        return liked.tolist()
    return (liked + liked - mean(negative)).tolist()


def mean(vectors):
    return numpy.mean(numpy.array(vectors, dtype=numpy.float32), axis=0, dtype=numpy.float32)


def sparse_average(positive, negative):
    indices = sorted({index for it in positive + negative for index in it.indices})
    place = {index: at for at, index in enumerate(indices)}
    rows = []
    for vector in positive + negative:
        row = numpy.zeros(len(indices), dtype=numpy.float32)
        for index, value in zip(vector.indices, vector.values):
            row[place[index]] = value
        rows.append(row)
    liked = mean(rows[: len(positive)])
    values = liked if not negative else liked + liked - mean(rows[len(positive) :])
    return edge.SparseVector(indices, values.tolist())


def params(json):
    if json is None:
        return None
    parts = {name: json[name] for name in ("hnsw_ef", "exact", "indexed_only") if name in json}
    if isinstance(json.get("idf"), dict):
        parts["idf"] = edge.IdfParams(filter_of(json["idf"]["corpus"]))
    elif json.get("idf"):
        parts["idf"] = edge.IdfParams()
    return edge.SearchParams(**parts)


def order_by(json):
    if isinstance(json, str):
        return edge.OrderBy(json)
    direction = {"asc": edge.Direction.Asc, "desc": edge.Direction.Desc}.get(json.get("direction"))
    return edge.OrderBy(json["key"], direction, json.get("start_from"))


def with_payload(json):
    if isinstance(json, dict):
        return edge.PayloadSelector.Include(json["include"]) if "include" in json else edge.PayloadSelector.Exclude(json["exclude"])
    return json


def expression(json):
    e = edge.Expression
    if isinstance(json, (int, float)):
        return e.Constant(float(json))
    if isinstance(json, str):
        return e.Variable(json)
    if len(json) == 1:
        [(kind, given)] = json.items()
        several = {"mult": e.Mult, "sum": e.Sum, "max": e.Max, "min": e.Min}
        single = {"neg": e.Neg, "abs": e.Abs, "sqrt": e.Sqrt, "exp": e.Exp, "log10": e.Log10, "ln": e.Ln, "acosh": e.Acosh}
        decays = {"lin_decay": edge.DecayKind.Lin, "exp_decay": edge.DecayKind.Exp, "gauss_decay": edge.DecayKind.Gauss}
        if kind in several:
            return several[kind]([expression(it) for it in given])
        if kind in single:
            return single[kind](expression(given))
        if kind in decays:
            target = expression(given["target"]) if given.get("target") is not None else None
            return e.Decay(decays[kind], expression(given["x"]), target, given.get("midpoint"), given.get("scale"))
        if kind == "div":
            return e.Div(expression(given["left"]), expression(given["right"]), given.get("by_zero_default"))
        if kind == "pow":
            return e.Pow(expression(given["base"]), expression(given["exponent"]))
        if kind == "geo_distance":
            return e.GeoDistance(geo(given["origin"]), given["to"])
        if kind == "datetime":
            return e.Datetime(given)
        if kind == "datetime_key":
            return e.DatetimeKey(given)
    return e.Condition(condition(json))
