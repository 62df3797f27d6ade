"""What thousands of indexed repositories cost a process that answers in a few of them: nothing for those it never asks.

Folders of --files files each are made of SOURCE's and indexed. One process then answers in --asked of them, as many
questions in each as it takes to tell the first from a warm one, and says how many files it has open and what memory it
takes: before the first, with all of them open, and when they are let go.
"""

import argparse
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from kibitz.indexer.embed.static import load_static
from kibitz.indexer.search import Searcher
from tests.bench.cold import INDEX_ALL
from tests.bench.costs import machine, memory, percentile, run
from tests.bench.sample import copy, mixed

WARM = 9
QUESTION = "where is a wrong value refused"


def make(source: Path, folder: Path, count: int, files: int) -> list[Path]:
    """So many folders with different files, as far as there are enough."""
    paths = mixed(source)
    trees = [folder / f"repository-{number}" for number in range(count)]
    for number, tree in enumerate(trees):
        copy(source, tree, [paths[(number * files + at) % len(paths)] for at in range(files)])
    return trees


def state() -> dict[str, float]:
    return {"open": len(list(Path("/proc/self/fd").iterdir())) - 1, "mb": memory([os.getpid()])}


def answer(cache: Path, trees: list[Path]) -> dict[str, Any]:
    """What a process sees that answers in these folders, one after the other, and keeps them open."""
    embedder = load_static()
    embedder.embed_query(QUESTION)
    seen: dict[str, Any] = {"before": state(), "first": [], "warm": []}
    searchers = []
    for tree in trees:
        times = []
        for number in range(WARM + 1):
            began = time.perf_counter()
            if number == 0:
                searchers.append(Searcher.open(tree, cache_dir=cache, embedder=embedder))
            searchers[-1].search(QUESTION)
            times.append((time.perf_counter() - began) * 1000)
        seen["first"].append(times[0])
        seen["warm"].append(statistics.median(times[1:]))
    seen["open"] = state()
    searchers.clear()
    gc.collect()
    seen["let go"] = state()
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="nothing is written there")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--files", type=int, default=10, help="of each")
    parser.add_argument("--asked", type=int, default=10, help="in how many a question is asked")
    parser.add_argument("--answer", type=Path, nargs="+", help=argparse.SUPPRESS)  # the process that is measured
    args = parser.parse_args()
    if args.answer:
        print(json.dumps(answer(args.source, args.answer)))
        return
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
        folder, cache = Path(temporary, "trees"), Path(temporary, "cache")
        trees = make(args.source.resolve(), folder, args.count, args.files)
        indexed = run([*INDEX_ALL, cache, folder])
        print(f"{len(trees)} folders indexed: {indexed.wall:.0f} s, CPU {indexed.cpu:.0f} s\n", flush=True)
        chosen = trees[:: max(1, len(trees) // args.asked)][: args.asked]
        seen = json.loads(run([sys.executable, "-m", "tests.bench.many", cache, "--answer", *chosen]).output)
    print(f"{machine()}\n\n| a process that | open files | PSS MB |\n|---|--:|--:|")
    for name, key in (("has asked none", "before"), (f"has {len(chosen)} open", "open"), ("has let them go", "let go")):
        print(f"| {name} | {seen[key]['open']} | {seen[key]['mb']:.1f} |")
    more = [first - warm for first, warm in zip(seen["first"], seen["warm"], strict=True)]
    print("\n| question | median ms | largest ms |\n|---|--:|--:|")
    print(f"| warm | {statistics.median(seen['warm']):.1f} | {max(seen['warm']):.1f} |")
    print(f"| the first in a folder takes more | {percentile(more[1:], 50):.1f} | {max(more[1:]):.1f} |")
    print(f"| the process's very first takes more | {more[0]:.1f} | |")


if __name__ == "__main__":
    main()
