"""What the first index of many trees costs: all of them in one process a side, Kibitz's on disk, semble's in memory.

`python -m tests.bench.cold FOLDER --semble PYTHON` indexes each folder in FOLDER with Kibitz, then with semble, over
again --repeat times, and prints the medians as a table in Markdown. semble's walk, chunks and BM25 are its own, our
embedder is its model, all kinds of files are asked for, and nothing is cached. It uses as many processes as
--semble-workers says: its library's default is 0 (none besides its own), its command's is 4.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench.costs import Cost, machine, median, run, size
from tests.bench.peers import PEERS

INDEX_ALL = (sys.executable, "-m", "tests.bench.cold", "--index-into")  # a cache, and a folder of trees


def index_all(folder: Path, cache: Path, workers: int) -> None:
    """Index each tree of a folder in this process, and say what is indexed."""
    from kibitz.indexer.embed.static import load_static
    from kibitz.indexer.errors import WorkspaceError
    from kibitz.indexer.index import update
    from kibitz.indexer.layout import places
    from kibitz.indexer.manifest import load
    from kibitz.indexer.workers import ParsePool

    embedder = load_static()
    files = chunks = source = 0
    with ParsePool(workers) as pool:
        for tree in sorted(each for each in folder.resolve().iterdir() if each.is_dir()):
            try:
                report = update(tree, cache_dir=cache, embedder=embedder, workers=workers, pool=pool)
            except WorkspaceError as error:  # semble passes over an empty tree as well
                print(error, file=sys.stderr)
                continue
            manifest = load(places(tree, cache, embedder).manifest(tree))
            files, chunks = files + report.files, chunks + report.chunks
            source += sum(entry.stamp.size for entry in manifest.files.values()) if manifest else 0
    print(json.dumps({"files": files, "chunks": chunks, "bytes": source}))


def kibitz_once(folder: Path, workers: int) -> tuple[Cost, float]:
    """One run, and what it left on disk in MB."""
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as cache:
        cost = run([*INDEX_ALL, cache, folder, "--workers", workers])
        return cost, size(Path(cache)) / 1e6


def semble_once(python: str, folder: Path, workers: int) -> tuple[Cost, float]:
    command = [python, *PEERS[1:], "semble", folder]
    return run(command, env={"SEMBLE_INDEX_WORKERS": str(workers), "HF_HUB_OFFLINE": "1"}), 0.0


def row(name: str, runs: list[tuple[Cost, float]], base: Cost) -> str:
    """One line of the table; the last columns are the base's median times as shares of this one's."""
    cost, disk = median(cost for cost, _ in runs), statistics.median(disk for _, disk in runs)
    said = json.loads(cost.output.splitlines()[-1])
    megabytes = said["bytes"] / 1e6
    return (
        f"| {name} | {said['files']} | {said['chunks']} | {megabytes:.1f} | {cost.wall:.2f} | {cost.cpu:.2f} "
        f"| {said['chunks'] / cost.cpu:.0f} | {megabytes / cost.cpu:.2f} | {cost.mb:.0f} | {disk:.1f} "
        f"| {base.cpu / cost.cpu:.2f} | {base.wall / cost.wall:.2f} |"
    )


def main() -> None:
    from kibitz.server.config import Config

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder of trees; nothing is written there")
    parser.add_argument("--semble", metavar="PYTHON", help="a Python that has semble installed")
    parser.add_argument("--semble-workers", type=int, nargs="+", default=[0, 4], help="its processes, a side for each")
    parser.add_argument("--workers", type=int, default=Config().workers, help="Kibitz's parser processes")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--index-into", type=Path, help=argparse.SUPPRESS)  # one side's own process
    args = parser.parse_args()
    if args.index_into:
        index_all(args.folder, args.index_into, args.workers)
        return
    folder = args.folder.resolve()
    sides: dict[str, Callable[[], tuple[Cost, float]]] = {
        f"Kibitz, {args.workers} workers": partial(kibitz_once, folder, args.workers)
    }
    for workers in args.semble_workers if args.semble else []:
        sides[f"semble, {workers} workers"] = partial(semble_once, args.semble, folder, workers)
    runs: dict[str, list[tuple[Cost, float]]] = {name: [] for name in sides}
    for number in range(args.repeat):
        for name, once in sides.items():
            cost, disk = once()
            runs[name].append((cost, disk))
            print(f"run {number + 1}, {name}: {cost.wall:.2f} s, CPU {cost.cpu:.2f} s, {cost.mb:.0f} MB", flush=True)
    print(f"\n{machine()}\n")
    print(
        "| engine | files | chunks | MB | wall s | CPU s | chunks a CPU s | MB a CPU s | peak MB, all processes", end=""
    )
    print(" | MB on disk | Kibitz's CPU / this | Kibitz's wall / this |\n|---|" + "--:|" * 11)
    base = median(cost for cost, _ in next(iter(runs.values())))
    for name, every in runs.items():
        print(row(name, every, base))


if __name__ == "__main__":
    main()
