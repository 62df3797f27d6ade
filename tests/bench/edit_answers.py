"""A change in the words of a model: SEARCH/REPLACE blocks, diffs, code blocks, with what goes wrong in them."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

Rng = random.Random
MOST_CONTEXT = 4
_PROSE = ("", "", "Here is the change:\n\n", "I rename it, as asked.\n\n")


@dataclass(frozen=True, slots=True)
class Change:
    """Lines `start` to `end` of a document, and what shall stand there."""

    start: int
    end: int
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A change with lines of context: lines `start` to `end` as the model says they are, and as they shall be.

    `rows` are the same as a diff has them.
    """

    start: int
    end: int
    rows: tuple[tuple[str, str], ...]

    @property
    def search(self) -> list[str]:
        return [line for mark, line in self.rows if mark in " -"]

    @property
    def replace(self) -> list[str]:
        return [line for mark, line in self.rows if mark in " +"]


def said(rng: Rng, lines: Sequence[str], change: Change, least: int) -> Said:
    """Say a change with some lines of context on both sides."""
    least = max(least, int(change.start == change.end))
    start = max(0, change.start - rng.randint(least, MOST_CONTEXT))
    end = min(len(lines), change.end + rng.randint(least, MOST_CONTEXT))
    return _said(lines, change, start, end)


def _said(lines: Sequence[str], change: Change, start: int, end: int) -> Said:
    before = [(" ", line) for line in lines[start : change.start]]
    middle = [*(("-", line) for line in lines[change.start : change.end]), *(("+", line) for line in change.new)]
    after = [(" ", line) for line in lines[change.end : end]]
    return Said(start, end, (*before, *middle, *after))


def drifted(rng: Rng, lines: Sequence[str], change: Change) -> Said | None:
    """Say a change with context of which one or two lines, not next to it, are missing, added or different."""
    one = _said(
        lines, change, max(0, change.start - rng.randint(3, 6)), min(len(lines), change.end + rng.randint(3, 6))
    )
    rows = list(one.rows)
    changed = [number for number, (mark, _) in enumerate(rows) if mark != " "]
    free = [
        number
        for number, (mark, line) in enumerate(rows)
        if mark == " " and line.strip() and (number < changed[0] - 1 or number > changed[-1] + 1)
    ]
    if not free:
        return None
    for number in sorted(rng.sample(free, min(len(free), rng.choice([1, 1, 2]))), reverse=True):
        line = rows[number][1]
        what = rng.choice(["other", "other", "gone", "more"])
        if what == "gone":
            del rows[number]
        elif what == "more":
            rows.insert(number, (" ", line.replace("\n", "  # as I remember\n")))
        else:
            rows[number] = (" ", line.replace("\n", "  # as I remember\n"))
    return replace(one, rows=tuple(rows))


def misremembered(rng: Rng, lines: Sequence[str], change: Change, one: Said) -> Said | None:
    """Say a change of a line that is not in the document."""
    mine = [number for number, (mark, line) in enumerate(one.rows) if mark == "-" and line.strip()]
    if not mine:
        return None
    number = rng.choice(mine)
    rows = list(one.rows)
    rows[number] = ("-", re.sub(r"\w+", "misremembered", rows[number][1], count=1))
    return replace(one, rows=tuple(rows)) if rows[number] != one.rows[number] else None


# -- other indentation ---------------------------------------------------------------------------------------------


def less(rng: Rng, one: Said) -> Said | None:
    """Take away the indentation that all lines share."""
    width = min((len(line) - len(line.lstrip()) for _, line in one.rows if line.strip()), default=0)
    return _mapped(one, lambda line: line[width:]) if width else None


def more(rng: Rng, one: Said) -> Said | None:
    """Put every line deeper."""
    extra = rng.choice([" ", "  ", "    ", "        "])
    return _mapped(one, lambda line: extra + line)


