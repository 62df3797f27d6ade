"""What a language server costs that has nothing to do: its memory, its processes, and its processor time.

`kibitz serve` runs on a tree that is indexed already, makes its first round, answers --asked questions, is left alone
for --settle seconds, and is then watched for --seconds.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from tests.bench.costs import KIBITZ, cpu_seconds, descendants, machine, memory, run
from tests.bench.search import questions_of
from tests.e2e.conftest import new_user
from tests.e2e.lsp_client import LspClient


def name_of(pid: int) -> str:
    """A process in the words of its command line."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace").replace("\0", " ")[:60].strip()
    except OSError:
        return "ended"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path, help="nothing is written there")
    parser.add_argument("--asked", type=int, default=20, help="questions before it is left alone")
    parser.add_argument("--settle", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    args = parser.parse_args()
    tree = args.tree.resolve()
    questions = questions_of(tree, args.asked, None)
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
        env = new_user(Path(temporary), KIBITZ_INDEX_ON_START="true")
        run([*KIBITZ, "index", tree], env=env)
        with LspClient(env=env, cwd=Path(temporary)) as client:
            pid = client.process.pid
            client.initialize(tree)
            chunks = client.call("kibitz/index")["chunks"]
            for question in questions:
                client.call("kibitz/search", {"query": question})
            time.sleep(args.settle)
            others = {each: name_of(each) for each in descendants(os.getpid()) if each != pid}  # orphans are ours
            before = sum(map(cpu_seconds, [pid, *others]))
            time.sleep(args.seconds)
            alive = [pid, *(each for each in descendants(os.getpid()) if each in others)]
            cpu = sum(map(cpu_seconds, alive)) - before
            figures = [memory([pid], "Rss"), memory([pid]), memory(alive)]
            client.shutdown()
    print(f"{machine()}\n")
    print("| chunks | RSS MB | PSS MB | PSS MB, all processes | other processes | CPU % |\n|--:|--:|--:|--:|--:|--:|")
    cells = " | ".join(f"{figure:.0f}" for figure in figures)
    print(f"| {chunks} | {cells} | {len(others)} | {cpu / args.seconds * 100:.2f} |")
    for each, name in others.items():
        print(f"  also there: {each} {name}")


if __name__ == "__main__":
    main()
