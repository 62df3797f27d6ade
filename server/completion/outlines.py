"""The definitions of names as an outline: a signature, and for a class those of its members."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kibitz.indexer.outline import Symbol
    from kibitz.prompts.templates.context import Definition

MOST_MEMBERS = 8
_HOLDING = frozenset({"class", "type", "module"})


def outlines(path: str, symbols: Sequence["Symbol"], names: Iterable[str]) -> "list[Definition]":
    """Return the outlines of those of a file's definitions that have these names, in the order of the names."""
    found: list[Definition] = []
    for name in names:
        at = next((at for at, one in enumerate(symbols) if one.name == name), None)
        if at is not None:
            found.append(_outline(path, symbols, at))
    return found


def _outline(path: str, symbols: Sequence["Symbol"], at: int) -> "Definition":
    from kibitz.prompts.templates.context import ContextItem, Definition

    one = symbols[at]
    rows = [one.signature]
    if one.kind in _HOLDING:
        inside = [each for each in symbols[at + 1 :] if each.span.start < one.span.end and each.depth == one.depth + 1]
        rows += [f"    {each.signature}" for each in inside[:MOST_MEMBERS]]
    text = "".join(f"{row}\n" for row in rows)
    return Definition(ContextItem(f"{path} {one.symbol}", text, path, path, kind="symbol"))
