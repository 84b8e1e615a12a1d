"""Whether two answers say the same: ids, order, scores, payloads, vectors."""

import math

import door
import groups

# Scores are sums of floats of 32 bits, in another order on each side.
RELATIVE = 2e-5
ABSOLUTE = 2e-6


class Failed:
    """An operation that was refused."""

    def __init__(self, error):
        self.text = " ".join(str(error).split())

    def __repr__(self):
        return f"refused: {self.text[:300]}"


def difference(operation, expected, found, all_of):
    """What is not the same, in words; None if all is. `all_of()` is what Edge finds without a limit."""
    if isinstance(expected, Failed) or isinstance(found, Failed):
        both = isinstance(expected, Failed) and isinstance(found, Failed)
        return None if both else "one of them refuses"
    if operation["op"] == "groups":
        return groups.difference(operation, expected, found)
    if is_sample(operation):
        return of_sample(expected, found, all_of)
    if operation["op"] == "query":
        return of_points(operation, expected, found, all_of)
    if operation["op"] == "scroll":
        return of_scroll(operation, expected, found, all_of)
    if operation["op"] == "retrieve":
        return of_records(sorted_by_id(expected), sorted_by_id(found))
    return None if equal(expected, found) else "another answer"


def of_scroll(operation, expected, found, all_of):
    if expected["next"] != found["next"]:
        return "another next_page_offset"
    if operation.get("order_by") is not None:
        return of_ordered(expected["points"], found["points"], all_of)
    return of_records(expected["points"], found["points"])


def of_ordered(expected, found, all_of):
    """Points by a field, where each comes once for each of its values, and equal values stand in any order."""
    values = lambda points: [it["order_value"] for it in points]
    if not equal(values(expected), values(found)):
        return f"other values: {values(expected)} and {values(found)}"
    stands = lambda point: (str(point["id"]), point["order_value"])
    left = all_of()
    for point in found:
        there = next((it for it in left if stands(it) == stands(point)), None)
        if there is None:
            return f"point {point['id']} with {point['order_value']} is no answer"
        left.remove(there)
    by_id = {it["id"]: it for it in expected}
    for point in found:
        there = by_id.get(point["id"])
        what = there and of_record(there | {"order_value": None}, point | {"order_value": None})
        if what:
            return what
    return None


def of_records(expected, found):
    if [it["id"] for it in expected] != [it["id"] for it in found]:
        return "other points"
    for one, other in zip(expected, found):
        what = of_record(one, other)
        if what:
            return what
    return None


def of_record(expected, found):
    for part in ("payload", "vector", "order_value"):
        if part == "payload" and door.IS_GRPC and not expected[part] and not found[part]:
            continue
        if not equal(expected[part], found[part]):
            return f"another {part} of point {expected['id']}: {expected[part]} and {found[part]}"
    return None


def of_points(operation, expected, found, all_of):
    if len(expected) != len(found):
        return f"{len(expected)} and {len(found)} points"
    scale = max((abs(it["score"]) for it in expected), default=0.0)
    for place, (one, other) in enumerate(zip(expected, found)):
        if not close(one["score"], other["score"], scale):
            return f"another score in place {place}: {one['score']} and {other['score']}"
    if is_ordered(operation):
        return of_ordered(expected, found, all_of)
    if [it["id"] for it in expected] != [it["id"] for it in found]:
        if len({it["id"] for it in found}) != len(found):
            return "a point comes twice"
        # Of points with one score any may come first, or come at all.
        scores = {it["id"]: it for it in all_of()}
        for point in found:
            there = scores.get(point["id"])
            if there is None:
                return f"point {point['id']} is no answer"
            if not close(there["score"], point["score"], scale):
                return f"another score of point {point['id']}: {there['score']} and {point['score']}"
    by_id = {it["id"]: it for it in expected}
    for point in found:
        what = of_record(by_id[point["id"]], point) if point["id"] in by_id else None
        if what:
            return what
    return None


def is_sample(operation):
    query = operation.get("query")
    return isinstance(query, dict) and "sample" in query


def of_sample(expected, found, all_of):
    """As many as there are, each of them once, whichever they are."""
    if len(expected) != len(found) or len({it["id"] for it in found}) != len(found):
        return f"{len(expected)} and {len(found)} points"
    there = {it["id"]: it for it in all_of()}
    for point in found:
        if point["id"] not in there:
            return f"point {point['id']} is no answer"
        what = of_record(there[point["id"]], point)
        if what or there[point["id"]]["score"] != point["score"]:
            return what or f"another score of point {point['id']}"
    return None


def is_ordered(operation):
    query = operation.get("query")
    return isinstance(query, dict) and "order_by" in query


def sorted_by_id(records):
    return sorted(records, key=lambda it: (isinstance(it["id"], str), it["id"]))


def close(one, other, scale=0.0):
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return one == other or abs(one - other) <= max(RELATIVE * max(abs(one), abs(other)), ABSOLUTE * max(1.0, scale))


def equal(one, other):
    """Of JSON, where 1 and 1.0 are two values, and floats are near."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return close(one, other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(it, other[name]) for name, it in one.items())
    return one == other
