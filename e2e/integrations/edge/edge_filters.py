"""Filters in the JSON of REST as objects of Edge."""

import qdrant_edge as edge


def filter_of(json):
    """A filter; one condition of REST may stand without its list."""
    if json is None:
        return None
    parts = {name: conditions(json[name]) for name in ("must", "should", "must_not") if json.get(name) is not None}
    if json.get("min_should") is not None:
        least = json["min_should"]
        parts["min_should"] = edge.MinShould(conditions(least["conditions"]), least["min_count"])
    return edge.Filter(**parts)


def conditions(json):
    return [condition(it) for it in (json if isinstance(json, list) else [json])]


def condition(json):
    if "has_id" in json:
        return edge.HasIdCondition(set(json["has_id"]))
    if "has_vector" in json:
        return edge.HasVectorCondition(json["has_vector"])
    if "nested" in json:
        return edge.NestedCondition(json["nested"]["key"], filter_of(json["nested"]["filter"]))
    if "key" in json:
        return field(json)
    if isinstance(json.get("is_empty"), dict):
        return edge.IsEmptyCondition(json["is_empty"]["key"])
    if isinstance(json.get("is_null"), dict):
        return edge.IsNullCondition(json["is_null"]["key"])
    return filter_of(json)


def field(json):
    parts = {}
    if "match" in json:
        parts["match"] = match(json["match"])
    if "range" in json:
        bounds = json["range"]
        dates = any(isinstance(it, str) for it in bounds.values())
        parts["range"] = (edge.RangeDateTime if dates else edge.RangeFloat)(**bounds)
    if "geo_bounding_box" in json:
        corners = json["geo_bounding_box"]
        parts["geo_bounding_box"] = edge.GeoBoundingBox(geo(corners["top_left"]), geo(corners["bottom_right"]))
    if "geo_radius" in json:
        parts["geo_radius"] = edge.GeoRadius(geo(json["geo_radius"]["center"]), json["geo_radius"]["radius"])
    if "geo_polygon" in json:
        rings = json["geo_polygon"]
        inner = [ring(it) for it in rings["interiors"]] if "interiors" in rings else None
        parts["geo_polygon"] = edge.GeoPolygon(ring(rings["exterior"]), inner)
    if "values_count" in json:
        parts["values_count"] = edge.ValuesCount(**json["values_count"])
    for name in ("is_empty", "is_null"):
        if name in json:
            parts[name] = json[name]
    return edge.FieldCondition(json["key"], **parts)


def match(json):
    [(kind, what)] = json.items()
    kinds = {
        "value": edge.MatchValue,
        "any": edge.MatchAny,
        "except": edge.MatchExcept,
        "text": edge.MatchText,
        "text_any": edge.MatchTextAny,
        "phrase": edge.MatchPhrase,
        "prefix": edge.MatchPrefix,
        "substring": edge.MatchSubstring,
    }
    return kinds[kind](what)


def geo(json):
    return edge.GeoPoint(json["lon"], json["lat"])


def ring(json):
    return [geo(it) for it in json["points"]]
