"""The indentation of an answer: in the document's own marks, and beginning on the cursor's line."""

import math
import re

from kibitz.server.completion.snapshot import Snapshot

LINES_LOOKED_AT = 200  # before the cursor; half as many after it
WIDEST_STEP = 4  # blanks of one step that no narrower line shows

_BLANK_LINES = re.compile(r"(?:[ \t]*\n)+")


def drop_leading_blank_lines(text: str, at: Snapshot) -> str:
    """Begin on the cursor's line where that is indented and empty already, not on one below it.

    In the first column blank lines may be meant: they part definitions.
    """
    line = at.prefix[at.prefix.rfind("\n") + 1 :]
    found = _BLANK_LINES.match(text)
    if found is None or not line or line.strip():
        return text
    rest = text[found.end() :]
    body = rest.removeprefix(line)
    return body if body is not rest and body[:1] not in (" ", "\t", "") else text


def use_the_document_s_marks(text: str, at: Snapshot) -> str:
    """Indent with tabs where the document has only tabs, and with blanks where it has only blanks."""
    if "\n" not in text:
        return text
    before = at.prefix.rsplit("\n", LINES_LOOKED_AT)[-LINES_LOOKED_AT:]
    after = at.suffix.split("\n", LINES_LOOKED_AT // 2)[1 : LINES_LOOKED_AT // 2]
    document = [_indent(line) for line in (*before, *after)]
    tabs = any(indent.startswith("\t") for indent in document)
    widths = [len(indent) for indent in document if indent and "\t" not in indent]
    if tabs == any(width > 1 for width in widths):  # one blank aligns the stars of a comment
        return text
    lines = text.split("\n")
    first = 0 if not before[-1].strip() else 1
    own = [_indent(line) for line in lines[first:] if line.strip()]
    if tabs:
        step = _step([len(indent) for indent in own if indent and "\t" not in indent])
        return "\n".join([*lines[:first], *(_in_tabs(line, step) for line in lines[first:])]) if step else text
    step = _step(widths)
    return "\n".join([*lines[:first], *(_in_blanks(line, step) for line in lines[first:])]) if step else text


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _step(widths: list[int]) -> int:
    """How many blanks make one step, 0 when nothing tells; odd widths align, they do not indent."""
    step = math.gcd(*(width for width in widths if width % 2 == 0))
    return min(step, WIDEST_STEP) if step % WIDEST_STEP == 0 else min(step, 2)


def _in_tabs(line: str, step: int) -> str:
    blanks = len(line) - len(line.lstrip(" "))
    return "\t" * (blanks // step) + " " * (blanks % step) + line[blanks:]


def _in_blanks(line: str, step: int) -> str:
    tabs = len(line) - len(line.lstrip("\t"))
    return " " * (tabs * step) + line[tabs:]
