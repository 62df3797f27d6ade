"""A definition that a model has written anew, and the lines that it takes the place of in a file."""

from textwrap import dedent
from typing import TYPE_CHECKING

from kibitz.indexer.lines import is_comment
from kibitz.indexer.types import Span
from kibitz.server.edit.change import Target
from kibitz.server.edit.lines import is_blank, split_lines
from kibitz.server.errors import EditError

if TYPE_CHECKING:
    from kibitz.indexer.outline import Symbol

SHOWN_LINES = 5


def lines_defined_anew(text: str, target: Target) -> Span | None:
    """Return the lines of the definition in the target that a text holds anew; None when it holds anything else.

    A definition is known by its name. Comments above it stay where the answer leaves them out.

    Raises:
        EditError: the name is defined several times, or what stands above the definition (a decorator, an attribute)
            is missing or different, so that it cannot be told whether it shall go.
    """
    from kibitz.indexer.outline import symbols_of

    text = dedent(text)
    written = [symbol for symbol in symbols_of(target.path, text) if symbol.depth == 0]
    rows = split_lines(text)
    if len(written) != 1 or written[0].kind == "section":
        return None
    (new,) = written
    if any(not is_blank(row) for row in (*rows[: new.span.start], *rows[new.span.end :])):
        return None
    kept = target.span
    found = [
        symbol
        for symbol in symbols_of(target.path, target.text)
        if symbol.name == new.name and kept.start <= symbol.span.start and symbol.span.end <= kept.end
    ]
    if len(found) > 1:
        where = " and ".join(str(symbol.line + 1) for symbol in found[:SHOWN_LINES])
        raise EditError(f"`{new.name}` is defined at lines {where} of {target.path}; select the one to edit.")
    return _taken(found[0], split_lines(target.text), new, rows) if found else None


def refuse_wider(text: str, target: Target) -> None:
    """Refuse an answer that begins with the head of a definition of which only inner lines are the target.

    Raises:
        EditError: it does; in the target's place it would stand twice.
    """
    from kibitz.indexer.outline import structure

    first = next((row.strip() for row in split_lines(text) if not is_blank(row)), "")
    around = structure(target.path, target.text).around(target.span.start)
    lines = split_lines(target.text)
    if around and first and around.line < target.span.start and lines[around.line].strip() == first:
        raise EditError(
            f"The model rewrote `{around.name}` from its head (line {around.line + 1}), of which only inner lines are "
            "to be edited; select all of it."
        )


def _taken(old: "Symbol", lines: list[str], new: "Symbol", rows: list[str]) -> Span:
    """Return the lines that the new definition takes the place of, with as much above it as the answer has, too."""
    first = next(row.strip() for row in rows if not is_blank(row))
    above = [line.strip() for line in lines[old.span.start : old.line + 1]]
    begins_here = first == rows[new.line].strip()
    kept = above[: above.index(first)] if first in above else above[:-1]
    clear = first in above or begins_here or not any(kept)
    if not clear or any(line and not is_comment(line) for line in kept):
        raise EditError(
            f"What stands above `{old.name}` (line {old.span.start + 1}) is not in the model's answer as it is, so it "
            "cannot be told whether it shall stay; ask again, or select the lines to edit."
        )
    return Span(old.span.start + len(kept), old.span.end)
