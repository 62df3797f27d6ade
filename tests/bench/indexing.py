"""What indexing a folder costs: the first round, one with nothing to do, one file changed, one renamed.

Prints a table in Markdown: Kibitz, and besides it semble (with --semble PYTHON) and SQLite FTS5 (with --fts5), each by
its command, in processes of its own. Figures are medians over --repeat; the round with nothing to do is made --idle
times in each. Without --subject the last two rounds are left out and the folder is read where it is, not a copy.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.costs import KIBITZ, Cost, machine, median, run, size
from tests.bench.peers import PEERS, SEMBLE, semble_env

STEPS = ("first", "nothing to do", "one file changed", "one file renamed")


@contextmanager
def scratch(tree: Path, subject: str | None) -> Iterator[tuple[Path, Path | None, Path]]:
    """A tree that may be changed, its subject, and a folder for an index."""
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
        folder = Path(temporary, "cache")
        if subject is None:
            yield tree, None, folder
            return
        copy = Path(temporary, tree.name)
        shutil.copytree(tree, copy, symlinks=True)
        yield copy, copy / subject, folder


def steps(subject: Path | None, idle: int, once: Callable[[], Cost]) -> list[list[Cost]]:
    """The rounds of each kind, with `subject`, a file of the tree, changed and then renamed in between."""
    costs = [[once()], [once() for _ in range(idle)]]
    if subject:
        with subject.open("a", encoding="utf-8") as file:
            file.write("\n# one more line\n")
        costs.append([once()])
        subject.rename(subject.with_stem(subject.stem + "_renamed"))
        costs.append([once()])
    return costs


def kibitz(tree: Path, subject: Path | None, folder: Path, idle: int) -> tuple[list[list[Cost]], dict[str, float]]:
    env = {"KIBITZ_CACHE_DIR": str(folder)}
    planned = json.loads(run([*KIBITZ, "index", tree, "--plan", "--json"], env=env).output)
    costs = steps(subject, idle, lambda: run([*KIBITZ, "index", tree, "--json"], env=env))
    reports = [json.loads(each[-1].output.splitlines()[-1]) for each in costs]
    print("  kibitz embedded", [report["embedded_chunks"] for report in reports], flush=True)
    facts = {name: reports[0][name] for name in ("files", "chunks")}
    return costs, {**facts, "bytes": planned["bytes"], "disk": size(folder)}


def semble(
    python: str, tree: Path, subject: Path | None, folder: Path, idle: int
) -> tuple[list[list[Cost]], dict[str, float]]:
    """Its command line indexes when it is asked something, so each round answers one question as well."""
    env = semble_env(python, folder)
    asked = ["search", "open a file", tree, "-k", "1", "--max-snippet-lines", "0", "--content", "all"]
    costs = steps(subject, idle, lambda: run([python, *SEMBLE, *asked], env=env))
    cache = folder / "cache"
    described = json.loads(next(cache.rglob("metadata.json")).read_text("utf-8"))["files"]
    there = [tree / path for path in described if (tree / path).is_file()]
    return costs, {
        "files": len(described),
        "chunks": sum(entry["count"] for entry in described.values()),
        "bytes": sum(path.stat().st_size for path in there),
        "disk": size(cache),
    }


def fts5(tree: Path, folder: Path) -> tuple[list[list[Cost]], dict[str, float]]:
    """It has no rounds: every one is the first."""
    folder.mkdir()
    cost = run([*PEERS, "index", tree, folder / "fts5.db"])
    files = int(cost.output)
    return [[cost]], {"files": files, "chunks": files, "bytes": 0, "disk": size(folder)}


def show(name: str, rounds: list[list[list[Cost]]], facts: dict[str, float]) -> None:
    medians = [median(cost for each in kind for cost in each) for kind in zip(*rounds, strict=True)]
    for step, cost in zip(STEPS, medians, strict=False):
        print(f"| {name} | {step} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.mb:.0f} |", flush=True)
    print(
        f"  {name}: {facts['files']} files, {facts['chunks']} chunks, {facts['bytes'] / 1e6:.1f} MB of source, "
        f"{facts['bytes'] / 1e6 / medians[0].cpu:.2f} MB a CPU second, {facts['bytes'] / 1e6 / medians[0].wall:.2f} MB "
        f"a second, {facts['disk'] / 1e6:.1f} MB on disk = {facts['disk'] / facts['bytes']:.2f} of the source\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path, help="the folder to index; only copies of it are changed")
    parser.add_argument("--subject", help="a file of the tree, the one that is changed and renamed")
    parser.add_argument("--semble", metavar="PYTHON", help="a Python that has semble installed")
    parser.add_argument("--fts5", action="store_true", help="SQLite FTS5 as well")
    parser.add_argument("--idle", type=int, default=3, help="rounds with nothing to do")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    rounds: dict[str, list[list[list[Cost]]]] = {}
    facts: dict[str, dict[str, float]] = {}
    for number in range(args.repeat):
        for name in ("kibitz", *(["semble"] if args.semble else []), *(["fts5"] if args.fts5 else [])):
            with scratch(args.tree.resolve(), args.subject) as (tree, subject, folder):
                if name == "kibitz":
                    costs, facts[name] = kibitz(tree, subject, folder, args.idle)
                elif name == "semble":
                    costs, facts[name] = semble(args.semble, tree, subject, folder, args.idle)
                else:
                    costs, facts[name] = fts5(tree, folder)
                    facts[name]["bytes"] = facts["kibitz"]["bytes"]
                rounds.setdefault(name, []).append(costs)
        print(f"  run {number + 1} of {args.repeat} done", flush=True)
    print(machine())
    print("| engine | round | wall s | CPU s | peak MB, all processes |\n|---|---|--:|--:|--:|")
    for name, every in rounds.items():
        show(name, every, facts[name])


if __name__ == "__main__":
    main()
