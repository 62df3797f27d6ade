"""Looking at a rendered prompt: what went in, from where and why, and what was left out."""

import html as escaping
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from kibitz.prompts.nodes import TOP
from kibitz.prompts.rendered import PartReport, Rendered


def explain(rendered: Rendered) -> list[dict[str, Any]]:
    """Tell of every part, in tree order, what became of it and why; made of JSON's own types.

    Neighbours with one name that met one fate (the lines of a document) are told together; the priority is then the
    highest among them. `start` and `end` are characters of message number `message`, or of the raw text.
    """
    return [_told(part, rendered) for part in _joined(rendered)]


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


def _joined(rendered: Rendered) -> Iterator[PartReport]:
    kept: PartReport | None = None
    for part in rendered.parts:
        if kept and _fate(kept) == _fate(part):
            kept = replace(
                kept,
                text=kept.text + part.text,
                priority=max(kept.priority, part.priority),
                origin=_lines(kept.origin, part.origin),
                end=part.end,
            )
        else:
            if kept:
                yield kept
            kept = part
    if kept:
        yield kept


def _fate(part: PartReport) -> tuple[object, ...]:
    return part.name, part.shown, part.replaced, part.message, _file(part)


def _file(part: PartReport) -> str:
    return part.origin.rsplit(":", 1)[0]


def _lines(first: str, last: str) -> str:
    """Join two places of one file: "a.py:3" and "a.py:9" give "a.py:3-9"."""
    path, _, start = first.rpartition(":")
    end = last.rpartition(":")[2]
    if not path or not start.split("-")[0].isdigit() or not end.split("-")[-1].isdigit():
        return first
    return f"{path}:{start.split('-')[0]}-{end.split('-')[-1]}"


def _told(part: PartReport, rendered: Rendered) -> dict[str, Any]:
    return {
        "name": part.name,
        "origin": part.origin,
        "priority": None if part.priority == TOP else part.priority,
        "tokens": part.tokens,
        "shown": part.shown,
        "why": _why(part, rendered),
        "message": part.message,
        "start": part.start if part.shown else None,
        "end": part.end if part.shown else None,
    }


def _why(part: PartReport, rendered: Rendered) -> str:
    """Say in a few words why a part is in or out."""
    if part.shown:
        if part.priority >= TOP:
            return "always shown"
        return "at or above the cutoff" if part.priority >= rendered.cutoff else "fitted into what was left"
    if part.replaced:
        return "another version of it is shown"
    if part.priority >= rendered.cutoff:
        return f"priority {part.priority:g}: it did not fit the limit around it"
    return f"priority {part.priority:g} is below the cutoff {_number(rendered.cutoff)} and it did not fit what was left"


def _number(priority: float) -> str:
    return "(only what must be shown fits)" if priority >= TOP else f"{priority:g}"


_STYLE = """
:root{color-scheme:light dark}
body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:12.5px/1.5 ui-monospace,monospace;border:1px solid #8886;
border-radius:6px;padding:1em;margin:.3em 0 1em}
h2{font-size:1em;margin:1.5em 0 .2em}mark{color:inherit;border-radius:2px}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.15em .8em .15em 0;border-bottom:1px solid #8884;vertical-align:top}
td.n,th.n{text-align:right}
.bar{height:.7em;border-radius:4px;background:#8883;overflow:hidden}
.bar i{display:inline-block;height:100%;background:#3a7}.bar i+i{background:#c93}
"""


def html(rendered: Rendered) -> str:
    """Make one page that needs nothing else: sizes, the prompt coloured by origin, and what was left out."""
    parts = list(_joined(rendered))
    sources = list(dict.fromkeys(_source(part) for part in parts))
    hues = {source: number * 137 % 360 for number, source in enumerate(sources)}
    contents = (
        [(message.role, message.content) for message in rendered.messages]
        if rendered.messages is not None
        else [("prompt", rendered.text or "")]
    )
    body = "".join(
        f"<h2>{escaping.escape(role)}</h2><pre>{_coloured(content, number, parts, hues)}</pre>"
        for number, (role, content) in enumerate(contents)
    )
    data = json.dumps({**summary(rendered), "parts": [_told(part, rendered) for part in parts]})
    left_out = [part for part in parts if not part.shown]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Prompt</title><style>{_STYLE}</style>'
        f"<h1>Prompt</h1>{_totals(rendered)}{body}"
        f"<h2>Shown</h2>{_table([part for part in parts if part.shown], rendered, hues)}"
        f"<h2>Left out</h2>{_table(left_out, rendered, hues) if left_out else '<p>Nothing.</p>'}"
        f'<script type="application/json" id="prompt">{data.replace("<", chr(92) + "u003c")}</script></html>\n'
    )


def _source(part: PartReport) -> str:
    return _file(part) or part.name


def _totals(rendered: Rendered) -> str:
    kind = "counted exactly" if rendered.exact else "estimated from above"
    share = 100 / max(rendered.budget, 1)
    unused = rendered.budget - rendered.tokens - rendered.reserved
    return (
        f"<p>{rendered.tokens:,} tokens ({kind}, {escaping.escape(rendered.tokenizer)}) and {rendered.reserved:,} "
        f"reserved for the answer, of {rendered.budget:,}: {unused:,} unused. Cutoff: {_number(rendered.cutoff)}.</p>"
        f'<div class="bar"><i style="width:{rendered.tokens * share:.1f}%"></i>'
        f'<i style="width:{rendered.reserved * share:.1f}%"></i></div>'
    )


def _coloured(content: str, number: int, parts: list[PartReport], hues: dict[str, int]) -> str:
    pieces: list[str] = []
    at = 0
    for part in parts:
        if part.shown and (part.message is None or part.message == number):
            pieces.append(escaping.escape(content[at : part.start]))
            title = escaping.escape(f"{part.name} {part.origin} - {part.tokens:,} tokens")
            colour = f"hsl({hues[_source(part)]} 70% 50% / .22)"
            inside = escaping.escape(content[part.start : part.end])
            pieces.append(f'<mark style="background:{colour}" title="{title}">{inside}</mark>')
            at = part.end
    return "".join([*pieces, escaping.escape(content[at:])])


def _table(parts: list[PartReport], rendered: Rendered, hues: dict[str, int]) -> str:
    rows = "".join(
        f'<tr><td><mark style="background:hsl({hues[_source(part)]} 70% 50% / .22)">{escaping.escape(part.name)}</mark>'
        f"<td>{escaping.escape(part.origin)}<td class=n>{'' if part.priority == TOP else f'{part.priority:g}'}"
        f"<td class=n>{part.tokens:,}<td>{escaping.escape(_why(part, rendered))}"
        for part in parts
    )
    return f"<table><tr><th>part<th>origin<th class=n>priority<th class=n>tokens<th>why</tr>{rows}</table>"
