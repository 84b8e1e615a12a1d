"""Text indexes, and filters on texts, places and slices, with the official client over REST and gRPC."""

import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m
from qdrant_client.http.exceptions import UnexpectedResponse

from conftest import create, wait_green

TITLES = [
    "The Robot Dreams",  # 0
    "Little lost robots on the star",  # 1
    "Robbie & the STAR",  # 2
    "Pâté de foie gras, 42 recipes",  # 3
    "theory of everything",  # 4
    ["first robot", "dreams of stars"],  # 5
    "今天是星期一",  # 6
    7,  # 7
]


@pytest.fixture(params=["rest", "grpc"])
def door(request, node):
    over = dict(url=node.url) if request.param == "rest" else dict(host=node.host, port=node.port, grpc_port=node.grpc_port, prefer_grpc=True)
    it = QdrantClient(timeout=60, check_compatibility=False, **over)
    yield it
    it.close()


def titles(client, name, index=None, values=TITLES, **more):
    create(client, name, shard_number=2, **more)
    points = [m.PointStruct(id=n, vector=[1, n, 0, 0], payload={"t": value}) for n, value in enumerate(values)]
    client.upsert(name, points, wait=True)
    if index is not None:
        client.create_payload_index(name, "t", index, wait=True)


def found(client, name, match, key="t"):
    return matching(client, name, m.FieldCondition(key=key, match=match))


def matching(client, name, condition):
    """By scroll, count and search, which must say the same."""
    filter = m.Filter(must=[condition])
    points, _ = client.scroll(name, scroll_filter=filter, limit=100)
    ids = [point.id for point in points]
    assert client.count(name, count_filter=filter).count == len(ids)
    searched = client.query_points(name, query=[1, 1, 0, 0], query_filter=filter, limit=100).points
    assert sorted(point.id for point in searched) == ids
    rest, _ = client.scroll(name, scroll_filter=m.Filter(must_not=[condition]), limit=100)
    assert sorted(ids + [point.id for point in rest]) == list(range(client.count(name).count))
    return ids


def text(**params):
    return m.TextIndexParams(type="text", **params)


def test_without_an_index_a_text_is_looked_for_as_it_stands(door, name):
    titles(door, name)
    assert found(door, name, m.MatchText(text="Robot D")) == [0]
    assert found(door, name, m.MatchText(text="robot")) == [1, 5]
    assert found(door, name, m.MatchPhrase(phrase="the STAR")) == [2]
    assert found(door, name, m.MatchTextAny(text_any="STAR foie")) == [2, 3]
    assert found(door, name, m.MatchPrefix(prefix="The")) == [0]
    assert found(door, name, m.MatchPrefix(prefix="the")) == [4]


def test_an_index_finds_tokens(door, name):
    titles(door, name, text(tokenizer="word"))
    assert found(door, name, m.MatchText(text="ROBOT")) == [0, 5]
    # All tokens, wherever they stand; those of a list may lie in several of its texts.
    assert found(door, name, m.MatchText(text="dreams robot")) == [0, 5]
    assert found(door, name, m.MatchText(text="robot unknown")) == []
    assert found(door, name, m.MatchText(text="?")) == []
    assert found(door, name, m.MatchTextAny(text_any="unknown, star")) == [1, 2]
    assert found(door, name, m.MatchText(text="42")) == [3]
    # An index that is not for phrases finds none.
    assert found(door, name, m.MatchPhrase(phrase="robot dreams")) == []
    # Whole strings and their beginnings are what they were.
    assert found(door, name, m.MatchValue(value="theory of everything")) == [4]
    assert found(door, name, m.MatchPrefix(prefix="The")) == [0]


def test_phrases_stand_in_a_row_of_one_text(door, name):
    titles(door, name, text(tokenizer="word", phrase_matching=True, stopwords=m.Language.ENGLISH))
    assert found(door, name, m.MatchPhrase(phrase="Robot dreams")) == [0]
    assert found(door, name, m.MatchPhrase(phrase="dreams stars")) == [5], "stop words are no tokens"
    assert found(door, name, m.MatchPhrase(phrase="robots on the star")) == [1]
    assert found(door, name, m.MatchPhrase(phrase="lost little")) == []
    assert found(door, name, m.MatchText(text="the of")) == []


def test_stems_marks_and_letters(door, name):
    stemmer = m.SnowballParams(type="snowball", language="english")
    stopwords = m.StopwordsSet(languages=["english"], custom=["Lost"])
    titles(door, name, text(tokenizer="word", ascii_folding=True, stemmer=stemmer, stopwords=stopwords))
    assert found(door, name, m.MatchText(text="robots")) == [0, 1, 5]
    assert found(door, name, m.MatchText(text="dream star")) == [5]
    assert found(door, name, m.MatchText(text="PATE")) == [3]
    assert found(door, name, m.MatchText(text="lost")) == []


