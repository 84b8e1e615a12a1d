"""The table of what clients felt."""

from collections import Counter

COLUMNS = ("fault", "acknowledged", "failed", "lost", "longest without a write", "without a search")


class Gaps:
    def __init__(self):
        self._rows = []

    def add(self, what, load, lost):
        writes, searches = load.gaps()
        failed = ", ".join(f"{number} × {kind}" for kind, number in Counter(load.failures).most_common()) or "none"
        self._rows.append((what, str(load.writes()), failed, str(len(lost)), f"{writes:.1f} s", f"{searches:.1f} s"))

    def table(self):
        """As Markdown, which a terminal shows well too."""
        rows = [COLUMNS, *self._rows]
        widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
        lines = ["| " + " | ".join(it.ljust(width) for it, width in zip(row, widths)) + " |" for row in rows]
        return "\n".join(["", lines[0], "|" + "|".join("-" * (it + 2) for it in widths) + "|", *lines[1:]])
