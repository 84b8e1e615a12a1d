"""Where Vane answers otherwise on purpose, or Edge is no witness: told apart from mistakes, and counted.
docs/compatibility.md has those on purpose."""

from typing import Any, Callable, NamedTuple

from same import Failed


class Seen(NamedTuple):
    """Two answers that are not the same."""

    operation: dict
    expected: Any
    found: Any
    # What the collection has, and how its data are drawn.
    held: Any
    data: Any


class Known(NamedTuple):
    """A difference, and whether it may be what was seen."""

    reason: str
    applies: Callable[[Seen], bool]


def conditions(json):
    """All conditions on fields that stand anywhere in an operation."""
    if isinstance(json, dict):
        if isinstance(json.get("key"), str) and len(json) > 1:
            yield json
        for it in json.values():
            yield from conditions(it)
    elif isinstance(json, list):
        for it in json:
            yield from conditions(it)


def matches(seen, kinds):
    return [it for it in conditions(seen.operation) if isinstance(it.get("match"), dict) and it["match"].keys() & set(kinds)]


def texts_without_index(seen):
    return any(it["key"] not in seen.held.indexed(["text"]) for it in matches(seen, ["text", "text_any", "phrase"]))


def values_under_an_index(seen):
    indexed = seen.held.indexed(["integer", "keyword", "float", "uuid", "bool", "geo", "datetime"])
    asked = [it for it in conditions(seen.operation) if it["key"] in indexed]
    return bool(asked) and not seen.data.is_tidy


def except_under_an_index(seen):
    indexed = seen.held.indexed(["integer", "keyword", "uuid"])
    return any(it["key"] in indexed for it in matches(seen, ["except"]))


def absence_under_an_index(seen):
    indexed = seen.held.indexed(["integer", "keyword", "float", "uuid", "bool", "geo", "datetime", "text"])
    return any(it["key"] in indexed and it.keys() & {"is_null", "is_empty"} for it in conditions(seen.operation))


def numbers_of_dates(seen):
    dates, numbers = seen.held.indexed(["datetime"]), seen.held.indexed(["integer", "float"])
    of_dates = lambda it: any(isinstance(at, str) for at in it["range"].values())
    ranges = [it for it in conditions(seen.operation) if "range" in it]
    return any(it["key"] in (numbers if of_dates(it) else dates) for it in ranges)


def about_points_inside_nested(seen, json=None, inside=False):
    json = seen.operation if json is None else json
    if isinstance(json, list):
        return any(about_points_inside_nested(seen, it, inside) for it in json)
    if not isinstance(json, dict):
        return False
    if inside and ("has_id" in json or "has_vector" in json):
        return True
    return any(about_points_inside_nested(seen, it, inside or name == "nested") for name, it in json.items() if it is not None)


def mmr_of_sparse(seen):
    return isinstance(seen.expected, Failed) and "vector data config for vector" in seen.expected.text


def mmr_of_lengths(seen):
    kept = [name for name, it in seen.held.collection["vectors"].items() if (it["distance"], it.get("datatype")) == ("Cosine", "uint8")]
    diverse = lambda it: isinstance(it.get("query"), dict) and it["query"].get("mmr") is not None
    return any(diverse(it) and it.get("using", "") in kept for it in levels(seen.operation))


def vector_of(level, seen):
    return seen.held.collection["vectors"].get(level.get("using", ""), {})


def mmr_of_ties(seen):
    diverse = lambda it: isinstance(it.get("query"), dict) and it["query"].get("mmr") is not None
    return any(diverse(it) and vector_of(it, seen).get("distance") == "Manhattan" for it in levels(seen.operation))


def signs_of_zero(seen):
    by_signs = lambda it: isinstance(it.get("query"), dict) and it["query"].keys() & {"discover", "context"}
    return any(by_signs(it) and vector_of(it, seen).get("datatype") == "float16" for it in levels(seen.operation))


def fusion_of_orders(seen):
    kinds = lambda it: it["query"].keys() if isinstance(it.get("query"), dict) else set()
    below = [it for it in levels(seen.operation) if it is not seen.operation]
    return any("order_by" in kinds(it) for it in below) and bool(kinds(seen.operation) & {"fusion", "rrf"})


def offset_of_chance(seen):
    query = seen.operation.get("query")
    return bool(seen.operation.get("offset")) and isinstance(query, dict) and "sample" in query


def order_of_fractions(seen):
    indexed = seen.held.indexed(["integer"])
    orders = [it.get("order_by") or (it.get("query") or {}) for it in levels(seen.operation) if not isinstance(it.get("query"), list)]
    keys = [it.get("order_by", it) if isinstance(it, dict) else it for it in orders]
    return not seen.data.is_tidy and any((it.get("key") if isinstance(it, dict) else it) in indexed for it in keys)


