"""Carrying an edit over to a document that has moved on while the model was answering."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kibitz.indexer.types import Span
from kibitz.server.errors import EditError
from kibitz.server.lsp.documents import split_lines

if TYPE_CHECKING:
    from kibitz.server.edit.change import Replacement


def rebase(old: str, now: str, replacements: "Sequence[Replacement]") -> "tuple[Replacement, ...]":
    """Return the replacements for the text as it is now.

    What was typed meanwhile is taken as one changed stretch of lines, between the lines that both texts begin with
    and those that both end with. A replacement outside that stretch applies cleanly, moved by the stretch's growth.

    Raises:
        EditError: a replacement touches the stretch.
    """
    if old == now:
        return tuple(replacements)
    before, after = split_lines(old), split_lines(now)
    shorter = min(len(before), len(after))
    top = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    bottom = next((i for i in range(shorter - top) if before[-1 - i] != after[-1 - i]), shorter - top)
    growth, changed = len(after) - len(before), len(before) - bottom
    moved = []
    for change in replacements:
        if change.span.end <= top:
            moved.append(change)
        elif change.span.start >= changed:
            moved.append(replace(change, span=Span(change.span.start + growth, change.span.end + growth)))
        else:
            raise EditError("The document changed where the edit belongs while the model answered; ask again.")
    return tuple(moved)
