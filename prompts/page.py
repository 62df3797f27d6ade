"""A rendered prompt as one page: coloured by origin, with a slider that shows it at any other budget.

The page needs nothing else: no server, no network. Its policy lets nothing but its own script run, known by its hash,
and without scripts it shows the prompt at its own budget.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files
from itertools import groupby
from typing import Any

from kibitz.prompts.rendered import PartReport, Rendered
from kibitz.prompts.trace import explain, lines_of, merged, number, without_lines
from kibitz.prompts.tree import TOP

_HUES = 24


def html(rendered: Rendered) -> str:
    """Make the page of a prompt."""
    told = explain(rendered)
    shown, left_out = [part for part in told if part["shown"]], [part for part in told if not part["shown"]]
    hues = _Hues()
    view = _prompt(rendered, told, hues)
    embedded = json.dumps(_data(rendered, hues), separators=(",", ":")).replace("<", "\\u003c")
    style, script = _style(rendered), _read("page.js")
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width"><title>Prompt</title><style>{style}</style>'
        f'<h1>Prompt</h1>{_SLIDER}{_note(rendered)}<div id="sizes" aria-live="polite">{_totals(rendered)}</div>'
        f'<div id="view">{view}</div><h2>Shown</h2><div id="shown">{_table(shown, hues)}</div>'
        f'<h2>Left out</h2><div id="left">{_table(left_out, hues) if left_out else "<p>Nothing.</p>"}</div>'
        f'<script type="application/json" id="prompt">{embedded}</script><script>{script}</script></html>\n'
    )
    return page.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair has no UTF-8


_SLIDER = (
    '<div id="slide" hidden><label for="budget">Budget</label>'
    '<button id="less" type="button" aria-label="the next smaller prompt">&minus;</button>'
    '<input id="budget" type="range" step="1"><button id="more" type="button" aria-label="the next larger prompt">+'
    '</button><output id="at" for="budget"></output><button id="back" type="button">as rendered</button></div>'
)


class _Hues(dict[str, int]):
    """A colour for each file or name, in the order in which they are met."""

    def of(self, origin: str, name: str) -> int:
        """Return the number of a colour."""
        return self.setdefault(without_lines(origin) or name, len(self) % _HUES)


def _data(rendered: Rendered, hues: _Hues) -> dict[str, Any]:
    """Return what the slider needs: levels, and every text with the budgets that show it."""
    slots: dict[int, str] = {}
    groups: list[dict[str, Any]] = []
    for parts in _groups(rendered.parts):
        first = parts[0]
        slots[first.slot] = first.role or "prompt"
        groups.append(
            {
                "name": first.name,
                "file": without_lines(first.origin),
                "slot": first.slot,
                "hue": hues.of(first.origin, first.name),
                "marker": first.marker,
                "pieces": list(_pieces(parts, rendered)),
            }
        )
    levels = [[None if cutoff == TOP else cutoff, size] for cutoff, size in rendered.curve.levels]
    return {"budget": rendered.budget, "levels": levels, "slots": slots, "parts": groups}


def _groups(parts: Iterable[PartReport]) -> Iterator[list[PartReport]]:
    """Yield neighbours with one name, out of one file, in one message of the tree."""
    same = groupby(parts, key=lambda part: (part.name, without_lines(part.origin), part.slot, part.marker))
    return (list(group) for _, group in same)


def _pieces(parts: list[PartReport], rendered: Rendered) -> Iterator[list[Any]]:
    """Yield [text, enters, leaves, shown, lines, tokens]; neighbours that come and go together are one piece."""
    for fate, alike in groupby(parts, key=lambda part: (*rendered.curve.stay(part), int(part.shown))):
        kept = list(alike)
        whole = merged(kept)
        yield [whole.text, *fate, lines_of(kept), whole.tokens]


def _prompt(rendered: Rendered, told: list[dict[str, Any]], hues: _Hues) -> str:
    """Show the prompt as it was rendered."""
    messages = rendered.messages
    contents = (
        [("prompt", rendered.text or "")] if messages is None else [(each.role, each.content) for each in messages]
    )
    marks: list[list[str]] = [[] for _ in contents]
    for part in told:
        if part["shown"]:
            content = contents[part["message"] or 0][1]
            marks[part["message"] or 0].append(_mark(part, content[part["start"] : part["end"]], hues))
    return "".join(
        f"<h2>{escape(role)}</h2><pre>{''.join(inside)}</pre>"
        for (role, _), inside in zip(contents, marks, strict=True)
    )


def _mark(part: dict[str, Any], text: str, hues: _Hues) -> str:
    when = "no budget shows it" if part["enters"] is None else f"from a budget of {part['enters']:,}"
    title = escape(f"{part['name']} {part['origin']} - {part['tokens']:,} tokens, {when}")
    return f'<mark class="c{hues.of(part["origin"], part["name"])}" title="{title}">{escape(text)}</mark>'


def _table(parts: list[dict[str, Any]], hues: _Hues) -> str:
    rows = "".join(
        f'<tr><td><mark class="c{hues.of(part["origin"], part["name"])}">{escape(part["name"])}</mark>'
        f'<td>{escape(part["origin"])}<td class="n">{_figure(part["priority"], "g")}'
        f'<td class="n">{part["tokens"]:,}<td class="n">{_figure(part["enters"], ",")}'
        f"<td>{escape(part['why'])}"
        for part in parts
    )
    heads = '<th>part<th>origin<th class="n">priority<th class="n">tokens<th class="n">from a budget of<th>why'
    return f"<table><tr>{heads}</tr>{rows}</table>"


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _read(name: str) -> str:
    return files("kibitz.prompts").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Name a style or a script in a content security policy."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _style(rendered: Rendered) -> str:
    share = 100 / max(rendered.budget, 1)
    hues = "".join(f".c{n}{{background:hsl({n * 137 % 360} 70% 50% / .22)}}\n" for n in range(_HUES))
    bar = f".bar i{{width:{rendered.tokens * share:.1f}%}}.bar i+i{{width:{rendered.reserved * share:.1f}%}}\n"
    return _read("page.css") + hues + bar


def _note(rendered: Rendered) -> str:
    if not rendered.curve.relative:
        return ""
    return f"<p>Limits that are shares of the budget stay as they are at {rendered.budget:,}.</p>"


def _totals(rendered: Rendered) -> str:
    kind = f"counted exactly, {escape(rendered.tokenizer)}" if rendered.exact else "estimated from above"
    unused = rendered.budget - rendered.tokens - rendered.reserved
    return (
        f"<p>{rendered.tokens:,} tokens ({kind}) and {rendered.reserved:,} "
        f"reserved for the answer, of {rendered.budget:,}: {unused:,} unused. Cutoff: {number(rendered.cutoff)}.</p>"
        f'<div class="bar"><i></i><i></i></div>'
    )
