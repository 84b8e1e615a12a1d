"""Text indexes and BM25, by words of many languages: which texts each word finds, and what vectors texts become."""

import random

from draw_data import Data
from held import Held

COLLECTION = {"vectors": {"a": {"size": 1, "distance": "Dot"}}, "sparse_vectors": {"s": {}}}
# Signs that `ascii_folding` takes apart otherwise are not among them.
WORDS = {
    "english": "running runner ran flies happily generalization organization the isn't sky news inning exceed dying",
    "german": "laufen läufer gelaufen häuser straße größe über kategorischen auffällig nicht und der",
    "french": "majestueux continuellement été l'homme chevaux aujourd'hui les était avec naïve",
    "spanish": "corriendo corredores niños rápidamente canción está los con españa",
    "italian": "abbandonata correndo bambini rapidamente perché gli degli città",
    "portuguese": "correndo corações rapidamente não os português maçã",
    "russian": "бегают собаки собака красивыми который и не ёлка объявление",
    "dutch": "lopen gelopen lichamelijkheid de het niet huizen",
    "swedish": "springande hundarna och inte klokaste",
    "norwegian": "løpende hundene ikke og havnemyndighetene",
    "danish": "løbende hundene ikke og indtage",
    "finnish": "juoksevat koiransa edellinen ja ei taloissa",
    "hungarian": "futnak kutyák megérkezik és nem babaház",
    "romanian": "alergând copiilor abruptă și nu orașele",
    "turkish": "koşuyorlar köpekler değil ve İstanbul ılık kitaplarımızdan",
    "greek": "τρέχουν σκύλους και δεν άνθρωπος",
    "arabic": "يركضون الكلاب من في والكتاب",
    "tamil": "ஓடுகிறது நாய்கள்",
    "armenian": "վազում շներ",
    "other": "don't e-mail user@example.com foo_bar 3.14 42 1,000 C++ x ﬁne naïve ２０２４ 🦀crab re-use a.b.c U.S.A. Æther smørrebrød Łódź ß ẞ ĳ ǆ ʼn Ω ² İ i̇",
}
LANGUAGES = [name for name in WORDS if name != "other"]
STOPPED = [name for name in LANGUAGES if name not in ("armenian", "tamil")]


class Case:
    """One collection whose points each have a text, and an index on it that is drawn."""

    def __init__(self, seed):
        self.rng = rng = random.Random(f"texts {seed}")
        self.seed, self.data, self.held = seed, Data(rng), Held(COLLECTION)
        some = rng.sample(LANGUAGES, 3) + ["english", "other"]
        self.words = [word for name in some for word in WORDS[name].split()]
        self.languages = some[:3]

    def schema(self):
        rng = self.rng
        schema = {"type": "text", "tokenizer": rng.choice(["word", "whitespace", "prefix", "multilingual"])}
        for name, share in (("lowercase", 0.5), ("phrase_matching", 0.7), ("ascii_folding", 0.4)):
            if rng.random() < share:
                schema[name] = rng.random() < 0.6
        if rng.random() < 0.25:
            schema["min_token_len"] = rng.choice([1, 2, 3, 4])
        if rng.random() < 0.25:
            schema["max_token_len"] = rng.choice([4, 5, 8])
        if rng.random() < 0.3:
            schema["stopwords"] = rng.choice([rng.choice(STOPPED), {"languages": rng.sample(STOPPED, 2)}, {"custom": rng.sample(self.words, 3)}, {"languages": ["english"], "custom": ["Sky"]}])
        if rng.random() < 0.6:
            schema["stemmer"] = {"type": "snowball", "language": rng.choice(self.languages + ["english"])}
        return schema

    def text(self, most=6):
        rng = self.rng
        words = [self.spelled(rng.choice(self.words)) for _ in range(rng.randint(1, most))]
        return rng.choice([" ", " ", " ", ", ", ". ", "\n", "  ", "-", "/"]).join(words)

    def spelled(self, word):
        return self.rng.choice([word, word, word, word.upper(), word.capitalize(), word + ".", word[:4], word[: len(word) - 1]])

    def points(self):
        value = lambda: [self.text() for _ in range(2)] if self.rng.random() < 0.15 else self.text()
        return [{"id": id, "vector": {}, "payload": {"t": value()}} for id in range(80)]

    def run(self, pair):
        for operation in self.operations():
            pair.compare(operation)
            self.held.follow(operation, None)

    def operations(self):
        points = self.points()
        index = {"op": "create_index", "field": "t", "schema": self.schema()}
        upsert = {"op": "upsert", "points": points}
        yield from [index, upsert] if self.rng.random() < 0.5 else [upsert, index]
        for _ in range(60):
            kind = self.rng.choice(["text", "text", "text_any", "phrase"])
            asked = self.text(3)
            if self.rng.random() < 0.5:
                whole = self.rng.choice(points)["payload"]["t"]
                words = (whole if isinstance(whole, str) else whole[0]).split()
                start = self.rng.randrange(len(words)) if words else 0
                asked = " ".join(words[start : start + self.rng.randint(1, 3)])
            condition = {"key": "t", "match": {kind: asked}}
            yield {"op": "scroll", "limit": 100, "filter": {"must": [condition]}}
