"""Differences of a run: those that are known are counted, the others are shown."""

import collections
import json

from known import Seen, known

# Differences that are shown, and how much of each.
SHOWN_MAX = 20
LONGEST = 2000


class Told:
    """What came out otherwise so far."""

    def __init__(self):
        self.wrong, self.counts = [], collections.Counter()

    def about(self, case):
        """Hears of the differences of one case. Returns whether it is known."""

        def tell(operation, expected, found, what):
            self.counts["operations"] += 1
            if not what:
                return True
            name = known(Seen(operation, expected, found, case.held, case.data))
            if name:
                self.counts[name] += 1
                return True
            sent = json.dumps(operation, ensure_ascii=False)[:LONGEST]
            answers = f"Edge: {str(expected)[:LONGEST]}\nVane: {str(found)[:LONGEST]}"
            self.wrong.append(f"EDGE_SEED={case.seed} EDGE_CASES=1: {what}\n{sent}\n{answers}")
            return False

        return tell

    def tied(self):
        self.counts["equal scores inside of a query"] += 1

    def end(self):
        print(dict(self.counts))
        assert not self.wrong, f"{len(self.wrong)} differences\n\n" + "\n\n".join(self.wrong[:SHOWN_MAX])
