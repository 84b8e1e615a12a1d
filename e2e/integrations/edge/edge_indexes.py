"""Parameters of payload indexes in the JSON of REST as objects of Edge."""

import qdrant_edge as edge

TYPES = {name.lower(): getattr(edge.PayloadSchemaType, name) for name in ("Keyword", "Integer", "Float", "Geo", "Text", "Bool", "Datetime", "Uuid")}
PARAMS = {name: getattr(edge, f"{name.capitalize()}IndexParams") for name in ("keyword", "integer", "float", "geo", "text", "bool", "datetime", "uuid")}


def params(json):
    if isinstance(json, str):
        return TYPES[json]
    given = {name: it for name, it in json.items() if name != "type"}
    if "tokenizer" in given:
        given["tokenizer"] = getattr(edge.TokenizerType, given["tokenizer"].capitalize())
    if "stopwords" in given:
        given["stopwords"] = stopwords(given["stopwords"])
    if "stemmer" in given:
        stemmer = given["stemmer"]
        is_one = stemmer.get("type") == "snowball"
        given["stemmer"] = edge.SnowballParams(getattr(edge.SnowballLanguage, stemmer["language"].capitalize())) if is_one else edge.DisabledStemmer()
    return PARAMS[json["type"]](**given)


def stopwords(json):
    language = lambda name: getattr(edge.Language, name.capitalize())
    if isinstance(json, str):
        return language(json)
    languages = json.get("languages")
    custom = json.get("custom")
    return edge.StopwordsSet({language(it) for it in languages} if languages is not None else None, set(custom) if custom is not None else None)
