"""What a model's answer can say: lines that take a target's place, or text to find and what to put there."""

import re
from dataclasses import dataclass

from kibitz.server.edit.lines import is_blank, split_lines

_NUMBERED = re.compile(r"^ {0,6}(?P<number>\d{1,6})(?P<mark> ?[|:] ?|\t|→)(?P<text>.*\n?)$")

Reading = tuple[str, str]  # the text to find, and what takes its place


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The lines that shall stand in the target's place; `path` is "" when the answer names none."""

    text: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Rename:
    """Another path for a file."""

    path: str
    new_path: str


@dataclass(frozen=True, slots=True)
class Block:
    """One change: `search` as it is now, `replace` as it shall be; `path` is "" when the answer names none.

    `others` are further readings of the same lines, where it can only be told from the document which one is meant.
    """

    search: str
    replace: str
    path: str = ""
    others: tuple[Reading, ...] = ()

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Every reading, the literal one first."""
        return ((self.search, self.replace), *self.others)


def without_numbers(search: str, replace: str) -> tuple[Reading, ...]:
    """Read a block whose lines have the line numbers of a listing; nothing where they do not count up one by one.

    The replacement may have numbers, too, on all of its lines or on none.
    """
    found = unnumbered(search)
    if found is None:
        return ()
    rows = [_NUMBERED.match(line) for line in split_lines(replace) if not is_blank(line)]
    if not any(rows):
        return ((found, replace),)
    return ((found, _texts(replace)),) if all(rows) else ()


def unnumbered(text: str) -> str | None:
    """Take line numbers that count up one by one off a text; None where it has none."""
    rows = [(at, _NUMBERED.match(line)) for at, line in enumerate(split_lines(text)) if not is_blank(line)]
    if not rows or not all(row for _, row in rows):
        return None
    firsts = {int(row["number"]) - at for at, row in rows if row}
    marks = {row["mark"].strip(" ") for _, row in rows if row}
    return _texts(text) if len(firsts) == len(marks) == 1 else None


def _texts(text: str) -> str:
    return "".join(row["text"] if (row := _NUMBERED.match(line)) else line for line in split_lines(text))
