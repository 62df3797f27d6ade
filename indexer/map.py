"""The repository map: the files that a workspace leans on most, and the definitions that make them matter.

What is open, mentioned or edited pulls the map to what it leans on. The map is data: whoever shows it cuts it to a
budget of lines or tokens with `fitted`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.graph import Graph
from kibitz.indexer.links import ASIDE, value_of
from kibitz.indexer.lookup import Name, Sources
from kibitz.indexer.outline import Symbol
from kibitz.indexer.ragged import Ints, offsets_of
from kibitz.indexer.rank import largest
from kibitz.indexer.segment import definition_key, name_key
from kibitz.indexer.vectors import Floats
from kibitz.indexer.view import View

FOCUS_SHARE = 0.8  # of the walks that start anew, where something is in focus
LEAST_SHARE = 1e-4  # of the strongest definition's score: what is weaker is not on a map
MENTIONED = 10.0  # what the definitions of a name weigh that was mentioned


@lru_cache(maxsize=1 << 14)  # a map has the same names again and again
def _described(name: str) -> tuple[int, float]:
    return name_key(name), value_of(name)


@dataclass(frozen=True, slots=True)
class Focus:
    """What a map is for: paths of open files, names or paths that were mentioned, and paths of edited files."""

    open: tuple[str, ...] = ()
    mentioned: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MappedSymbol:
    """A definition and its part of the file's rank that comes through its name."""

    symbol: Symbol
    score: float


@dataclass(frozen=True, slots=True)
class MappedFile:
    """A file, its share of all ranks, and its definitions that are referred to most, in the order of its text."""

    path: str
    score: float
    symbols: tuple[MappedSymbol, ...]


@dataclass(frozen=True, slots=True)
class MapResult:
    """A repository map: the files by falling score, of `total` that the workspace has."""

    files: tuple[MappedFile, ...]
    total: int


def repository_map(graph: Graph, view: View, sources: Sources, focus: Focus, limit: int) -> MapResult:
    """Map a workspace.

    Args:
        graph: of this view, with the ranks of an earlier one to start from.
        view: the files and chunks that answer.
        sources: their texts.
        focus: what it is for; files that are open are not on the map, for they are at hand.
        limit: how many definitions at most.
    """
    hidden = _named(view, focus.open)
    numbers = _mentioned_numbers(graph, view, focus.mentioned)
    ranks = graph.ranks(_restart(graph, view, hidden, focus), focus if focus != Focus() else None)
    flows = graph.flows(ranks)
    flows[numbers] *= MENTIONED
    shown = graph.alive.copy()
    shown[graph.node_of[hidden]] = False
    least, nodes = _strongest(graph, flows, shown, limit)
    file_of = np.full(len(graph.alive), -1)
    file_of[graph.node_of] = np.arange(len(view.paths))
    nodes = nodes[np.argsort(-ranks[nodes], kind="stable")]
    paths = [view.paths[file] for file in file_of[nodes].tolist()]
    every = [sources.symbols(path, view.blob(int(file))) for path, file in zip(paths, file_of[nodes], strict=True)]
    scores = _scores(graph, flows, nodes, view.aside[file_of[nodes]], every)
    files = [
        MappedFile(path, float(ranks[node]), _with_holders(symbols, theirs, least))
        for path, node, symbols, theirs in zip(paths, nodes.tolist(), every, scores, strict=True)
    ]
    return MapResult(tuple(file for file in files if file.symbols), view.files)


def fitted(result: MapResult, budget: int, cost: Callable[[str], int]) -> str:
    """The map as text within a budget: the strongest definitions, each below its file and what it stands in.

    Args:
        result: the map.
        budget: what all lines may cost together.
        cost: of one line with its end: 1 for a budget of lines, the tokens in it for one of tokens.
    """
    order = sorted(
        (-one.score, at, place) for at, file in enumerate(result.files) for place, one in enumerate(file.symbols)
    )
    kept: dict[int, list[int]] = {}
    for _, at, place in order:
        file = result.files[at]
        more = cost(_line(file.symbols[place].symbol)) + (cost(f"{file.path}\n") if at not in kept else 0)
        if more > budget:
            break
        budget -= more
        kept.setdefault(at, []).append(place)
    lines: list[str] = []
    for at in sorted(kept):
        lines.append(f"{result.files[at].path}\n")
        lines += [_line(result.files[at].symbols[place].symbol) for place in sorted(kept[at])]
    return "".join(lines)


