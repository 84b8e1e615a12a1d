"""Lines of a document, to be run as they stand."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(path, *titles):
    """Pairs of language and text: the blocks of the sections with these titles, in order."""
    sections = re.split(r"^## (.*)\n", (ROOT / path).read_text(), flags=re.MULTILINE)
    found = dict(zip(sections[1::2], sections[2::2]))
    missing = [it for it in titles if it not in found]
    assert not missing, f"{path} has no section {missing}"
    return [it for title in titles for it in BLOCK.findall(found[title])]


class Shell:
    """One bash in the checkout, as a reader has it: what a line exports, the next one sees."""

    def __init__(self, kube):
        self._kube = kube

    def script(self, parts):
        """One script of all parts. Python's stand in it as its input, so that all share one shell."""
        lines = ["set -euo pipefail"]
        for language, text in parts:
            if language == "sh":
                lines += [f"echo {_quoted('$ ' + line)}\n{line}" for line in _commands(text)]
            else:
                lines += ["echo '>>> Python'", f"python3 - <<'END_OF_PYTHON'\n{text}END_OF_PYTHON"]
        return "\n".join(lines) + "\n"

    def run(self, parts, timeout):
        """Runs them; what they printed. Fails at the first line that does."""
        return self._kube.run(["bash", "-c", self.script(parts)], cwd=ROOT, timeout=timeout)


def _commands(text):
    """Commands of a block, each with its continued lines."""
    return [it for it in re.sub(r"\\\n\s*", "", text).splitlines() if it and not it.startswith("#")]


def _quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"
