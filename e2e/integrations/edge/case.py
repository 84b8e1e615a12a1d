"""One case: a collection on both sides, writes and questions, and what comes out otherwise."""

import random

import ties
from door import sayable
from draw_data import Data
from draw_filters import Filters
from draw_queries import Questions
from draw_writes import Writes
from held import Held
from same import Failed, difference

WRITES = 10
QUESTIONS = 12
# Both sides whole, after each write.
WHOLE = {"op": "scroll", "limit": 1000, "with_payload": True, "with_vector": True}


class Case:
    """What a seed draws."""

    def __init__(self, seed):
        rng = random.Random(seed)
        self.seed, self.data = seed, Data(rng)
        self.held = Held(self.data.collection())
        filters = Filters(self.data, self.held)
        self.writes = Writes(self.data, filters, self.held)
        self.questions = Questions(self.data, filters, self.held)

    def run(self, pair):
        """Asks both. Ends where they hold other points, or a write does not what it does in Qdrant."""
        some = [self.writes.create_index() for _ in range(self.data.rng.choice([0, 2, 5]))]
        some += [self.writes.upsert(40) | {"update_mode": "upsert"}, self.writes.upsert(20)]
        some += [self.writes.create_index() for _ in range(self.data.rng.choice([0, 3]))]
        for operation in some:
            if not self.step(operation, pair):
                return
        for _ in range(WRITES):
            if not self.step(self.writes.write(), pair):
                return
            for _ in range(QUESTIONS):
                pair.compare(self.questions.question())

    def step(self, operation, pair):
        same = pair.compare(operation)
        self.held.follow(operation, asked(pair.one, WHOLE))
        if pair.was_refused and not pair.is_same(WHOLE):
            pair.told.counts["a write that is refused after a part of it"] += 1
            return False
        return same and pair.compare(WHOLE)


class Pair:
    """Edge and Vane, each with the collection of one case."""

    def __init__(self, one, other, case, told):
        self.one, self.other, self.told, self.tell = one, other, told, told.about(case)
        # Whether both refused the last operation. Of a write, Edge may have done a part before.
        self.was_refused = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.one.close()
        self.other.close()

    def compare(self, operation):
        """Whether both answer alike."""
        operation = sayable(operation)
        expected, found, what = self.seen(operation)
        self.was_refused = isinstance(expected, Failed) and isinstance(found, Failed)
        if what and not isinstance(expected, Failed) and operation["op"] == "query" and ties.are_inside(operation, self.one):
            self.told.tied()
            return True
        self.tell(operation, expected, found, what)
        return not what

    def is_same(self, operation):
        return not self.seen(operation)[2]

    def seen(self, operation):
        """Both answers, and what is not the same."""
        expected, found = asked(self.one, operation), asked(self.other, operation)
        return expected, found, difference(operation, expected, found, lambda: self.one.all_of(operation))


def asked(side, operation):
    try:
        return side.ask(operation)
    # Whatever they refuse with; texts are not compared.
    except Exception as error:  # noqa: BLE001
        return Failed(error)
