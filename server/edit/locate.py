"""Where the text of a block stands in the current text: exactly one place, or none."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from kibitz.indexer.types import Span
from kibitz.server.edit.block import Block
from kibitz.server.edit.change import Replacement
from kibitz.server.edit.indent import Reindent, indent_unit
from kibitz.server.edit.lines import content, indent_of, is_blank, line_end, split_lines
from kibitz.server.edit.similar import similar
from kibitz.server.errors import AbsentError, EditError

Key = Callable[[str], str]
SHOWN_CHARS, SHOWN_PLACES = 60, 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block goes, and what to put there."""

    span: Span
    replace: str


def locate(block: Block, lines: Sequence[str], within: Span) -> Place:
    """Find the only place inside `within` where the block's SEARCH text stands.

    Tried in turn, each only when the one before found nothing: the lines as they are; without the blanks at their
    ends; without blank lines around them; moved by one consistent change of indentation, which is then made in the
    replacement too; by the lines that change alone, where most lines around them are as the block says and no other
    place comes near (`similar`). Lines that a block only repeats stay as they are in the document.

    Raises:
        AbsentError: the text is not there.
        EditError: it is there several times.
    """
    if not any(line.strip() for line in split_lines(block.search)):
        return _in_empty_file(lines, within, block.replace)
    region = _Region(lines, within, line_end("".join(lines)))
    for find in (_exact, _without_ends, _without_edges, _moved, _similar):
        found = {
            place: None for search, replace in block.readings for place in find(split_lines(search), replace, region)
        }
        if found:
            return _only(list(found), split_lines(block.search))
    raise AbsentError(
        "The text that the model wants to replace is not in the file "
        f"({_shown(split_lines(block.search))}); ask again, or select the lines to edit."
    )


def locate_all(blocks: Sequence[Block], text: str, within: Span) -> tuple[Replacement, ...]:
    """Find every block in the same, current text; what a block only repeats is not among the lines it replaces.

    Raises:
        EditError: a block is missing or ambiguous, or two blocks claim the same lines.
    """
    lines = split_lines(text)
    places = sorted((_narrowed(locate(block, lines, within), lines) for block in blocks), key=lambda place: place.span)
    for one, next_one in pairwise(places):
        if next_one.span.start < one.span.end or next_one.span == one.span:
            raise EditError(
                f"Two of the model's blocks change the same lines (line {next_one.span.start + 1}); ask for one change "
                "at a time."
            )
    return tuple(Replacement(place.span, place.replace) for place in places)


def _narrowed(place: Place, lines: Sequence[str]) -> Place:
    """Leave out the lines at both ends that stay: the contexts of two blocks may overlap."""
    old, new = lines[place.span.start : place.span.end], split_lines(place.replace)
    least = min(len(old), len(new))
    head = next((i for i in range(least) if old[i] != new[i]), least)
    tail = next((i for i in range(least - head) if old[-1 - i] != new[-1 - i]), least - head)
    span = Span(place.span.start + head, place.span.end - tail)
    return Place(span, "".join(new[head : len(new) - tail]))


@dataclass(frozen=True, slots=True)
class _Region:
    """Where it is looked: lines of a document, and the line end that it uses most."""

    lines: Sequence[str]
    within: Span
    end: str


def _exact(search: list[str], replace: str, region: _Region) -> Iterator[Place]:
    return _standing(search, replace, region, content)


def _without_ends(search: list[str], replace: str, region: _Region) -> Iterator[Place]:
    return _standing(search, replace, region, str.rstrip)


def _without_edges(search: list[str], replace: str, region: _Region) -> Iterator[Place]:
    return _standing(*_bare(search, replace), region, str.rstrip)


def _moved(search: list[str], replace: str, region: _Region) -> Iterator[Place]:
    search, replace = _bare(search, replace)
    for start in _windows(search, region, str.strip):
        window = region.lines[start : start + len(search)]
        pairs = _shift(search, window)
        if pairs is not None:
            moved = Reindent(pairs, indent_unit(search), indent_unit(region.lines))(replace)
            yield Place(Span(start, start + len(search)), _kept(search, replace, moved, window, region.end))


def _similar(search: list[str], replace: str, region: _Region) -> Iterator[Place]:
    """Take the place whose changed lines stand there; what is found is replaced from the first to the last of them."""
    found = similar(*_bare(search, replace), region.lines, region.within)
    pairs = _shift([theirs for theirs, _ in found.pairs], [ours for _, ours in found.pairs]) if found else None
    if found and pairs is not None:
        moved = Reindent(pairs, indent_unit(search), indent_unit(region.lines))
        rows = (
            _ended(moved(row.text), region.end) if row.is_new else _ended(row.text, region.end, keep=True)
            for row in found.rows
        )
        yield Place(found.span, "".join(rows))


def _standing(search: list[str], replace: str, region: _Region, key: Key) -> Iterator[Place]:
    for start in _windows(search, region, key):
        window = region.lines[start : start + len(search)]
        yield Place(Span(start, start + len(search)), _kept(search, replace, replace, window, region.end))


def _kept(search: Sequence[str], replace: str, moved: str, window: Sequence[str], end: str) -> str:
    """Return the replacement with the document's own lines wherever the block only repeats them.

    `moved` is the replacement, line for line, as it shall be written.
    """
    theirs, new = split_lines(replace), split_lines(moved)
    matcher = SequenceMatcher(None, [*map(content, search)], [*map(content, theirs)], autojunk=False)
    pieces: list[str] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            pieces.extend(_ended(line, end, keep=True) for line in window[i1:i2])
        else:
            pieces.extend(_ended(line, end) for line in new[j1:j2])
    return "".join(pieces)


def _ended(line: str, end: str, *, keep: bool = False) -> str:
    """Give a line the document's end, or one if it has none."""
    return line if keep and line != content(line) else content(line) + end


def _in_empty_file(lines: Sequence[str], within: Span, replace: str) -> Place:
    if any(line.strip() for line in lines):
        raise EditError("The model did not say which text to replace; ask again, or select the lines to edit.")
    new = "".join(_ended(line, line_end("".join(lines))) for line in split_lines(replace))
    return Place(Span(0, min(len(lines), within.end)), new)


def _windows(search: Sequence[str], region: _Region, key: Key) -> list[int]:
    """Return the first line of every place where the search lines stand, compared by a key."""
    first, last = region.within.start, region.within.end
    wanted = [key(line) for line in search]
    have = [key(line) for line in region.lines[first:last]]
    return [
        first + start
        for start in range(len(have) - len(wanted) + 1)
        if have[start] == wanted[0] and have[start : start + len(wanted)] == wanted
    ]


def _only(places: Sequence[Place], search: Sequence[str]) -> Place:
    starts = sorted({place.span.start for place in places})
    if len(starts) > 1:
        where = ", ".join(str(start + 1) for start in starts[:SHOWN_PLACES])
        raise EditError(
            f"The text that the model wants to replace stands {len(starts)} times in the file (lines {where}: "
            f"{_shown(search)}); select the lines to edit."
        )
    if len(places) > 1:
        raise EditError(
            f"It is not clear how the text that the model wants to replace is indented ({_shown(search)}); ask again, "
            "or select the lines to edit."
        )
    return places[0]


def _bare(search: list[str], replace: str) -> tuple[list[str], str]:
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