def tabs(rng: Rng, one: Said) -> Said | None:
    """Write tabs for blanks; only where all lines stand at whole levels."""
    widths = [len(line) - len(line.lstrip()) for _, line in one.rows if line.strip()]
    if any(width % 4 for width in widths) or not any(widths):
        return None
    return _mapped(one, lambda line: "\t" * ((len(line) - len(line.lstrip())) // 4) + line.lstrip(" "))


def _mapped(one: Said, change: "object") -> Said:
    assert callable(change)
    return replace(one, rows=tuple((mark, change(line) if line.strip() else line) for mark, line in one.rows))


def dedented(lines: Sequence[str]) -> list[str]:
    """Take away the first line's indentation."""
    width = len(lines[0]) - len(lines[0].lstrip())
    return [line[width:] if line[:width].isspace() and line.strip() else line for line in lines]


def numbered(rng: Rng, one: Said) -> Said:
    """Put line numbers before the lines, as listings have them."""
    mark = rng.choice(["| ", " | ", "\t", ": "])
    old, new = one.start + 1, one.start + 1
    rows = []
    for kind, line in one.rows:
        number = new if kind == "+" else old
        rows.append((kind, f"{number:4d}{mark}{line}"))
        old += kind in " -"
        new += kind in " +"
    return replace(one, rows=tuple(rows))


# -- whole answers --------------------------------------------------------------------------------------------------


def blocks(rng: Rng, said: Sequence[Said], path: str) -> str:
    """Write SEARCH/REPLACE blocks with fences, paths, prose and line ends as they come."""
    return _ends(rng, "".join(piece for piece, _ in block_pieces(rng, said, path)))


def block_pieces(rng: Rng, said: Sequence[Said], path: str) -> list[tuple[str, int]]:
    """Return the pieces of an answer, each with the number of changes that are complete after it."""
    pieces = [(rng.choice(_PROSE), 0)]
    fence = rng.choice(["", "```", "```python", "```py"])
    named = rng.choice(["", path, path.rsplit("/", 1)[-1], f"**{path}**"])
    opening, divider, closing = rng.choice(
        [
            ("<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"),
            ("<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"),
            ("<<<<<<< ORIGINAL", "=======", ">>>>>>> UPDATED"),
            ("------- SEARCH", "=======", "+++++++ REPLACE"),
        ]
    )
    for number, one in enumerate(said, 1):
        head = (f"{named}\n" if named else "") + (f"{fence}\n" if fence else "")
        body = f"{opening}\n{''.join(one.search)}{divider}\n{''.join(one.replace)}{closing}\n"
        pieces += [(head, number - 1), (body, number), ("```\n\n" if fence else "\n", number)]
    return pieces


def diff(rng: Rng, said: Sequence[Said], path: str, *, forgetful: bool = False) -> str:
    """Write a unified diff with wrong numbers and counts; `forgetful` without the blank before context."""
    return _ends(rng, "".join(piece for piece, _ in diff_pieces(rng, said, path, forgetful=forgetful)))


def diff_pieces(rng: Rng, said: Sequence[Said], path: str, *, forgetful: bool = False) -> list[tuple[str, int]]:
    """Return the pieces of a fenced diff, each with the number of changes that are known to be complete after it."""
    head = rng.choice(
        [
            f"--- a/{path}\n+++ b/{path}\n",
            f"--- {path}\n+++ {path}\n",
            f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n",
        ]
    )
    pieces = [(rng.choice(_PROSE), 0), (rng.choice(["```diff\n", "```\n", "```patch\n"]) + head, 0)]
    for number, one in enumerate(said):
        wrong = rng.choice([0, 0, 1, 5])
        old, new = len(one.search) + wrong, max(0, len(one.replace) - wrong)
        counts = f"-{one.start + 1 + wrong * 7},{old} +{one.start + 1},{new}"
        mark = rng.choice([f"@@ {counts} @@", f"@@ {counts} @@ def f():", "@@ @@", f"@@ {counts} @@"])
        pieces.append((f"{mark}\n", number))
        context = "" if forgetful else " "
        bare = rng.random() < 0.3
        rows = [
            line if kind == " " and bare and not line.strip() else (context if kind == " " else kind) + line
            for kind, line in one.rows
        ]
        pieces.append(("".join(rows), number))
    return [*pieces, ("```\n", len(said))]


def fenced(rng: Rng, lines: Sequence[str]) -> str:
    """Write code as one fenced block."""
    text = "".join(lines)
    fence = "````" if "```" in text else "```"
    return _ends(rng, f"{rng.choice(_PROSE)}{fence}{rng.choice(['', 'python', 'py'])}\n{text}{fence}\n")


def _ends(rng: Rng, text: str) -> str:
    what = rng.random()
    if what < 0.15:
        return text.replace("\n", "\r\n")
    return text[:-1] if what < 0.3 and text.endswith("\n") else text
