"""Looking at a rendered prompt: what went in, from where and why, and what was left out."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from kibitz.prompts.nodes import TOP
from kibitz.prompts.rendered import PartReport, Rendered


def explain(rendered: Rendered) -> list[dict[str, Any]]:
    """Tell of every part, in tree order, what became of it and why; made of JSON's own types.

    Neighbours with one name that met one fate (the lines of a document) are told together; the priority is then the
    highest among them. `start` and `end` are characters of message number `message`, or of the raw text, `token_start`
    and `token_end` the tokens of it that these touch. `enters` is the least budget whose cutoff shows some of the part.
    """
    return [_told(parts, rendered) for parts in _joined(rendered)]


def as_json(rendered: Rendered) -> dict[str, Any]:
    """Tell all of a rendered prompt: what is sent, its sizes, and every part with why it is in or out."""
    messages = rendered.messages
    return {
        "messages": messages and [{"role": message.role, "content": message.content} for message in messages],
        "text": rendered.text,
        **summary(rendered),
        "parts": explain(rendered),
    }


def summary(rendered: Rendered) -> dict[str, Any]:
    """Tell the sizes, and at which cutoff the prompt would have which size (as far as the search went)."""
    return {
        "tokens": rendered.tokens,
        "reserved": rendered.reserved,
        "budget": rendered.budget,
        "unused": rendered.budget - rendered.tokens - rendered.reserved,
        "cutoff": None if rendered.cutoff == TOP else rendered.cutoff,
        "tokenizer": rendered.tokenizer,
        "exact": rendered.exact,
        "steps": [[None if cutoff == TOP else cutoff, size] for cutoff, size in rendered.steps],
    }


def _joined(rendered: Rendered) -> Iterator[list[PartReport]]:
    kept: list[PartReport] = []
    for part in rendered.parts:
        if part.marker and not part.shown:  # it stands for nothing
            continue
        if kept and _fate(kept[0]) != _fate(part):
            yield kept
            kept = []
        kept.append(part)
    if kept:
        yield kept


def _fate(part: PartReport) -> tuple[object, ...]:
    return part.name, part.shown, part.replaced, part.limited, part.marker, part.message, without_lines(part.origin)


def without_lines(origin: str) -> str:
    """Return an origin without its lines: the file."""
    return _LINES.sub("", origin)


def lines_of(parts: Sequence[PartReport]) -> str:
    """Return which lines of their file neighbours are: "a.py:3" and "a.py:9" give "3-9"; "" where none are known."""
    first, last = _LINES.search(parts[0].origin), _LINES.search(parts[-1].origin)
    if first is None or last is None:
        return ""
    start, end = first[1], last[2] or last[1]
    return start if start == end else f"{start}-{end}"


_LINES = re.compile(r":(\d+)(?:-(\d+))?\Z", re.ASCII)


def merged(parts: Sequence[PartReport]) -> PartReport:
    """Make one report of neighbours that met one fate."""
    first = parts[0]
    if len(parts) == 1:
        return first
    text, priority = "".join([part.text for part in parts]), max([part.priority for part in parts])
    lines = lines_of(parts)
    origin = f"{without_lines(first.origin)}:{lines}" if lines else first.origin
    return replace(first, text=text, priority=priority, origin=origin, end=parts[-1].end)


def _told(parts: Sequence[PartReport], rendered: Rendered) -> dict[str, Any]:
    part = merged(parts)
    budgets = [budget for each in parts if (budget := rendered.curve.enters(each)) is not None]
    span = part.token_span
    return {
        "name": part.name,
        "origin": part.origin,
        "priority": None if part.priority == TOP else part.priority,
        "tokens": part.tokens,
        "shown": part.shown,
        "why": why(part, rendered),
        "enters": min(budgets, default=None),
        "message": part.message,
        "start": part.start if part.shown else None,
        "end": part.end if part.shown else None,
        "token_start": span and span[0],
        "token_end": span and span[1],
    }


def why(part: PartReport, rendered: Rendered) -> str:
    """Say in a few words why a part is in or out."""
    return _why_in(part, rendered) if part.shown else _why_out(part, rendered)


def _why_in(part: PartReport, rendered: Rendered) -> str:
    if part.marker:
        return "stands for lines that are left out"
    if part.priority >= TOP:
        return "always shown"
    if part.isolated:
        return "within the limit around it"
    return "at or above the cutoff" if part.priority >= rendered.cutoff else "fitted into what was left"


def _why_out(part: PartReport, rendered: Rendered) -> str:
    if part.replaced:
        return "another version of it is shown"
    priority = "" if part.priority >= TOP else f"priority {part.priority:g}"
    if part.limited:
        return f"{priority}: it did not fit the limit around it".removeprefix(": ")
    return f"{priority} is below the cutoff {number(rendered.cutoff)} and it did not fit what was left"


def number(priority: float) -> str:
    """Write a cutoff for people."""
    return "(only what must be shown fits)" if priority >= TOP else f"{priority:g}"
