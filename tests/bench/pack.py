"""What packing a tree into one prompt takes, and how much of the prompt before stays its beginning after an edit.

The files of TREE that Kibitz would index are copied into a git checkout of one commit and indexed. Then the command
runs: from the beginning; with nothing changed; and after an edit, which puts a line at the end of a file that stands
whole in the prompt. Each edit is undone before the next and the pack made from the beginning, so that each is the first
one. Tokens and shared beginnings are tiktoken's own, of the outputs. "In its place" is the same prompt with the edit
where the file stood, as packers do that know of no prompt before; "encoding" is tiktoken loading its ranks and encoding
the output. With --gitingest its command packs the same checkout, before and after the same edits, without a budget.
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from operator import eq
from pathlib import Path

from kibitz.prompts.tokens import TiktokenTokenizer
from tests.bench.costs import KIBITZ, Cost, machine, median, run
from tests.bench.sample import copy, mixed

TOKENS = TiktokenTokenizer("o200k_base")
ADDED = "# one more line\n"
_ENCODE = (
    "import sys\nfrom kibitz.prompts.tokens import TiktokenTokenizer\n"
    "print(len(TiktokenTokenizer('o200k_base').encode(open(sys.argv[1], encoding='utf-8', newline='').read())))"
)


@dataclass(frozen=True, slots=True)
class Packer:
    """A command that writes a prompt to a file; `again` runs it where it knows of the prompt before."""

    fresh: Callable[[], Cost]
    again: Callable[[], Cost]
    out: Path

    def text(self) -> str:
        return self.out.read_text("utf-8")


@dataclass(frozen=True, slots=True)
class Edited:
    """What became of a prompt after an edit: its cost, its tokens, and the shares of them that are as before."""

    cost: Cost
    tokens: int
    shared: float
    in_place: float


def checkout(tree: Path, target: Path) -> Path:
    copy(tree, target, mixed(tree))
    settings = ("-c", "user.name=Anybody", "-c", "user.email=a@example.org")
    for arguments in (("init", "-q"), ("add", "-A", "-f"), ("commit", "-q", "-m", "All")):
        subprocess.run(["git", *settings, *arguments], cwd=target, check=True)
    return target


def kibitz(root: Path, out: Path, budget: int, cache: Path) -> Packer:
    env = {"KIBITZ_CACHE_DIR": str(cache), "KIBITZ_CONFIG": str(cache / "none.toml")}
    command = (*KIBITZ, "pack", root, "--budget", budget, "--out", out)
    run((*KIBITZ, "index", root), env=env)
    return Packer(lambda: run((*command, "--fresh"), env=env), lambda: run(command, env=env), out)


def gitingest(root: Path, out: Path, program: Path) -> Packer:
    def packed() -> Cost:
        return run((program, root, "-o", out))

    return Packer(packed, packed, out)


def shared(before: Sequence[int], after: Sequence[int]) -> int:
    """How many tokens two prompts begin with in common."""
    return sum(1 for _ in takewhile(lambda pair: eq(*pair), zip(before, after, strict=False)))


def edited(packer: Packer, root: Path, path: str, original: Sequence[int], text: str) -> Edited:
    """Edit one file, pack, and undo the edit."""
    place = root / path
    content = place.read_bytes()
    packer.fresh()
    place.write_bytes(content + ADDED.encode())
    try:
        cost = packer.again()
    finally:
        place.write_bytes(content)
    now = TOKENS.encode(packer.text())
    here = text.find(content.decode("utf-8", "replace")) + len(content)
    return Edited(cost, len(now), shared(original, now) / len(now), TOKENS.count(text[:here]) / len(original))


def whole_files(root: Path, text: str) -> list[str]:
    """The files that stand in a prompt word for word."""
    paths = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*.py"))]
    found = ((path, (root / path).read_bytes().decode("utf-8", "replace")) for path in paths)
    return [path for path, content in found if len(content) > 200 and content in text]


def row(name: str, cost: Cost, tokens: int, *shares: Sequence[float]) -> str:
    told = [f"{100 * value:.1f}" for each in shares for value in (statistics.median(each), min(each))]
    cells = [f"{cost.wall:.2f}", f"{cost.cpu:.2f}", f"{cost.mb:.0f}", f"{tokens:,}", *told]
    return f"| {name} | {' | '.join(cells)} |{' |' * (4 - len(told))}"


def measure(name: str, packer: Packer, root: Path, edits: int, repeat: int) -> list[str]:
    """Rows of the table for one packer."""
    first = median(packer.fresh() for _ in range(repeat))
    text = packer.text()
    tokens = TOKENS.encode(text)
    rows = [row(f"{name}, from the beginning", first, len(tokens))]
    same = median(packer.again() for _ in range(repeat))
    share = shared(tokens, TOKENS.encode(packer.text())) / len(tokens)
    rows.append(row(f"{name}, nothing changed", same, len(tokens), [share]))
    chosen = random.Random(1).sample(files, min(edits, len(files))) if (files := whole_files(root, text)) else []
    every = [edited(packer, root, path, tokens, text) for path in chosen]
    shares, in_place = [one.shared for one in every], [one.in_place for one in every]
    most = max(one.tokens for one in every)
    rows.append(row(f"{name}, after one edit", median(one.cost for one in every), most, shares, in_place))
    encoding = median(run((sys.executable, "-c", _ENCODE, packer.out)) for _ in range(repeat))
    return [*rows, row(f"{name}: encoding its output", encoding, int(encoding.output))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--budget", type=int, default=1_000_000)
    parser.add_argument("--edits", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--gitingest", type=Path, help="its command")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
        place = Path(temporary)
        root = checkout(args.tree, place / "tree")
        packers = {"Kibitz": kibitz(root, place / "kibitz.md", args.budget, place / "cache")}
        if args.gitingest:
            packers["gitingest"] = gitingest(root, place / "gitingest.md", args.gitingest)
        print(f"{machine()}\n")
        print(
            "| prompt | wall s | CPU s | peak MB | tokens | shared %, median | least | in its place %, median | least |"
        )
        print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
        for name, packer in packers.items():
            once = name != "Kibitz"  # it takes minutes, and does the same each time
            edits, repeat = (1, 1) if once else (args.edits, args.repeat)
            print("\n".join(measure(name, packer, root, edits, repeat)), flush=True)


if __name__ == "__main__":
    main()
