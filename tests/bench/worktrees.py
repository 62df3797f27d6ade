"""What git does to an index: a second worktree, a branch that is far away, and the way back.

A clone of the repository is made. With --there two commits are measured; without it the script makes the other one, in
which --files Python files have a function more. Prints for each step what was parsed and embedded, what the round cost,
and what the index takes on disk, all worktrees together.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from tests.bench.costs import KIBITZ, machine, run, size
from tests.bench.sample import mixed


def git(where: Path, *args: object) -> str:
    """What git says."""
    somebody = ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "core.hooksPath=/dev/null"]
    done = subprocess.run(
        ["git", "-C", where, *somebody, *map(str, args)], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


def change(tree: Path, files: int) -> str:
    """Commit a function more in so many files; the commit. The tree is left as it was."""
    here = git(tree, "rev-parse", "HEAD")
    paths = [path for path in mixed(tree) if path.endswith(".py")][:files]
    for number, path in enumerate(paths):
        with (tree / path).open("a", encoding="utf-8") as file:
            file.write(f"\n\ndef changed_in_{number}(value):\n    return value + {number}\n")
    git(tree, "commit", "-qam", "Change many files")
    there = git(tree, "rev-parse", "HEAD")
    git(tree, "switch", "-q", "--detach", here)
    return there


class Steps:
    """Index rounds into one cache, each a line of the table."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._first = self._last = 0

    def index(self, name: str, tree: Path) -> None:
        cost = run([*KIBITZ, "index", tree, "--json"], env={"KIBITZ_CACHE_DIR": str(self._cache)})
        report = json.loads(cost.output.splitlines()[-1])
        disk = size(self._cache)
        self._first = self._first or disk
        more = [(disk - base) / self._first for base in (self._last or disk, self._first)]
        self._last = disk
        print(
            f"| {name} | {report['files']} | {report['chunks']} | {report['parsed_files']} "
            f"| {report['embedded_chunks']} | {cost.wall:.2f} | {cost.cpu:.2f} | {disk / 1e6:.1f} "
            f"| {more[0]:+.1%} | {more[1]:+.1%} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repository", type=Path, help="only a clone of it is changed")
    parser.add_argument("--here", default="HEAD", help="a commit or tag")
    parser.add_argument("--there", help="another one")
    parser.add_argument("--files", type=int, default=500)
    args = parser.parse_args()
    repository = args.repository.resolve()
    here = git(repository, "rev-parse", f"{args.here}^{{commit}}")
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
        one, two = Path(temporary, "one"), Path(temporary, "two")
        git(repository, "clone", "-q", "--shared", "--no-checkout", repository, one)
        git(one, "switch", "-q", "--detach", here)
        there = git(repository, "rev-parse", f"{args.there}^{{commit}}") if args.there else change(one, args.files)
        apart = len(git(one, "diff", "--name-only", here, there).splitlines())
        print(f"{machine()}\n\n{apart} files are different between the two commits\n")
        print("| step | files | chunks | parsed | embedded | wall s | CPU s | MB on disk | more | more than first |")
        print("|---|" + "--:|" * 9)
        steps = Steps(Path(temporary, "cache"))
        steps.index("first round", one)
        git(one, "worktree", "add", "-q", "--detach", two, here)
        steps.index("second worktree", two)
        for name, commit in (("switched", there), ("switched back", here), ("switched again", there)):
            git(one, "switch", "-q", "--detach", commit)
            steps.index(name, one)


if __name__ == "__main__":
    main()
