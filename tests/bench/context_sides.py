"""What a completion's context may be made of: the sides that `context.py` compares, all rendered with one form."""

import functools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Self
from unittest import mock

from kibitz.indexer.embed.static import load_static
from kibitz.indexer.index import update
from kibitz.indexer.search import Searcher
from kibitz.indexer.types import Hit
from kibitz.prompts.render import Rendered, render
from kibitz.prompts.templates.complete import FAMILIES, fim_tree
from kibitz.prompts.templates.context import NOTHING, Context, ContextItem
from kibitz.prompts.tokens import TiktokenTokenizer
from kibitz.server.completion import gather, material
from kibitz.server.completion.gather import Gatherer, Known
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.completion.suggest import HITS, of_hits, query
from tests.bench.hidden_names import Place, texts_of, words
from tests.bench.retrieval import plain_bm25

BUDGET, RESERVE = 2_048, 128  # tokens in all, and those of them that the answer has
WINDOW, WINDOWS = 60, 4  # lines, and how many are shown
NARROW, NARROWS = 20, 12
PER_FILE = 3  # chunks of a file, as ghost text asks for
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

    @classmethod
    def opened(cls, root: Path, cache: Path) -> Self:
        """Index a tree, unless the cache has its index."""
        update(root, cache_dir=cache, embedder=load_static())
        return cls(root, Searcher.open(root, cache_dir=cache, embedder=load_static()), texts_of(root))


Side = Callable[[Tree, Place, Snapshot], Context]


def windows(tree: Tree, place: Place, at: Snapshot, *, size: int = WINDOW, many: int = WINDOWS) -> Context:
    """The windows of documents open lately that are most like the lines above the cursor."""
    like = words("\n".join(at.prefix.split("\n")[-size:]))
    found: list[tuple[float, str, int]] = []
    for path in (one for one in place.recent if tree.texts[one].strip()):
        rows = [words(row) for row in tree.texts[path].split("\n")]
        starts = range(max(1, len(rows) - size + 1))
        of = [(jaccard(like, set().union(*rows[start : start + size])), path, start) for start in starts]
        found += apart(of, size, many // WINDOWS)
    best = sorted(found, key=lambda one: -one[0])[:many]
    return Context(items=[_lines(tree, path, start, size) for _, path, start in best])


def apart(of: Sequence[tuple[float, str, int]], size: int, many: int) -> list[tuple[float, str, int]]:
    """Return the likest windows of one file, as many as asked for, none over another."""
    chosen: list[tuple[float, str, int]] = []
    for one in sorted(of, key=lambda one: -one[0]):
        if len(chosen) == many:
            break
        if all(abs(one[2] - other[2]) >= size for other in chosen):
            chosen.append(one)
    return chosen


def jaccard(one: set[str], other: set[str]) -> float:
    """Return the share of two sets' members that both have."""
    return len(one & other) / max(1, len(one | other))


def _lines(tree: Tree, path: str, start: int, size: int) -> ContextItem:
    rows = tree.texts[path].split("\n")[start : start + size]
    where = f"{path}:{start + 1}-{start + len(rows)}"
    return ContextItem(where, "\n".join(rows) + "\n", where, path, start + 1, start + len(rows))


def bm25(tree: Tree, place: Place, at: Snapshot) -> Context:
    """The chunks of the index that plain BM25 finds for the lines at the cursor."""
    found = plain_bm25(tree.searcher, query(at))[:HITS]
    with tree.searcher.answering() as (_, files):
        shown = [_with_text(hit, files.text(hit.chunk.path) or "") for hit in found]
    return of_hits(at, shown, BUDGET - RESERVE)


def _with_text(hit: Hit, text: str) -> Hit:
    rows = text.split("\n")[hit.chunk.span.start : hit.chunk.span.end]
    return replace(hit, chunk=replace(hit.chunk, text="\n".join(rows) + "\n"))


def hits(tree: Tree, place: Place, at: Snapshot, legs: Sequence[str] = ("lexical", "vector")) -> Context:
    """The best hits of the index for the lines at the cursor."""
    return of_hits(at, tree.searcher.search(query(at), HITS, legs=legs, per_file=PER_FILE), BUDGET - RESERVE)


def gathered(
    tree: Tree, place: Place, at: Snapshot, *, search: bool = True, recent: bool = True, without: str = ""
) -> Context:
    """What Kibitz shows."""
    found = tree.searcher.search(query(at), HITS, per_file=PER_FILE) if search else ()
    known = Known(found, [(path, tree.texts[path]) for path in reversed(place.recent)] if recent else ())
    work = partial(tree.gatherer.gather, at, known, budget_tokens=BUDGET - RESERVE, answering=tree.searcher.answering)
    if without:
        with WITHOUT[without]():
            return work()
    return work()


SIDES: dict[str, Side] = {
    "document": lambda *_: NOTHING,
    "windows": windows,
    "narrow windows": partial(windows, size=NARROW, many=NARROWS),
    "BM25": bm25,
    "words": partial(hits, legs=("lexical",)),
    "hits": hits,
    "gathered": gathered,
}
ABLATED: dict[str, Side] = {
    **{f"without {name}": partial(gathered, without=name) for name in WITHOUT},
    "without hits": partial(gathered, search=False),
    "without open documents": partial(gathered, recent=False),
}


def prompt(tree: Tree, at: Snapshot, context: Context) -> Rendered:
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
    return render(made, budget_tokens=BUDGET, tokenizer=_tokenizer())


@functools.cache
def _tokenizer() -> TiktokenTokenizer:
    return TiktokenTokenizer("o200k_base")
