"""Whether equal scores inside of a query leave open what it answers: who comes first of them, or comes at all, is up to
each side, and queries over prefetches and MMR make other scores of that."""

from same import close

LIMIT = 10


def are_inside(query, side):
    """Whether a level of the query has points that are as good as each other where that counts."""
    inner = query.get("prefetch") or []
    inner = inner if isinstance(inner, list) else [inner]
    how = query.get("query")
    by_rank = isinstance(how, dict) and (how.get("fusion") == "rrf" or "rrf" in how)
    if isinstance(how, dict) and how.get("mmr") is not None:
        candidates = how["mmr"].get("candidates_limit") or query.get("limit", LIMIT)
        plain = {name: it for name, it in query.items() if name not in ("prefetch", "offset")}
        if has_ties(plain | {"query": how["nearest"], "limit": candidates}, side, all_of_them=True):
            return True
    return any(are_inside(it, side) or has_ties(it, side, by_rank) for it in inner)


def has_ties(query, side, all_of_them):
    """Of a prefetch: any two of its points, or the last one that it has and the first that it leaves out."""
    limit = query.get("limit", LIMIT)
    how = query.get("query")
    longer = query | {"limit": limit + 1}
    if isinstance(how, dict) and how.get("mmr") is not None:
        longer["query"] = how | {"mmr": how["mmr"] | {"candidates_limit": how["mmr"].get("candidates_limit") or limit}}
    try:
        found = side.query({"op": "query", **longer})
    # Inside of a query nothing may have come as far as what Edge cannot do.
    except Exception:  # noqa: BLE001
        return True
    is_ordered = isinstance(how, dict) and "order_by" in how
    worth = lambda point: point["order_value"] if is_ordered else point["score"]
    scale = max((abs(it["score"]) for it in found), default=0.0)
    places = range(len(found) - 1) if all_of_them else range(limit - 1, min(limit, len(found) - 1))
    return any(close(worth(found[at]), worth(found[at + 1]), scale) for at in places)
