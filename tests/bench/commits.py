"""How well the files are found that people changed: subjects of commits, asked at their parents.

Takes the sets of make_commits.py. The tree of each parent is laid out in turn, indexed by what has changed, and asked.
Prints recall@10 and NDCG@10 of the files, of Kibitz beside BM25 and ripgrep, with a paired bootstrap over repositories.
"""

import argparse
import json
import math
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kibitz.indexer.embed.static import load_static
from kibitz.indexer.index import update
from kibitz.indexer.search import LEGS, Searcher
from kibitz.indexer.workers import ParsePool
from tests.bench.costs import machine
from tests.bench.significance import mean_over, paired
from tests.bench.yardsticks import Words, by_chunks, by_files, ripgrep

TOP = 10
OURS = "Kibitz"


@dataclass(frozen=True, slots=True)
class Asked:
    """A commit's subject, its parent, and the files that it changed."""

    query: str
    parent: str
    relevant: tuple[str, ...]


@dataclass(slots=True)
class Checkout:
    """A folder that holds the tree of one commit after another; git's directory is only read."""

    git_dir: Path
    folder: Path
    held: dict[str, str] = field(default_factory=dict)

    def move(self, commit: str) -> None:
        """Write the files that differ from those held; files that the git directory lacks are left out."""
        wanted = self._tree(commit)
        for path in self.held.keys() - wanted.keys():
            (self.folder / path).unlink(missing_ok=True)
        changed = [path for path, blob in wanted.items() if self.held.get(path) != blob]
        self._write(changed, [wanted[path] for path in changed])
        self.held = wanted

    def _tree(self, commit: str) -> dict[str, str]:
        """The regular files of a commit by path, with their blobs."""
        listed = self._git("ls-tree", "-r", "-z", commit).decode("utf-8", "replace")
        rows = [row.split("\t", 1) for row in listed.split("\0") if row]
        return {path: about.split()[2] for about, path in rows if about.startswith("100")}

    def _write(self, paths: Sequence[str], blobs: Sequence[str]) -> None:
        out = self._git("cat-file", "--batch", given="\n".join(blobs).encode() + b"\n") if blobs else b""
        at = 0
        for path in paths:
            end = out.index(b"\n", at)
            about = out[at:end].split()
            at = end + 1
            if about[-1] == b"missing":
                continue
            size = int(about[2])
            target = self.folder / path
            if target.is_dir():
                shutil.rmtree(target)  # only empty folders are left in it
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(out[at : at + size])
            at += size + 1

    def _git(self, *command: str, given: bytes = b"") -> bytes:
        return subprocess.run(
            ["git", "--git-dir", self.git_dir, *command], input=given, capture_output=True, check=True
        ).stdout


def at_parents(repo_json: Path, folder: Path) -> Iterator[tuple[Path, Asked]]:
    """The questions of a repository, each with the folder as its commit's parent has it; `folder` begins empty."""
    described = json.loads(repo_json.read_text("utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    checkout = Checkout(Path(described["git_dir"]), folder)
    for one in described["questions"]:
        checkout.move(one["parent"])
        yield folder, Asked(one["query"], one["parent"], tuple(one["relevant"]))


def recall(found: Sequence[str], relevant: Sequence[str]) -> float:
    """The share of the files that are among the first ten."""
    return len(set(found[:TOP]) & set(relevant)) / len(relevant)


def ndcg(found: Sequence[str], relevant: Sequence[str]) -> float:
    """Normalized discounted cumulative gain of the first ten (Järvelin and Kekäläinen 2002); each file counts 1."""
    gain = sum(1 / math.log2(rank + 1) for rank, path in enumerate(found[:TOP], 1) if path in relevant)
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(TOP, len(relevant)) + 1))


def ask(
    repo_json: Path, folder: Path, pool: ParsePool, *, peers: bool
) -> tuple[list[Asked], dict[str, list[list[str]]]]:
    """The questions of a repository, and the files that each way of searching finds for them."""
    embedder = load_static()
    words = Words(folder / "tree")
    asked: list[Asked] = []
    ways: dict[str, list[list[str]]] = {}
    for root, one in at_parents(repo_json, folder / "tree"):
        update(root, cache_dir=folder / "cache", embedder=embedder, pool=pool)
        searcher = Searcher.open(root, cache_dir=folder / "cache", embedder=embedder)
        found = {
            name: [hit.chunk.path for hit in searcher.search(one.query, TOP, per_file=1, legs=legs)]
            for name, legs in {OURS: LEGS, "its words": LEGS[:1], "its vectors": LEGS[1:2]}.items()
        }
        if peers:
            held = words.of(searcher)
            found["BM25 over chunks"] = by_chunks(held, one.query)
            found["BM25 over files"] = by_files(held, one.query)
            found["ripgrep"] = ripgrep(root, one.query)
        asked.append(one)
        for name, paths in found.items():
            ways.setdefault(name, []).append(list(dict.fromkeys(paths)))
    return asked, ways


def table(asked: dict[str, list[Asked]], answers: dict[str, dict[str, list[list[str]]]]) -> Iterator[str]:
    """The lines of a table: each way's recall and NDCG, and how much more Kibitz reaches."""
    names = sorted(next(iter(answers.values())), key=lambda name: name != OURS)
    yield f"| way | recall@{TOP} | Kibitz more, 95 % | NDCG@{TOP} | Kibitz more, 95 % |"
    yield "|---|--:|--:|--:|--:|"
    for name in names:
        cells = []
        for measure in (recall, ndcg):
            ours, theirs = (
                {
                    repo: [measure(got, one.relevant) for got, one in zip(ways[way], asked[repo], strict=True)]
                    for repo, ways in answers.items()
                }
                for way in (OURS, name)
            )
            cells += [f"{mean_over(theirs):.3f}", "" if name == OURS else str(paired(ours, theirs))]
        yield f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path, help="a folder of make_commits.py")
    parser.add_argument("--repos", default="", help="only these, separated by commas")
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--out", type=Path, help="write what was found as JSON")
    parser.add_argument("--peers-of", type=Path, help="take what the peers found from an earlier run's --out")
    args = parser.parse_args()
    wanted = set(filter(None, args.repos.split(",")))
    known = json.loads(args.peers_of.read_text("utf-8")) if args.peers_of else {}
    asked: dict[str, list[Asked]] = {}
    answers: dict[str, dict[str, list[list[str]]]] = {}
    for repo_json in sorted(args.sets.glob("*.json")):
        name = repo_json.stem
        if wanted and name not in wanted:
            continue
        with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary, ParsePool() as pool:
            peers = not args.without_peers and name not in known
            asked[name], answers[name] = ask(repo_json, Path(temporary), pool, peers=peers)
        answers[name] = known.get(name, {}) | answers[name]
        scores = [f"{way} {mean_over({name: list(map(recall, found, [one.relevant for one in asked[name]]))}):.3f}"
                  for way, found in answers[name].items()]  # fmt: skip
        print(f"{name}: {len(asked[name])} questions, recall@{TOP}: {', '.join(scores)}", flush=True)
        if args.out:
            args.out.write_text(json.dumps(answers, indent=1), "utf-8")
    print(f"\n{machine()}")
    print(f"{sum(map(len, asked.values()))} questions, {len(asked)} repositories\n")
    print("\n".join(table(asked, answers)))


if __name__ == "__main__":
    main()
