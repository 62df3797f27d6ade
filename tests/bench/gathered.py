"""How many of the names of a hidden line the prompt for ghost text holds, though nothing near the line does.

`python -m tests.bench.gathered FOLDER_OF_CHECKOUTS` draws places (hidden_names.py) of every tree, indexes the trees,
takes a line away, and renders the prompt of each side with the same form, Qwen Coder's, to the same budget: 2,048
tokens of o200k_base, 128 of them for the answer. Each shows 90 lines round the cursor first, and none is shown the
document's own lines from the index. The sides:

- "document": the document alone;
- "windows": of each of up to 20 documents that were open lately the 60 lines with the largest Jaccard index of words
  to the 60 above the cursor, the best four: what assistants without an index do. "Lately" is what was changed
  together with the file in the last commits that touched it, then its folder;
- "words": the best hits of lexical search alone; "hits": of the whole search;
- "gathered": what Kibitz shows, with the same documents open; with --without also without one of its sources each.

A share is that of all hidden names; intervals are of a bootstrap over trees. Times are of gathering alone, in this
thread, at places one after another ("first": most files were not read before) and again at the same place.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from unittest import mock

from kibitz.indexer.embed.static import load_static
from kibitz.indexer.index import update
from kibitz.indexer.search import Searcher
from kibitz.prompts.render import render
from kibitz.prompts.templates.complete import FAMILIES, fim_tree
from kibitz.prompts.templates.context import NOTHING, Context, ContextItem
from kibitz.prompts.tokens import TiktokenTokenizer
from kibitz.server.completion import gather, material
from kibitz.server.completion.gather import Gatherer, Known
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.completion.suggest import HITS, of_hits, query
from tests.bench.costs import machine, percentile
from tests.bench.hidden_names import Place, draw, texts_of, words
from tests.bench.significance import paired

BUDGET, RESERVE = 2_048, 128
WINDOW, WINDOWS = 60, 4
OURS, PEER = "gathered", "windows"
WITHOUT: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "the document's other lines": lambda: mock.patch.object(material.Material, "own", lambda *_: ()),
    "what it imports": lambda: mock.patch.object(material, "imports_of", lambda *_: {}),
    "its siblings": lambda: mock.patch.object(material, "siblings_of", lambda *_: []),
    "definers": lambda: mock.patch.object(gather, "definers_of", lambda *_: {}),
    "outlines": lambda: mock.patch.object(gather, "DEFINITIONS", 0),
}


@dataclass
class Tree:
    """An indexed tree with what is kept of it from place to place."""

    root: Path
    searcher: Searcher
    texts: dict[str, str]
    gatherer: Gatherer = field(default_factory=Gatherer)


Side = Callable[[Tree, Place, Snapshot], Context]


def windows(tree: Tree, place: Place, at: Snapshot) -> Context:
    """The windows of documents open lately that are most like the lines above the cursor."""
    like = words("\n".join(at.prefix.split("\n")[-WINDOW:]))
    found: list[tuple[float, str, int]] = []
    for path in (one for one in place.recent if tree.texts[one].strip()):
        rows = [words(row) for row in tree.texts[path].split("\n")]
        starts = range(max(1, len(rows) - WINDOW + 1))
        of = [(_jaccard(like, set().union(*rows[start : start + WINDOW])), path, start) for start in starts]
        found.append(max(of, key=lambda one: one[0]))
    best = sorted(found, key=lambda one: -one[0])[:WINDOWS]
    return Context(items=[_lines(tree, path, start) for _, path, start in best])


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def _lines(tree: Tree, path: str, start: int) -> ContextItem:
    rows = tree.texts[path].split("\n")[start : start + WINDOW]
    where = f"{path}:{start + 1}-{start + len(rows)}"
    return ContextItem(where, "\n".join(rows) + "\n", where, path, start + 1, start + len(rows))


def hits(tree: Tree, place: Place, at: Snapshot, legs: Sequence[str] = ("lexical", "vector")) -> Context:
    """The best hits of the index for the lines at the cursor."""
    return of_hits(at, tree.searcher.search(query(at), HITS, legs=legs), BUDGET)


def gathered(
    tree: Tree,
    place: Place,
    at: Snapshot,
    *,
    search: bool = True,
    recent: bool = True,
    without: str = "",
    taken: dict[str, list[float]] | None = None,
) -> Context:
    """What Kibitz shows."""
    found = tree.searcher.search(query(at), HITS) if search else ()
    known = Known(found, [(path, tree.texts[path]) for path in reversed(place.recent)] if recent else ())
    work = partial(tree.gatherer.gather, at, known, budget_tokens=BUDGET - RESERVE, answering=tree.searcher.answering)
    if without:
        with WITHOUT[without]():
            return work()
    for when in ("first", "again") if taken is not None else ():
        began = time.perf_counter()
        work()
        taken[when].append((time.perf_counter() - began) * 1_000)  # type: ignore[index]
    return work()


def sides(taken: dict[str, list[float]], *, ablate: bool) -> dict[str, Side]:
    """What is compared, by name."""
    made: dict[str, Side] = {
        "document": lambda *_: NOTHING,
        PEER: windows,
        "words": partial(hits, legs=("lexical",)),
        "hits": hits,
        OURS: partial(gathered, taken=taken),
    }
    if ablate:
        made |= {f"without {name}": partial(gathered, without=name) for name in WITHOUT}
        made |= {
            "without hits": partial(gathered, search=False),
            "without open documents": partial(gathered, recent=False),
        }
    return made


def prompt(tree: Tree, at: Snapshot, context: Context) -> str:
    """Render a side's prompt."""
    made = fim_tree(
        FAMILIES["qwen-coder"],
        prefix=at.prefix,
        suffix=at.suffix,
        path=at.path,
        repo=tree.root.name,
        context=context,
        reserve_tokens=RESERVE,
    )
    return render(made, budget_tokens=BUDGET, tokenizer=TiktokenTokenizer("o200k_base")).text or ""


