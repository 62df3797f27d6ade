"""The lines round a cursor or a target: the nearer, the higher their priority, prefix to suffix as 70 to 30.

Each side is one `Lines` node. What a side holds depends on the text near the place alone: what is further away than any
usual budget reaches is not looked at, so that a key costs the same in every document.
"""

from collections.abc import Callable, Iterator

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
    pieces = [piece for row in rows[cut:] for piece in _pieces(row, from_end=True)]
    priorities = [
        *(FAR - (len(pieces) + _BLOCK * number) / _PREFIX_SHARE for number in range(len(blocks), 0, -1)),
        *(_priority(distance, _PREFIX_SHARE) for distance in range(len(pieces) - 1, -1, -1)),
    ]
    return lines([*blocks, *pieces], priorities, name=name, path=path, line=first + 1)


def after(text: str, *, clean: Clean = _as_it_is, path: str = "", name: str = "suffix", line: int = 1) -> Lines:
    """Make the lines after a place, which is on 1-based line `line` of the document."""
    end = len(text)
    if end > _REACH:
        end = text.rfind("\n", 0, _REACH) + 1 or _REACH
    rows = _rows(clean(text[:end]))
    cut = _boundary(line - 1, _MOST_LINES - _BLOCK) if len(rows) > _MOST_LINES else len(rows)
    pieces = [piece for row in rows[:cut] for piece in _pieces(row, from_end=False)]
    blocks = list(_blocks(rows[cut:], line - 1 + cut))
    priorities = [
        *(_priority(distance, _SUFFIX_SHARE) for distance in range(len(pieces))),
        *(FAR - (len(pieces) + _BLOCK * number) / _SUFFIX_SHARE for number in range(1, len(blocks) + 1)),
    ]
    return lines([*pieces, *blocks], priorities, name=name, path=path, line=line)


def _priority(distance: int, share: float) -> float:
    if distance == 0:
        return TOP
    return (NEAR if distance <= _NEAR_LINES * share else FAR) - distance / share


def _rows(text: str) -> list[str]:
    rows = [f"{row}\n" for row in text.split("\n")]
    last = rows.pop()[:-1]
    return [*rows, last] if last else rows


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


def _pieces(row: str, *, from_end: bool) -> Iterator[str]:
    """Cut a line that is too long into pieces, whole ones towards the cursor."""
    odd = len(row) % _LONGEST_PIECE if from_end else 0
    if odd:
        yield row[:odd]
    for start in range(odd, len(row), _LONGEST_PIECE):
        yield row[start : start + _LONGEST_PIECE]
