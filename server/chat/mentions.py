"""Mentions in a question: `@file:src/app.py:10-24`, `@symbol:Session.close`, `@diff`, and their like.

A mention begins where a word may begin, so an address (`ann@example.org`) is none, and a word that is no kind of
mention (`@property`) is none either.
"""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["file", "folder", "symbol", "selection", "open", "diff", "diagnostics", "codebase", "rules", "path"]

KINDS = {
    "file": "a file, or lines of it: @file:src/app.py:10-24",
    "folder": "what is in a folder: @folder:src",
    "symbol": "where a name is defined: @symbol:Session.close",
    "selection": "what is selected",
    "open": "the open documents",
    "diff": "what has changed since the last commit, or since another one: @diff:main",
    "diagnostics": "the errors and warnings that the editor shows",
    "codebase": "search all of the workspace for what the question is about",
    "rules": "what the workspace says of its conventions",
}
"""Every kind with its one line of help."""

_WITH_VALUE = "file|folder|symbol|diff"
_ALONE = "selection|open|diff|diagnostics|codebase|rules"
_QUOTED = r"\"[^\"\n]+\"(?:[:#][L\d-]+)?"
_MENTION = re.compile(
    rf"(?<![\w@`.])@(?:(?P<kind>{_WITH_VALUE}):(?P<value>{_QUOTED}|[^\s\"`]+)"
    rf"|(?P<alone>{_ALONE})(?![\w:/-]|\.\w)"
    rf"|(?P<path>{_QUOTED}|[\w.-]*[./][^\s\"`]*))"
)
_LINES = re.compile(r"(?::|#L)(?P<first>\d{1,7})(?:-L?(?P<last>\d{1,7}))?$")
_PUNCTUATION = ".,;:!?)]}'>"


@dataclass(frozen=True, slots=True)
class Mention:
    """One mention: `text[start:end]`. `path` is a file that was named without its kind, if it is one.

    `first` and `last` are lines, 1-based with the end included; 0 for all of it.
    """

    start: int
    end: int
    kind: Kind
    value: str = ""
    first: int = 0
    last: int = 0


def mentions(text: str) -> tuple[Mention, ...]:
    """Find the mentions of a question, in its order."""
    return tuple(_mention(found) for found in _MENTION.finditer(text))


def _mention(found: re.Match[str]) -> Mention:
    if found["alone"]:
        return Mention(found.start(), found.end(), found["alone"])  # type: ignore[arg-type]
    given: str = found["value"] or found["path"]
    kind: Kind = found["kind"] or "path"  # type: ignore[assignment]
    value, end = given, found.end()
    if not given.startswith('"'):
        value = given.rstrip(_PUNCTUATION)
        end -= len(given) - len(value)
    first = last = 0
    if kind in {"file", "path"} and (lines := _LINES.search(value)):
        value = value[: lines.start()]
        first = int(lines["first"])
        last = max(first, int(lines["last"] or first))
    return Mention(found.start(), end, kind, value.strip('"'), first, last)


def without(text: str, found: tuple[Mention, ...]) -> str:
    """Return a question without its mentions, for the search: their names are attached already."""
    pieces, at = [], 0
    for mention in found:
        pieces.append(text[at : mention.start])
        at = mention.end
    return re.sub(r"[ \t]{2,}", " ", "".join([*pieces, text[at:]])).strip()
