"""How long a regular expression takes over a whole tree, and whether its lines are those that ripgrep finds.

`python -m tests.bench.regex TREE` indexes the tree, makes a folder of links to the files that are indexed, and gives
each of some 200 expressions to an open index and to `rg`, in turn. Both look for all lines. Prints a table in Markdown,
by kind of expression, and every line that one of them finds alone. rg is told to take `\\r\\n` for a line end (--crlf).
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.costs import KIBITZ, machine, memory, run
from tests.bench.expressions import Expression, drawn

if TYPE_CHECKING:
    from kibitz.indexer.search import Searcher

RG = ("rg", "-n", "-0", "--no-heading", "--color=never", "--crlf", "--no-ignore", "--hidden", "--no-config", "-e")
ALL = 1 << 40
SELECTIVE = 0.01  # of the files, at most, hold what is looked for
MAX_LINE_CHARS = 2_000

Lines = dict[tuple[str, int], str]


@dataclass(frozen=True, slots=True)
class Compared:
    """One expression's costs in milliseconds, and what was found."""

    expression: Expression
    ours: float
    ours_cpu: float
    theirs: float
    theirs_cpu: float
    searched: int
    matching: int
    lines: int
    only_ours: tuple[tuple[str, int], ...]
    only_theirs: tuple[tuple[str, int], ...]


def linked(tree: Path, paths: Sequence[str], folder: Path) -> None:
    """Make a folder of the same files, on the same disk."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        os.link(tree / path, folder / path)


def by_ripgrep(folder: Path, pattern: str) -> tuple[float, float, Lines]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([*RG, pattern, "."], cwd=folder, capture_output=True, check=False)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if done.returncode > 1:
        raise RuntimeError(f"rg {pattern}: {done.stderr.decode()}")
    found: Lines = {}
    for row in done.stdout.split(b"\n")[:-1]:
        path, _, rest = row.partition(b"\0")
        number, _, text = rest.partition(b":")
        found[path.decode().removeprefix("./"), int(number)] = shown(text.decode("utf-8", "replace"))
    return wall * 1000, cpu * 1000, found


def shown(line: str) -> str:
    return line.rstrip("\r\n")[:MAX_LINE_CHARS]


def compared(searcher: "Searcher", folder: Path, expression: Expression, repeat: int) -> Compared:
    times: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    for _ in range(repeat):
        cpu, began = time.process_time(), time.perf_counter()
        found = searcher.grep(expression.pattern, ALL, seconds=math.inf)
        times.append(((time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000))
        wall, used, lines = by_ripgrep(folder, expression.pattern)
        theirs.append((wall, used))
    ours: Lines = {(hit.chunk.path, hit.chunk.span.end): shown(hit.chunk.text) for hit in found.hits}
    return Compared(
        expression=expression,
        ours=statistics.median(wall for wall, _ in times),
        ours_cpu=statistics.median(cpu for _, cpu in times),
        theirs=statistics.median(wall for wall, _ in theirs),
        theirs_cpu=statistics.median(cpu for _, cpu in theirs),
        searched=found.searched,
        matching=len({path for path, _ in ours}),
        lines=len(ours),
        only_ours=tuple(sorted(key for key in ours if lines.get(key) != ours[key])),
        only_theirs=tuple(sorted(key for key in lines if ours.get(key) != lines[key])),
    )


def row(name: str, every: Sequence[Compared]) -> str:
    """The medians of one kind of expressions."""

    def middle(values: list[float]) -> float:
        return statistics.median(values)

    same = sum(not one.only_ours and not one.only_theirs for one in every)
    ratio = middle([one.ours / one.theirs for one in every])
    cpu = middle([one.ours_cpu / one.theirs_cpu for one in every])
    return (
        f"| {name} | {len(every)} | {same} | {middle([one.matching for one in every]):.0f} "
        f"| {middle([one.searched for one in every]):.0f} | {middle([one.ours for one in every]):.1f} "
        f"| {middle([one.theirs for one in every]):.0f} | {ratio:.3f} | {cpu:.3f} "
        f"| {sum(one.ours * 5 <= one.theirs for one in every)} |"
    )


def table(every: Sequence[Compared], files: int) -> None:
    print("| expressions | of them | same lines | files that match | files read | Kibitz ms | rg ms ", end="")
    print("| Kibitz / rg | CPU, Kibitz / rg | at most a fifth |\n|---|" + "--:|" * 9)
    few = [one for one in every if one.matching <= SELECTIVE * files]
    many = [one for one in every if one.matching > SELECTIVE * files]
    for kind in dict.fromkeys(one.expression.kind for one in few):
        print(row(kind, [one for one in few if one.expression.kind == kind]))
    print(row("**all that match in few files**", few))
    if many:
        print(row("that match in more than 1 %", many))


def main() -> None:
    from kibitz.indexer.embed.static import load_static
    from kibitz.indexer.search import Searcher

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path, help="nothing is written there; links to its files are made beside --folder")
    parser.add_argument("--each", type=int, default=16, help="expressions of each kind")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keep the links and the index here, on the disk of the tree")
    args = parser.parse_args()
    tree = args.tree.resolve()
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-", dir=args.folder or tree.parent) as temporary:
        cache, folder = (args.folder or Path(temporary)) / "cache", Path(temporary) / "links"
        report = json.loads(
            run([*KIBITZ, "index", tree, "--json"], env={"KIBITZ_CACHE_DIR": str(cache)}).output.splitlines()[-1]
        )
        searcher = Searcher.open(tree, cache_dir=cache, embedder=load_static())
        paths = sorted(searcher.view.paths)
        linked(tree, paths, folder)
        expressions = drawn([tree / path for path in paths], args.each)
        print(f"{machine()}\n{report['files']} files, {len(paths)} with text; {len(expressions)} expressions\n")
        by_ripgrep(folder, "nothing is cached before the first")
        before = memory([os.getpid()], "Rss")
        every = [compared(searcher, folder, one, args.repeat) for one in expressions]
    table(every, len(paths))
    print(f"\nMemory before {before:.0f} MB, after {memory([os.getpid()], 'Rss'):.0f} MB resident.")
    for one in every:
        for side, lines in (("Kibitz", one.only_ours), ("rg", one.only_theirs)):
            for path, number in lines[:3]:
                print(f"  {side} alone ({len(lines)}): {one.expression.pattern}  {path}:{number}")
    for one in sorted(every, key=lambda one: one.theirs / one.ours)[:12]:
        print(
            f"  slowest: {one.expression.pattern}  {one.ours:.1f} ms, rg {one.theirs:.0f}, {one.searched} read,",
            f"{one.lines} lines",
        )


if __name__ == "__main__":
    main()