def test_prefixes_and_lengths(door, name):
    titles(door, name, text(tokenizer="prefix", min_token_len=2, max_token_len=4, lowercase=True))
    assert found(door, name, m.MatchText(text="rob")) == [0, 1, 2, 5]
    assert found(door, name, m.MatchText(text="robotics")) == [0, 1, 5], "no more than four letters count"
    assert found(door, name, m.MatchText(text="r")) == []
    titles(door, name + "-stop", text(tokenizer="prefix", stopwords="english"))
    assert found(door, name + "-stop", m.MatchText(text="the")) == [4], "the beginning of another word"


def test_other_tokenizers(door, name):
    titles(door, name, text(tokenizer="multilingual"))
    assert found(door, name, m.MatchText(text="星期")) == [6]
    assert found(door, name, m.MatchText(text="pate")) == [3]
    assert found(door, name, m.MatchText(text="42")) == [], "a token has a letter"
    titles(door, name + "-white", text(tokenizer="whitespace", lowercase=False))
    assert found(door, name + "-white", m.MatchText(text="gras,")) == [3]
    assert found(door, name + "-white", m.MatchText(text="robot")) == [5]


def test_an_index_says_what_it_was_made_with(door, node, name):
    given = {
        "a": text(tokenizer="multilingual", min_token_len=2, max_token_len=20, lowercase=True, on_disk=True),
        "b": text(tokenizer="word", phrase_matching=True, ascii_folding=True, stopwords=m.StopwordsSet(languages=["german"], custom=["x"])),
        "c": text(tokenizer="prefix", stemmer=m.SnowballParams(type="snowball", language="armenian")),
        "d": text(tokenizer="whitespace", stemmer=m.DisabledStemmerParams(type="none"), lowercase=False),
        "k": m.KeywordIndexParams(type="keyword", prefix=True, is_tenant=False, on_disk=True),
        "i": m.IntegerIndexParams(type="integer", lookup=True, range=False),
    }
    create(door, name)
    for field, params in given.items():
        door.create_payload_index(name, field, params, wait=True)
    door.create_payload_index(name, "plain", "text", wait=True)
    schema = door.get_collection(name).payload_schema
    assert {field: schema[field].params.model_dump(exclude_none=True) for field in given} == {
        field: params.model_dump(exclude_none=True) for field, params in given.items()
    }
    assert schema["plain"].data_type == m.PayloadSchemaType.TEXT and schema["plain"].params is None


def test_keywords_are_found_by_their_beginnings(door, name):
    words = ["", "a", "ab", "abc", "b", "a\0", "ä" * 200, "ä" * 200 + "b"]
    titles(door, name, m.KeywordIndexParams(type="keyword", prefix=True), words)
    for prefix in ["", "a", "ab", "abcd", "a\0", "ä", "ä" * 200, "ä" * 200 + "b", "ä" * 201]:
        expected = [n for n, word in enumerate(words) if word.startswith(prefix)]
        assert found(door, name, m.MatchPrefix(prefix=prefix)) == expected, repr(prefix)


@pytest.mark.parametrize("index", [None, "keyword", "text"])
def test_what_stands_within_a_string_is_found_letter_by_letter(door, name, index):
    words = ["", "a", "xabx", "ABC", "b\0a", "ä" * 200 + "ab" + "ä" * 200, ["no", "grab it"], 7]
    titles(door, name, text(tokenizer="word") if index == "text" else index, words)
    strings = [[it for it in (word if isinstance(word, list) else [word]) if isinstance(it, str)] for word in words]
    for within in ["", "a", "ab", "\0", "äab", "b i", "ABCD", "ä" * 201]:
        expected = [n for n, some in enumerate(strings) if any(within in it for it in some)]
        assert found(door, name, m.MatchSubstring(substring=within)) == expected, repr(within)
    # In writes too.
    some = m.Filter(must=[m.FieldCondition(key="t", match=m.MatchSubstring(substring="ab"))])
    door.set_payload(name, {"mark": 1}, points=some, wait=True)
    assert matching(door, name, m.FieldCondition(key="mark", match=m.MatchValue(value=1))) == [2, 5, 6]


def test_places_in_a_polygon(door, name):
    places = [(1, 1), (9, 9), (5, 5), (0, 5), (11, 5), (4, 5)]
    titles(door, name, "geo", [{"lon": lon, "lat": lat} for lon, lat in places])
    ring = lambda low, high: m.GeoLineString(points=[m.GeoPoint(lon=x, lat=y) for x, y in [(low, low), (high, low), (high, high), (low, high), (low, low)]])
    inside = lambda *holes: matching(door, name, m.FieldCondition(key="t", geo_polygon=m.GeoPolygon(exterior=ring(0, 10), interiors=list(holes))))
    assert inside() == [0, 1, 2, 5], "not those on the line"
    assert inside(ring(4, 6)) == [0, 1], "not those in the hole or on its line"


