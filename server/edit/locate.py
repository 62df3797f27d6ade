"""Where SEARCH text stands in the current text: exactly one place, or none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kibitz.indexer.types import Span
from kibitz.server.edit.answer import Block
from kibitz.server.edit.change import Replacement
from kibitz.server.edit.indent import Reindent, indent_unit
from kibitz.server.edit.lines import content, indent_of, is_blank, split_lines
from kibitz.server.errors import EditError

Key = Callable[[str], str]
SHOWN_CHARS = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block goes, and what to put there."""

    span: Span
    replace: str


def locate(block: Block, lines: Sequence[str], within: Span) -> Place:
    """Find the only place inside `within` where the block's SEARCH text stands.

    Tried in turn, each only when the one before found nothing: the lines as they are; without the blanks at their
    ends; without blank lines around them; moved by one consistent change of indentation, which is then made in the
    replacement too. Nothing looser: text that is merely similar is never taken for the text that was asked for.

    Raises:
        EditError: the text is not there, or it is there several times.
    """
    search, replace = split_lines(block.search), block.replace
    if not any(line.strip() for line in search):
        return _in_empty_file(lines, within, replace)
    for key in (content, str.rstrip):
        found = _windows(search, lines, within, key)
        if found:
            return Place(_only(found, search, len(search)), replace)
    search, replace = _without_blank_edges(search, replace)
    found = _windows(search, lines, within, str.rstrip)
    if found:
        return Place(_only(found, search, len(search)), replace)
    maps = {
        start: pairs
        for start in _windows(search, lines, within, str.strip)
        if (pairs := _shift(search, lines[start : start + len(search)])) is not None
    }
    if not maps:
        raise EditError(
            f"The text that the model wants to replace is not in the file ({_shown(search)}); ask again, or select the "
            "lines to edit."
        )
    span = _only(list(maps), search, len(search))
    return Place(span, Reindent(maps[span.start], indent_unit(search), indent_unit(lines))(replace))


def locate_all(blocks: Sequence[Block], text: str, within: Span) -> tuple[Replacement, ...]:
    """Find every block in the same, current text.

    Raises:
        EditError: a block is missing or ambiguous, or two blocks claim the same lines.
    """
    lines = split_lines(text)
    places = sorted((locate(block, lines, within) for block in blocks), key=lambda place: place.span)
    for one, next_one in pairwise(places):
        if next_one.span.start < one.span.end or next_one.span == one.span:
            raise EditError(
                f"Two of the model's blocks change the same lines (line {next_one.span.start + 1}); ask for one change "
                "at a time."
            )
    return tuple(Replacement(place.span, place.replace) for place in places)


def _in_empty_file(lines: Sequence[str], within: Span, replace: str) -> Place:
    if any(line.strip() for line in lines):
        raise EditError("The model did not say which text to replace; ask again, or select the lines to edit.")
    return Place(Span(0, min(len(lines), within.end)), replace)


def _windows(search: Sequence[str], lines: Sequence[str], within: Span, key: Key) -> list[int]:
    """Return the first line of every place where the search lines stand, compared by a key."""
    wanted = [key(line) for line in search]
    have = [key(line) for line in lines[within.start : within.end]]
    return [
        within.start + start
        for start in range(len(have) - len(wanted) + 1)
        if have[start] == wanted[0] and have[start : start + len(wanted)] == wanted
    ]


def _only(starts: Sequence[int], search: Sequence[str], length: int) -> Span:
    if len(starts) > 1:
        where = ", ".join(str(start + 1) for start in starts[:5])
        raise EditError(
            f"The text that the model wants to replace stands {len(starts)} times in the file (lines {where}: "
            f"{_shown(search)}); select the lines to edit."
        )
    return Span(starts[0], starts[0] + length)


def _without_blank_edges(search: list[str], replace: str) -> tuple[list[str], str]:
    """Drop blank lines around the search text, and as many around the replacement."""
    after = split_lines(replace)
    while is_blank(search[0]):
        search = search[1:]
        after = after[1:] if after and is_blank(after[0]) else after
    while is_blank(search[-1]):
        search = search[:-1]
        after = after[:-1] if after and is_blank(after[-1]) else after
    return search, "".join(after)


def _shift(search: Sequence[str], window: Sequence[str]) -> tuple[tuple[str, str], ...] | None:
    """Return the map of indentation from the search text to the window, or None when it is not consistent.

    Consistent: the same indentation goes to the same one, and deeper stays deeper.
    """
    pairs: dict[str, str] = {}
    for theirs, ours in zip(search, window, strict=True):
        if not is_blank(theirs) and pairs.setdefault(indent_of(theirs), indent_of(ours)) != indent_of(ours):
            return None
    by_depth = sorted(pairs.items(), key=lambda pair: len(pair[0]))
    deeper = all(len(a[1]) < len(b[1]) for a, b in pairwise(by_depth))
    return tuple(by_depth) if deeper else None


def _shown(search: Sequence[str]) -> str:
    line = next((line.strip() for line in search if not is_blank(line)), "")
    return f'"{line[:SHOWN_CHARS]}…"' if len(line) > SHOWN_CHARS else f'"{line}"'
