"""What indexing a folder costs: the first round, one with nothing to do, one file changed, one renamed.

Prints a table in Markdown: Kibitz, semble (with --semble PYTHON) and SQLite FTS5, each in processes of its own,
on copies in a temporary folder; figures are medians over --repeat.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench.costs import Cost, machine, median, run
from tests.bench.peers import semble_env

STEPS = ("first", "nothing to do", "one file changed", "one file renamed")


def size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def steps(tree: Path, subject: Path, once: Callable[[], Cost]) -> list[Cost]:
    """The four rounds, with `subject`, a file of the tree, changed and then renamed in between."""
    costs = [once(), once()]
    with subject.open("a", encoding="utf-8") as file:
        file.write("\n# one more line\n")
    costs.append(once())
    subject.rename(subject.with_stem(subject.stem + "_renamed"))
    costs.append(once())
    return costs


def kibitz(tree: Path, subject: Path, folder: Path) -> tuple[list[Cost], dict[str, float]]:
    env = {"KIBITZ_CACHE_DIR": str(folder), "KIBITZ_WORKERS": "2"}
    plan = json.loads(run("kibitz.server.cli", ["index", tree, "--plan", "--json"], env=env).output)
    costs = steps(tree, subject, lambda: run("kibitz.server.cli", ["index", tree, "--json"], env=env))
    reports = [json.loads(cost.output.splitlines()[-1]) for cost in costs]
    print("  kibitz embedded", [report["embedded_chunks"] for report in reports], flush=True)
    facts = {"files": reports[0]["files"], "chunks": reports[0]["chunks"], "bytes": plan["bytes"], "disk": size(folder)}
    return costs, facts


def semble(python: str, tree: Path, subject: Path, folder: Path) -> tuple[list[Cost], dict[str, float]]:
    """Its command line indexes when it is asked something, so each round answers one question as well."""
    env = semble_env(python, folder)
    asked = ["search", "open a file", tree, "-k", "1", "--max-snippet-lines", "0", "--content", "all"]
    costs = steps(tree, subject, lambda: run("semble.cli", asked, env=env, python=python))
    cache = folder / "cache"
    described = json.loads(next(cache.rglob("metadata.json")).read_text("utf-8"))["files"]
    there = [tree / path for path in described if (tree / path).is_file()]
    return costs, {
        "files": len(described),
        "chunks": sum(entry["count"] for entry in described.values()),
        "bytes": sum(path.stat().st_size for path in there),
        "disk": size(cache),
    }


def fts5(tree: Path, folder: Path) -> tuple[list[Cost], dict[str, float]]:
    """It has no rounds: every one is the first."""
    folder.mkdir()
    cost = run("tests.bench.peers", ["index", tree, folder / "fts5.db"], env={})
    files = int(cost.output)
    return [cost], {"files": files, "chunks": files, "bytes": 0, "disk": size(folder)}


def show(name: str, rounds: list[list[Cost]], facts: dict[str, float]) -> None:
    medians = [median(each) for each in zip(*rounds, strict=True)]
    for step, cost in zip(STEPS, medians, strict=False):
        print(
            f"| {name} | {step} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.own_mb:.0f} | {cost.child_mb:.0f} |",
            flush=True,
        )
    print(
        f"  {name}: {facts['files']} files, {facts['chunks']} chunks, {facts['bytes'] / 1e6:.1f} MB of source, "
        f"{facts['bytes'] / 1e6 / medians[0].cpu:.2f} MB a CPU second, {facts['bytes'] / 1e6 / medians[0].wall:.2f} MB "
        f"a second, {facts['disk'] / 1e6:.1f} MB on disk = {facts['disk'] / facts['bytes']:.2f} of the source\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path, help="the folder to index; it is copied, and only the copies are changed")
    parser.add_argument("--subject", required=True, help="a file of the tree, the one that is changed and renamed")
    parser.add_argument("--semble", metavar="PYTHON", help="a Python that has semble installed")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    rounds: dict[str, list[list[Cost]]] = {}
    facts: dict[str, dict[str, float]] = {}
    for number in range(args.repeat):
        for name in ("kibitz", *(["semble"] if args.semble else []), "fts5"):
            with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
                tree, folder = Path(temporary, args.tree.name), Path(temporary, "cache")
                shutil.copytree(args.tree, tree, symlinks=True)
                if name == "kibitz":
                    costs, facts[name] = kibitz(tree, tree / args.subject, folder)
                elif name == "semble":
                    costs, facts[name] = semble(args.semble, tree, tree / args.subject, folder)
                else:
                    costs, facts[name] = fts5(tree, folder)
                    facts[name]["bytes"] = facts["kibitz"]["bytes"]
                rounds.setdefault(name, []).append(costs)
        print(f"  run {number + 1} of {args.repeat} done", flush=True)
    print(machine())
    print("| engine | round | wall s | CPU s | own MB | largest child MB |\n|---|---|--:|--:|--:|--:|")
    for name, every in rounds.items():
        show(name, every, facts[name])


if __name__ == "__main__":
    main()