def test_slices_part_the_points(door, name):
    titles(door, name, None, list(range(40)))
    of = lambda total, index: matching(door, name, m.SliceCondition(slice=m.Slice(total=total, index=index)))
    four = [of(4, index) for index in range(4)]
    assert sorted(sum(four, [])) == list(range(40))
    assert set(four[0]) <= set(of(2, 0)) and set(four[3]) <= set(of(2, 1))


def test_writes_go_by_tokens_too(door, name):
    titles(door, name, text(tokenizer="word"))
    robot = m.Filter(must=[m.FieldCondition(key="t", match=m.MatchText(text="ROBOT"))])
    door.set_payload(name, {"mark": 1}, points=robot, wait=True)
    marked = matching(door, name, m.FieldCondition(key="mark", match=m.MatchValue(value=1)))
    assert marked == [0, 5]
    door.set_payload(name, {"t": "no more"}, points=[0], wait=True)
    door.delete(name, points_selector=m.FilterSelector(filter=robot), wait=True)
    points, _ = door.scroll(name, limit=100)
    assert [point.id for point in points] == [0, 1, 2, 3, 4, 6, 7]


def test_tokens_inside_of_nested_objects(door, name):
    objects = [[{"a": "Red robot"}, {"a": "blue star"}], [{"a": "red STAR"}], {"a": "red star"}]
    create(door, name)
    door.upsert(name, [m.PointStruct(id=n, vector=[1, n, 0, 0], payload={"o": value}) for n, value in enumerate(objects)], wait=True)
    door.create_payload_index(name, "o[].a", text(tokenizer="word"), wait=True)
    inner = m.Filter(must=[m.FieldCondition(key="a", match=m.MatchText(text="star RED"))])
    nested = m.NestedCondition(nested=m.Nested(key="o", filter=inner))
    assert matching(door, name, nested) == [1]
    assert found(door, name, m.MatchText(text="star RED"), key="o[].a") == [0, 1]


def test_a_filter_means_the_same_while_an_index_is_filled_and_after_a_restart(own_node, name):
    own_node.start()
    with_client = lambda: QdrantClient(url=own_node.url, timeout=60, check_compatibility=False)
    client = with_client()
    words = ["one", "TWO", "three,", "Four"]
    titles(client, name, None, [f"{words[n % 4]} {words[n // 4 % 4]}" for n in range(2000)])
    expected = [n for n in range(2000) if "TWO" in (words[n % 4], words[n // 4 % 4])]
    client.create_payload_index(name, "t", text(tokenizer="word"), wait=False)
    ask = lambda: client.count(name, count_filter=m.Filter(must=[m.FieldCondition(key="t", match=m.MatchText(text="two"))])).count
    for _ in range(5):
        assert ask() == len(expected)
    wait_green(client, name)
    assert ask() == len(expected)
    client.close()
    assert own_node.stop() == 0
    own_node.start()
    client = with_client()
    assert ask() == len(expected)
    client.close()


def test_what_is_wrong_is_refused(client, name):
    titles(client, name)
    line = lambda *points: m.GeoLineString(points=[m.GeoPoint(lon=x, lat=y) for x, y in points])
    polygon = lambda *points: m.FieldCondition(key="t", geo_polygon=m.GeoPolygon(exterior=line(*points)))
    for condition, status, words in [
        (polygon((0, 0), (1, 1), (0, 0)), 400, "polygon invalid"),
        (polygon((0, 0), (1, 0), (1, 1), (0, 1)), 400, "polygon invalid"),
        (m.SliceCondition(slice=m.Slice(total=4, index=4)), 422, "index"),
        (m.SliceCondition(slice=m.Slice(total=0, index=0)), 400, "total"),
        (m.FieldCondition(key="t", match=m.MatchSubstring(substring="x" * 70_000)), 422, "65536"),
        (m.FieldCondition(key="t", match=m.MatchText(text="x" * 70_000)), 422, "65536"),
    ]:
        with pytest.raises(UnexpectedResponse) as refused:
            client.scroll(name, scroll_filter=m.Filter(must=[condition]))
        assert refused.value.status_code == status and words in refused.value.content.decode()
    with pytest.raises(UnexpectedResponse) as refused:
        client.create_payload_index(name, "t", text(tokenizer="word", stopwords=m.StopwordsSet(custom=["x" * 70_000])))
    assert refused.value.status_code == 400 and "stop words" in refused.value.content.decode()