def told_away(tree: Tree, place: Place, line: str, shown: str) -> bool:
    """Whether a prompt holds the hidden line although it stands nowhere else."""
    if len(line) <= 20 or line not in shown:
        return False
    return sum(line in row for text in tree.texts.values() for row in text.split("\n")) <= 1


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", type=Path, help="a folder of git checkouts")
    parser.add_argument("--places", type=int, default=30, help="of each tree")
    parser.add_argument("--only", nargs="*", default=(), help="names of trees")
    parser.add_argument("--without", action="store_true", help="leave out each source in turn")
    args = parser.parse_args()
    taken: dict[str, list[float]] = {"first": [], "again": []}
    compared = sides(taken, ablate=args.without)
    scores: dict[str, dict[str, list[float]]] = {name: {} for name in compared}
    found: dict[str, dict[bool, list[bool]]] = {name: {True: [], False: []} for name in compared}
    chunks = 0
    with tempfile.TemporaryDirectory() as cache:
        for root in sorted(one for one in args.trees.iterdir() if not args.only or one.name in args.only):
            update(root, cache_dir=Path(cache), embedder=load_static())
            searcher = Searcher.open(root, cache_dir=Path(cache), embedder=load_static())
            tree = Tree(root, searcher, texts_of(root))
            chunks += searcher.view.chunks
            for place in draw(root, tree.texts, args.places):
                at, line = place.at(tree.texts[place.path])
                for name, side in compared.items():
                    shown = prompt(tree, at, side(tree, place, at))
                    assert not told_away(tree, place, line, shown), (name, place)
                    held = words(shown)
                    for hidden in place.names:
                        found[name][hidden in place.here].append(hidden in held)
                    scores[name].setdefault(root.name, []).append(
                        statistics.fmean(hidden in held for hidden in place.names)
                    )
    report(scores, found, taken, chunks)


def report(
    scores: dict[str, dict[str, list[float]]],
    found: dict[str, dict[bool, list[bool]]],
    taken: dict[str, list[float]],
    chunks: int,
) -> None:
    """Print what was found."""
    places = sum(map(len, scores[OURS].values()))
    print(f"{machine()}\n{places} places in {len(scores[OURS])} trees of {chunks:,} chunks\n")
    print("| side | all | of this file | of others | by tree, to windows |\n|---|--:|--:|--:|---|")
    for name, by in found.items():
        shares = [statistics.fmean(one) for one in ([*by[True], *by[False]], by[True], by[False])]
        against = paired(scores[name], scores[PEER]) if name != PEER else ""
        print(f"| {name} | {' | '.join(f'{share:.3f}' for share in shares)} | {against} |")
    for when, times in taken.items():
        print(f"\ngathering, {when}: p50 {percentile(times, 50):.1f} ms, p95 {percentile(times, 95):.1f}")


if __name__ == "__main__":
    main()
