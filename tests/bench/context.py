"""How many of the names of a hidden line the prompt for ghost text holds, though nothing near the line does.

`python -m tests.bench.context FOLDER_OF_CHECKOUTS` draws places (hidden_names.py) of every tree, indexes the trees,
takes a line away, and renders the prompt of each side (context_sides.py) with the same form, Qwen Coder's, to the same
budget: 2,048 tokens of o200k_base, 128 of them for the answer. Each shows 90 lines round the cursor first, and none is
shown the document's own lines near the cursor from the index. The sides:

- "document": the document alone;
- "windows": of each of up to 20 documents that were open lately the 60 lines with the largest Jaccard index of words
  to the 60 above the cursor, the best four: what assistants without an index do. "Lately" is what was changed
  together with the file in the last commits that touched it, then its folder;
- "narrow windows": the same of 20 lines, up to three of a document, the best twelve;
- "BM25": chunks by plain BM25 alone;
- "words": the best hits of lexical search alone; "hits": of the whole search;
- "gathered": what Kibitz shows, with the same documents open; with --without also without one of its sources each.

Shares are of all hidden names; intervals are of a bootstrap over places and of one over trees. Times are of making the
context, the search in it where there is one, in this thread; most files were not read before.
"""

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from kibitz.indexer.read import decode
from kibitz.indexer.workspace import survey
from tests.bench.context_sides import ABLATED, SIDES, Side, Tree, prompt
from tests.bench.costs import machine, percentile
from tests.bench.hidden_names import Place, draw, words
from tests.bench.significance import paired

PEER = "windows"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Which of a place's hidden names one side's prompt holds; its tokens, and what making the context took."""

    place: Place
    held: frozenset[str]
    tokens: int
    took_ms: float

    @property
    def share(self) -> float:
        """The share of the place's hidden names that is there."""
        return len(self.held) / len(self.place.names)


def outcome(tree: Tree, place: Place, side: Side) -> Outcome:
    """Make one side's prompt at a place and look for the names in it."""
    at, line = place.at(tree.texts[place.path])
    began = time.perf_counter()
    context = side(tree, place, at)
    took_ms = (time.perf_counter() - began) * 1_000
    rendered = prompt(tree, at, context)
    shown = rendered.text or ""
    assert not told_away(tree, line, shown), place
    return Outcome(place, frozenset(place.names) & words(shown), rendered.tokens, took_ms)


def told_away(tree: Tree, line: str, shown: str) -> bool:
    """Whether a prompt holds the hidden line although it stands nowhere else."""
    if len(line) <= 20 or line not in shown:
        return False
    read = (decode((tree.root / one.path).read_bytes()) for one in survey(tree.root).files)  # documentation, too
    return sum(line in row for text in read if text is not None for row in text[0].split("\n")) <= 1


def pooled(outcomes: Sequence[Outcome], where: Callable[[Place], Sequence[str]] = lambda place: place.names) -> str:
    """The share of all these places' names that is there, in digits."""
    held = [name in one.held for one in outcomes for name in where(one.place)]
    return f"{statistics.fmean(held):.3f}" if held else ""


def here(place: Place) -> Sequence[str]:
    """The hidden names that the file holds elsewhere."""
    return [name for name in place.names if name in place.here]


def elsewhere(place: Place) -> Sequence[str]:
    """The hidden names that other files hold."""
    return [name for name in place.names if name not in place.here]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", type=Path, nargs="+", help="folders of git checkouts")
    parser.add_argument("--places", type=int, default=24, help="of each tree")
    parser.add_argument("--only", nargs="*", default=(), help="names of trees")
    parser.add_argument("--draw", default=" judged", help="which places: weights were fitted on those of an empty name")
    parser.add_argument("--without", action="store_true", help="leave out each source in turn")
    parser.add_argument("--cache", type=Path, help="a folder to keep the indices in")
    args = parser.parse_args()
    compared = SIDES | (ABLATED if args.without else {})
    found: dict[str, list[Outcome]] = defaultdict(list)
    chunks = 0
    with ExitStack() as stack:
        cache = args.cache or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for root in sorted(one for folder in args.trees for one in folder.iterdir()):
            if args.only and root.name not in args.only:
                continue
            tree = Tree.opened(root, cache)
            chunks += tree.searcher.view.chunks
            for place in draw(root, tree.texts, args.places, args.draw):
                for name, side in compared.items():
                    found[name].append(outcome(tree, place, side))
    report(found, chunks)


def report(found: Mapping[str, Sequence[Outcome]], chunks: int) -> None:
    """Print what was found."""
    peers = found[PEER]
    trees = {one.place.tree for one in peers}
    print(f"{machine()}\n{len(peers)} places in {len(trees)} trees of {chunks:,} chunks, ", end="")
    print(f"{sum(len(one.place.names) for one in peers)} hidden names\n")
    print("| side | all | of this file | of others | to windows, by place | by tree | tokens | ms p50 | p95 |")
    print("|---|--:|--:|--:|---|---|--:|--:|--:|")
    for name, ours in found.items():
        shares = f"{pooled(ours)} | {pooled(ours, here)} | {pooled(ours, elsewhere)}"
        against = f"{_times(ours, peers, by_tree=False)} | {_times(ours, peers, by_tree=True)}"
        tokens = statistics.fmean(one.tokens for one in ours)
        taken = [one.took_ms for one in ours]
        times = f"{percentile(taken, 50):.0f} | {percentile(taken, 95):.0f}"
        print(f"| {name} | {shares} | {against} | {tokens:,.0f} | {times} |")
    print(f"\n| language | names | {' | '.join(found)} |\n|---|--:|{'--:|' * len(found)}")
    for language in sorted({one.place.language for one in peers}):
        rows = [[one for one in ours if one.place.language == language] for ours in found.values()]
        names = sum(len(one.place.names) for one in rows[0])
        print(f"| {language} | {names} | {' | '.join(map(pooled, rows))} |")


def _times(ours: Sequence[Outcome], theirs: Sequence[Outcome], *, by_tree: bool) -> str:
    """How many times the share of the one the other's is, with an interval of draws of places or of trees."""
    if ours is theirs:
        return ""
    found = paired(*(_scores(side, by_tree=by_tree) for side in (ours, theirs)))
    return f"{found.ratio:.2f} [{found.ratio_low:.2f}, {found.ratio_high:.2f}]"


def _scores(outcomes: Sequence[Outcome], *, by_tree: bool) -> dict[str, list[float]]:
    scores: dict[str, list[float]] = defaultdict(list)
    for number, one in enumerate(outcomes):
        scores[one.place.tree if by_tree else f"{number:06}"].append(one.share)
    return scores


if __name__ == "__main__":
    main()