def places_off_the_earth(seen):
    geo = [it for it in conditions(seen.operation) if it.keys() & {"geo_radius", "geo_bounding_box", "geo_polygon"}]
    return bool(geo) and not seen.data.is_tidy


def removal_from_no_point(seen):
    missing = isinstance(seen.expected, Failed) and "No point with id" in seen.expected.text
    return missing and seen.operation["op"] in ("clear_payload", "delete_vectors")


def nulls_of_a_first_payload(seen):
    if seen.operation["op"] != "scroll" or isinstance(seen.expected, Failed) or isinstance(seen.found, Failed):
        return False
    pairs = [(one["payload"] or {}, other["payload"] or {}) for one, other in zip(seen.expected["points"], seen.found["points"])]
    only_there = [one[name] for one, other in pairs for name in one.keys() - other.keys()]
    return bool(only_there) and only_there == [None] * len(only_there)


def key_of_an_overwrite(seen):
    return seen.operation["op"] == "overwrite_payload" and "key" in seen.operation


def levels(query):
    """A query and all of its prefetches."""
    yield query
    inner = query.get("prefetch") or []
    for below in inner if isinstance(inner, list) else [inner]:
        yield from levels(below)


def rare_indices(seen):
    rare = [name for name, it in seen.held.collection["sparse_vectors"].items() if it.get("modifier") == "idf"]
    asked = [it for it in levels(seen.operation) if it.get("using") in rare]
    has_corpus = any(isinstance((it.get("params") or {}).get("idf"), dict) for it in asked)
    return bool(asked) and (seen.held.lost or has_corpus)


def threshold_of_examples(seen):
    far = [name for name, it in seen.held.collection["vectors"].items() if it["distance"] in ("Euclid", "Manhattan")]
    kinds = {"recommend", "discover", "context", "relevance_feedback"}
    by_examples = lambda it: isinstance(it.get("query"), dict) and it["query"].keys() & kinds
    return any("score_threshold" in it and it.get("using", "") in far and by_examples(it) for it in levels(seen.operation))


def offset_of_prefetches(seen):
    return bool(seen.operation.get("offset")) and "prefetch" in seen.operation


def threshold_without_scores(seen):
    has_scores = lambda it: it.get("query") is not None and not (isinstance(it["query"], dict) and "order_by" in it["query"])
    return any("score_threshold" in it and not has_scores(it) for it in levels(seen.operation))


def mmr_of_prefetches(seen):
    below = [it for it in levels(seen.operation) if it is not seen.operation]
    return any(isinstance(it.get("query"), dict) and it["query"].get("mmr") is not None for it in below)


KNOWN = {
    "texts without an index": Known("taken apart into words there since 1.20", texts_without_index),
    "has_id inside nested": Known("never true there, refused here", about_points_inside_nested),
    "except of values that an index has not": Known("an index changes no answer here", except_under_an_index),
    "is_null and is_empty under an index": Known("an index changes no answer here", absence_under_an_index),
    "numbers as dates under an index, and dates as numbers": Known("an index changes no answer here", numbers_of_dates),
    "values of other types under an index": Known("an index changes no answer here", values_under_an_index),
    "key of an overwrite": Known("passed over there, refused here", key_of_an_overwrite),
    "weights of rare indices": Known("what was deleted counts there, and what is empty in a corpus", rare_indices),
    "thresholds of examples by distances": Known("the worse ones are kept here; there none where the best is not", threshold_of_examples),
    "offsets of queries over prefetches": Known("prefetches hand on as many points more here", offset_of_prefetches),
    "fractions in an order": Known("cut off there, left out here", order_of_fractions),
    "places off the earth": Known("near something there, none here", places_off_the_earth),
    "removals from no point": Known("refused there, done already here", removal_from_no_point),
    "nulls of a first payload": Known("stay there, are taken away here as from others", nulls_of_a_first_payload),
    "offsets of samples": Known("no point of chance is skipped here", offset_of_chance),
    "thresholds without scores": Known("passed over in prefetches there, refused here", threshold_without_scores),
    "MMR of prefetches": Known("passed over there: it hands on the nearest", mmr_of_prefetches),
    "MMR by lengths": Known("of vectors that keep their length the product counts there, the cosine here", mmr_of_lengths),
    "MMR of ties": Known("sums of coordinates are often equal, and rounded otherwise", mmr_of_ties),
    "signs of zero": Known("products with a zero vector may be -0 there, which is less than 0", signs_of_zero),
    "fusions of orders": Known("sorted by the field that a prefetch went by there, by score here", fusion_of_orders),
    "MMR of sparse vectors": Known("Edge fails, Qdrant's server does not", mmr_of_sparse),
}


def known(seen):
    """The name of the first that applies; None where it is a mistake."""
    return next((name for name, it in KNOWN.items() if it.applies(seen)), None)
