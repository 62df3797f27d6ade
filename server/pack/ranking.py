"""Which files matter most: to a question by search, else by how much the workspace leans on them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from kibitz.indexer.pathnames import COMPAT, EXAMPLES, TESTS
from kibitz.indexer.terms import split

if TYPE_CHECKING:
    from kibitz.indexer.search import Searcher
    from kibitz.indexer.types import Hit, Span

_TIERS = 8  # to a doubling of the rank: among the files of one, what still fits is taken
_ASIDE = TESTS | EXAMPLES | COMPAT


@dataclass(frozen=True, slots=True)
class Ranked:
    """Paths, those that matter most first; of those that a question found, the lines that it found in them."""

    paths: tuple[str, ...]
    found: Mapping[str, "tuple[Span, ...]"] = field(default_factory=dict)


def by_centrality(paths: Sequence[str], searcher: "Searcher | None") -> Ranked:
    """The code that the rest leans on first; tests, examples and what was fetched last."""
    central: dict[str, float] = {}
    if searcher is not None:
        view = searcher.view
        central = dict(zip(view.paths, view.centrality.tolist(), strict=True))

    def key(path: str) -> tuple[bool, bool, float, str]:
        return not _is_readme(path), _is_aside(path), -central.get(path, 0.0), path

    return Ranked(tuple(sorted(paths, key=key)))


def by_question(hits: "Sequence[Hit]") -> Ranked:
    """The files that a search found, in its order, with the lines that are still where it found them."""
    found: dict[str, tuple[Span, ...]] = {}
    for hit in hits:
        spans = found.setdefault(hit.chunk.path, ())
        if not hit.stale:
            found[hit.chunk.path] = (*spans, hit.chunk.span)
    return Ranked(tuple(found), found)


def tier(rank: float) -> float:
    """The rank that stands for all those near it; greater ranks are near each other from further away."""
    return math.floor(_TIERS * math.log2(1 + rank)) / _TIERS


def _is_readme(path: str) -> bool:
    return "/" not in path and path.lower().startswith("readme")


def _is_aside(path: str) -> bool:
    return any(map(_says_aside, path.split("/")))


@lru_cache(maxsize=1 << 16)  # paths share their folders
def _says_aside(part: str) -> bool:
    return not _ASIDE.isdisjoint(split(part.split(".", maxsplit=1)[0]))
