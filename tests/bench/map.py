"""How long a repository map takes: the first one, again, for another focus, and after one file has changed.

Maps of --limit definitions are asked of an open index in this process. A change is a function that is put into a file
of the tree, as an editor's document ahead of the index: a new name each time, which the same document also calls.
Cutting the file is not in the time, joining it is. CPU is this process's.
"""

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from kibitz.indexer.cut import Cutter, parse_text
from kibitz.indexer.embed.static import load_static
from kibitz.indexer.index import update
from kibitz.indexer.live import Seen
from kibitz.indexer.reparse import Reparser
from kibitz.indexer.search import Searcher
from tests.bench.costs import machine, percentile


def timed(answer: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of wall and of processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer()
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


def memory_mb() -> float:
    """The most that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def changed(tree: Path, path: str, name: str, cutter: Cutter) -> Seen:
    """A Python file of the tree with one function more, which is called in it."""
    text = (tree / path).read_text("utf-8") + f"\n\ndef {name}(value):\n    return [value]\n\n\n{name}(1)\n"
    return Seen(cutter.cut([parse_text(path, text, Reparser())]).piece, text)


def row(name: str, times: list[tuple[float, float]]) -> str:
    wall, cpu = ([each[side] for each in times] for side in (0, 1))
    return (
        f"| {name} | {percentile(wall, 50):.0f} | {percentile(wall, 95):.0f} "
        f"| {percentile(cpu, 50):.0f} | {percentile(cpu, 95):.0f} |"
    )


def measure(tree: Path, searcher: Searcher, limit: int, changes: int) -> list[str]:
    chosen = random.Random(1)
    view = searcher.view
    python = sorted(path for path in view.paths if path.endswith(".py"))
    subjects = chosen.sample(python, min(changes, len(python)))
    before = memory_mb()
    table = [row("the first", [timed(lambda: searcher.map(limit=limit))])]
    more = memory_mb() - before
    table.append(row("again, nothing changed", [timed(lambda: searcher.map(limit=limit)) for _ in range(changes)]))
    focused = [timed(lambda path=path: searcher.map(open=[path], limit=limit)) for path in subjects]  # type: ignore[misc]
    table.append(row("with another file open", focused))
    cutter, times, open_times = Cutter(load_static()), [], []
    for number, path in enumerate(subjects):
        searcher.put_ahead({path: changed(tree, path, f"added_function_{number}", cutter)})
        times.append(timed(lambda: searcher.map(limit=limit)))
        open_times.append(timed(lambda path=path: searcher.map(open=[path], limit=limit)))  # type: ignore[misc]
    table.append(row("after one file changed", times))
    table.append(row("then with that file open", open_times))
    return [*table, "", f"{more:.0f} MB more for the first; {memory_mb():.0f} MB at most in this process."]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--limit", type=int, default=200, help="definitions on a map")
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--cache", type=Path, help="keep the index here, or take it from here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
        cache, embedder = args.cache or Path(temporary), load_static()
        report = update(args.tree, cache_dir=cache, embedder=embedder)
        searcher = Searcher.open(args.tree, cache_dir=cache, embedder=embedder)
        lines = measure(args.tree, searcher, args.limit, args.changes)
    print(f"{machine()}\n\n{report.files} files, {report.chunks} chunks\n")
    print("| map | median ms | p95 ms | median CPU ms | p95 CPU ms |\n|---|--:|--:|--:|--:|")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