def _line(symbol: Symbol) -> str:
    return f"{symbol.line + 1:>6} {'  ' * symbol.depth}{symbol.signature}\n"


def _named(view: View, paths: Iterable[str]) -> Ints:
    """The living files that some paths name: whole ones, or their ends."""
    wanted = tuple({path.strip("/").removeprefix("./") for path in paths} - {""})
    ends = tuple(f"/{path}" for path in wanted)
    found = [at for at, path in enumerate(view.paths) if path in wanted or path.endswith(ends)] if wanted else []
    numbers = np.array(found, np.int64)
    return numbers[view.alive[numbers]]


def _mentioned_numbers(graph: Graph, view: View, mentioned: Iterable[str]) -> Ints:
    """The graph's numbers of names that were mentioned, in all languages."""
    spellings = [form for name in mentioned for form in (name.lower(), name.lower().capitalize(), name)]
    return graph.numbers_of(np.array([name_key(name) for name in spellings], np.uint32))


def _restart(graph: Graph, view: View, hidden: Ints, focus: Focus) -> Floats:
    """How often a walk starts anew in each file, (f,) with sum 1."""
    anywhere = graph.evenly()
    pulled = np.zeros(len(view.paths))
    for files in (hidden, _named(view, focus.edited), _named(view, focus.mentioned)):
        pulled[files] += 1
    for name in focus.mentioned:
        chunks, _ = view.definitions.get(definition_key(Name.of(name).last))
        files = np.unique(view.file_of[chunks])
        pulled[files] += 1 / max(len(files), 1)
    if not pulled.any():
        return anywhere
    mixed: Floats = (FOCUS_SHARE * pulled / pulled.sum() + (1 - FOCUS_SHARE) * anywhere).astype(np.float32)
    return mixed


def _strongest(graph: Graph, flows: Floats, shown: NDArray[np.bool_], limit: int) -> tuple[float, Ints]:
    """The score of the `limit`-th strongest definition, and the nodes that have one as strong."""
    nodes, scores = graph.defined(flows, shown)
    if limit < 1 or not len(scores):
        return 0.0, nodes[:0]
    least = float(largest(scores, limit)) if len(scores) > limit else 0.0
    least = max(least, float(scores.max()) * LEAST_SHARE)
    return least, np.unique(nodes[scores >= least])


def _scores(
    graph: Graph, flows: Floats, nodes: Ints, aside: NDArray[np.bool_], every: Sequence[Sequence[Symbol]]
) -> list[Floats]:
    """What of the flows each symbol of some nodes gets."""
    names = [_described(one.name) for symbols in every for one in symbols]
    keys = np.array([key for key, _ in names], np.uint32)
    values = np.array([value for _, value in names], np.float32)
    sizes = [len(symbols) for symbols in every]
    values *= np.repeat(np.where(aside, np.float32(ASIDE), np.float32(1)), sizes)
    scores = graph.strengths(flows, np.repeat(nodes, sizes), keys) * values
    return [scores[start:end] for start, end in pairwise(offsets_of(sizes).tolist())]


def _with_holders(symbols: Sequence[Symbol], scores: Floats, least: float) -> tuple[MappedSymbol, ...]:
    """The symbols that are strong enough, each name once, and what they stand in."""
    best: dict[int, float] = {}
    seen: set[str] = set()
    for at in (scores >= least).nonzero()[0].tolist():
        symbol, score = symbols[at], float(scores[at])
        around = _holders(symbols, at)
        # A `typedef struct` is two definitions that look the same.
        if symbol.symbol not in seen and not (around and symbols[around[0]].signature == symbol.signature):
            seen.add(symbol.symbol)
            for one in (at, *around):
                best[one] = max(best.get(one, 0.0), score)
    return tuple(MappedSymbol(symbols[at], best[at]) for at in sorted(best))


def _holders(symbols: Sequence[Symbol], at: int) -> list[int]:
    """The places of the symbols that one stands in, the innermost first."""
    found: list[int] = []
    depth = symbols[at].depth
    while depth:
        at -= 1
        if symbols[at].depth < depth:
            depth = symbols[at].depth
            found.append(at)
    return found
