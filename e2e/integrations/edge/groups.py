"""Groups of points, which Edge does not make: what they are is told from every point that a query finds."""

import same


def values(payload, path):
    """What is at a path, of lists their elements."""
    found = [payload or {}]
    for step in path.split("."):
        name, each = step.removesuffix("[]"), step.endswith("[]")
        found = [it[name] for it in found if isinstance(it, dict) and name in it]
        if each:
            found = [element for it in found if isinstance(it, list) for element in it]
    return [element for it in found for element in (it if isinstance(it, list) else [it])]


def of_points(points, path):
    """Groups with all of their points, the best of each first. Texts and integers make groups."""
    groups = {}
    for point in points:
        for value in values(point["payload"], path):
            if isinstance(value, (int, str)) and not isinstance(value, bool):
                hits = groups.setdefault((type(value), value), [])
                if not hits or hits[-1] is not point:
                    hits.append(point)
    return [{"id": value, "hits": hits} for (_, value), hits in groups.items()]


def difference(operation, expected, found):
    """`expected` are all groups with all points; `found` as many as were asked for."""
    limit, size = operation["limit"], operation["group_size"]
    best = lambda groups: [it["hits"][0]["score"] for it in groups]
    if len(found) != min(limit, len(expected)):
        return f"{min(limit, len(expected))} and {len(found)} groups"
    for one, other in zip(best(expected), best(found)):
        if not same.close(one, other, abs(one)):
            return f"groups whose best are {best(expected)[:limit]} and {best(found)}"
    by_id = {(type(it["id"]), it["id"]): it["hits"] for it in expected}
    for group in found:
        hits = by_id.get((type(group["id"]), group["id"]))
        what = of_hits(hits, group["hits"], size) if hits else "is no group"
        if what:
            return f"group {group['id']!r}: {what}"
    return None


def of_hits(expected, found, size):
    if len(found) != min(size, len(expected)):
        return f"{min(size, len(expected))} and {len(found)} points"
    scores = {it["id"]: it for it in expected}
    for one, other in zip(expected, found):
        there = scores.get(other["id"])
        if there is None:
            return f"point {other['id']} is no answer"
        if not same.close(one["score"], other["score"], abs(one["score"])) or not same.close(there["score"], other["score"], abs(one["score"])):
            return f"scores {one['score']} and {other['score']}"
        what = same.of_record(there, other)
        if what:
            return what
    return None if len({it["id"] for it in found}) == len(found) else "a point comes twice"
