"""The lines round a cursor or a target: the nearer, the higher their priority, prefix to suffix as 70 to 30."""

import re
from collections.abc import Iterator

from kibitz.prompts.nodes import Scope, scope

# Three bands, falling: a window round the cursor first, then context from elsewhere, then the rest of the document.
# Without the window no context would ever be shown in a long document; without the band below it, a short list of
# hits would leave room unused.
NEAR = 3_000.0
CONTEXT = 2_000.0
FULL = 1_500.0  # of context that was cut to its head
FAR = 1_000.0

_PREFIX_SHARE, _SUFFIX_SHARE = 0.7, 0.3
_NEAR_LINES = 90  # of the prefix and suffix together
_MOST_LINES = 1_000  # on a side, more than any usual budget shows; further lines are one part
_LONGEST_PIECE = 200  # characters; a longer line is cut, so that a minified file still has a nearest part
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def before(text: str, *, path: str = "", name: str = "prefix") -> list[Scope]:
    """Make scopes of the lines before a place; the piece that touches it is always shown."""
    pieces = list(_pieces(text, from_end=True))
    first_line = 1 + text.count("\n") - sum(piece.count("\n") for piece in pieces[-_MOST_LINES:])
    kept = pieces[-_MOST_LINES:]
    rest = "".join(pieces[:-_MOST_LINES])
    scopes = [_far(rest, name, path)] if rest else []
    line = first_line
    for distance, piece in zip(range(len(kept) - 1, -1, -1), kept, strict=True):
        scopes.append(_near(piece, distance, _PREFIX_SHARE, name, f"{path}:{line}" if path else ""))
        line += piece.count("\n")
    return scopes


def after(text: str, *, path: str = "", name: str = "suffix", line: int = 1) -> list[Scope]:
    """Make scopes of the lines after a place, which is on 1-based line `line` of the document."""
    pieces = list(_pieces(text, from_end=False))
    scopes = []
    for distance, piece in enumerate(pieces[:_MOST_LINES]):
        scopes.append(_near(piece, distance, _SUFFIX_SHARE, name, f"{path}:{line}" if path else ""))
        line += piece.count("\n")
    rest = "".join(pieces[_MOST_LINES:])
    return [*scopes, _far(rest, name, path)] if rest else scopes


def _near(piece: str, distance: int, share: float, name: str, origin: str) -> Scope:
    if distance == 0:
        return scope(piece, name=name, origin=origin)
    band = NEAR if distance <= _NEAR_LINES * share else FAR
    return scope(piece, p=band - distance / share, name=name, origin=origin)


def _far(text: str, name: str, path: str) -> Scope:
    return scope(text, p=FAR - _MOST_LINES / _SUFFIX_SHARE - 1, name=name, origin=path)


def _pieces(text: str, *, from_end: bool) -> Iterator[str]:
    """Cut a text into lines, and lines that are too long into pieces, whole ones towards the cursor."""
    for line in _LINE.findall(text):
        odd = len(line) % _LONGEST_PIECE if from_end else 0
        if odd:
            yield line[:odd]
        for start in range(odd, len(line), _LONGEST_PIECE):
            yield line[start : start + _LONGEST_PIECE]
