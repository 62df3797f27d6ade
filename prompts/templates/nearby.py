"""The lines round a cursor or a target: the nearer, the higher their priority, prefix to suffix as 70 to 30.

Each side is one `Lines` node. What a side holds depends on the text near the place alone: what is further away than any
usual budget reaches is not looked at, so that a key costs the same in every document.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from io import StringIO

from kibitz.prompts.nodes import TOP, Lines, lines
from kibitz.prompts.templates.parts import FAR, NEAR

_PREFIX_SHARE, _SUFFIX_SHARE = 0.7, 0.3
_NEAR_LINES = 90  # of the prefix and suffix together
_MOST_LINES = 1_000  # on a side that are shown or not one by one; beyond them blocks are
_BLOCK = 100  # lines; blocks begin at lines of the document that this divides, so that they stay while one types
_REACH = 200_000  # characters on a side, some 50,000 tokens; further ones are not in the prompt's tree
_LONGEST_PIECE = 200  # characters; a longer line is cut, so that a minified file still has a nearest part

Clean = Callable[[str], str]


def _as_it_is(text: str) -> str:
    return text


def before(text: str, *, clean: Clean = _as_it_is, path: str = "", name: str = "prefix") -> Lines:
    """Make the lines before a place, each passed through `clean`; the piece that touches it is always shown."""
    start = 0
    if len(text) > _REACH:
        start = text.find("\n", len(text) - _REACH) + 1 or len(text) - _REACH
    first = text.count("\n", 0, start)  # 0-based, in the document
    rows = _rows(clean(text[start:]))
    cut = _boundary(first, len(rows) - _MOST_LINES)
    blocks = list(_blocks(rows[:cut], first))
    pieces = _pieces(rows[cut:], from_end=True)
    priorities = _priorities(len(pieces), len(blocks), _PREFIX_SHARE)
    return lines([*blocks, *pieces], priorities[::-1], name=name, path=path, line=first + 1)


def after(text: str, *, clean: Clean = _as_it_is, path: str = "", name: str = "suffix", line: int = 1) -> Lines:
    """Make the lines after a place, which is on 1-based line `line` of the document."""
    end = len(text)
    if end > _REACH:
        end = text.rfind("\n", 0, _REACH) + 1 or _REACH
    rows = _rows(clean(text[:end]))
    cut = _boundary(line - 1, _MOST_LINES - _BLOCK) if len(rows) > _MOST_LINES else len(rows)
    pieces = _pieces(rows[:cut], from_end=False)
    blocks = list(_blocks(rows[cut:], line - 1 + cut))
    priorities = _priorities(len(pieces), len(blocks), _SUFFIX_SHARE)
    return lines([*pieces, *blocks], priorities, name=name, path=path, line=line)


@lru_cache(maxsize=64)  # the same at every key but those that make a line
def _priorities(pieces: int, blocks: int, share: float) -> tuple[float, ...]:
    """Return the priorities of pieces and of the blocks beyond them, from the cursor outwards."""
    near = int(_NEAR_LINES * share)
    falling = ((NEAR if distance <= near else FAR) - distance / share for distance in range(1, pieces))
    return (
        *((TOP,) if pieces else ()),
        *falling,
        *(FAR - (pieces + _BLOCK * number) / share for number in range(1, blocks + 1)),
    )


def _rows(text: str) -> list[str]:
    return list(StringIO(text, newline="\n"))  # cut at line feeds alone, in C


def _boundary(first: int, row: int) -> int:
    """Return the first row at or after `row` at which a block of the document begins; 0 where `row` is none."""
    return row + -(first + row) % _BLOCK if row > 0 else 0


def _blocks(rows: list[str], first: int) -> Iterator[str]:
    """Join rows to blocks; row 0 is line `first` (0-based) of the document."""
    start = 0
    while start < len(rows):
        end = _boundary(first, start + 1)
        yield "".join(rows[start:end])
        start = end


def _pieces(rows: list[str], *, from_end: bool) -> list[str]:
    """Cut lines that are too long into pieces, whole ones towards the cursor."""
    return [
        piece
        for row in rows
        for piece in ((row,) if len(row) <= _LONGEST_PIECE else _cut(row, len(row) % _LONGEST_PIECE * from_end))
    ]


def _cut(row: str, odd: int) -> Iterator[str]:
    if odd:
        yield row[:odd]
    for start in range(odd, len(row), _LONGEST_PIECE):
        yield row[start : start + _LONGEST_PIECE]
