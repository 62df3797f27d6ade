"""Finding an edit's places again in a document that has changed around them."""

from collections.abc import Sequence
from itertools import pairwise

from kibitz.indexer.types import Span
from kibitz.server.edit.change import Replacement
from kibitz.server.edit.lines import is_blank, split_lines
from kibitz.server.errors import EditError

CONTEXT_LINES = (3, 6, 12)  # around a replacement: the fewest that stood only once in the text that the edit is for


def relocate(old: str, now: str, replacements: Sequence[Replacement]) -> tuple[Replacement, ...]:
    """Return the replacements for the text as it is now, each found by its own lines and those around it.

    Those lines must have stood once in the text that the edit was made for, and stand once now: of two like places
    one may have gone, and then the other is not the one that was meant.

    Raises:
        EditError: a place has changed, or it is not the only one.
    """
    before, after = split_lines(old), split_lines(now)
    moved = [Replacement(_found(before, after, change.span), change.text) for change in replacements]
    for one, next_one in pairwise(moved):
        if next_one.span.start < one.span.end or next_one.span == one.span:
            raise EditError("The lines that the edit changes have changed their order; ask again.")
    return tuple(moved)


def _found(before: Sequence[str], after: Sequence[str], span: Span) -> Span:
    for context in CONTEXT_LINES:
        start, end = max(0, span.start - context), min(len(before), span.end + context)
        text = before[start:end]
        if all(map(is_blank, text)) or len(_standing(text, before)) > 1:
            continue
        places = _standing(text, after)
        if len(places) > 1:
            where = " and ".join(str(place + span.start - start + 1) for place in places)
            raise EditError(f"The lines that the edit changes stand at lines {where} now: select one of them.")
        if places:
            return Span(places[0] + span.start - start, places[0] + span.end - start)
        break
    raise EditError("The document changed where the edit belongs while the model answered; ask again.")


def _standing(text: Sequence[str], lines: Sequence[str]) -> list[int]:
    size = len(text)
    return [
        start
        for start in range(len(lines) - size + 1)
        if lines[start] == text[0] and list(lines[start : start + size]) == list(text)
    ]
