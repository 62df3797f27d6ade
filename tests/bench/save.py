"""How soon a running server finds what was saved, over its real pipes.

`kibitz serve` runs on a copy of the tree. A function with a new name is put into the file of about --lines lines
(didChange), the file is written and didSave sent; then the name is searched (kibitz/search) until a hit shows it. The
clock starts before didChange. "on disk" is when the name is found by another process, in the index that a round wrote.
"""

import argparse
import os
import random
import shutil
import string
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from kibitz.indexer.embed.static import load_static
from kibitz.indexer.search import Searcher
from kibitz.indexer.workspace import survey
from tests.bench.costs import KIBITZ, cpu_seconds, descendants, machine, percentile, run
from tests.e2e.conftest import new_user
from tests.e2e.lsp_client import LspClient

WAIT_S = 60.0


def subject_of(tree: Path, lines: int) -> Path:
    """The Python file that is closest to so many lines."""
    files = [tree / file.path for file in survey(tree).files if file.path.endswith(".py")]
    return min(files, key=lambda file: abs(file.read_bytes().count(b"\n") - lines))


class Edited:
    """A document that functions are put into."""

    def __init__(self, client: LspClient, path: Path) -> None:
        self._client, self._path, self._uri = client, path, path.as_uri()
        self._lines = path.read_text("utf-8").splitlines(keepends=True)
        self._version = 1
        self._random = random.Random(1)
        client.open(self._uri, "".join(self._lines))

    def save(self) -> str:
        """Put a function somewhere between others and save; its name."""
        name = "".join(self._random.choices(string.ascii_lowercase, k=12))
        places = [at for at, line in enumerate(self._lines) if line.startswith(("def ", "class "))]
        at = self._random.choice(places or [0])
        added = f"def {name}(value):\n    return [value, {at}]\n\n\n"
        self._lines[at:at] = added.splitlines(keepends=True)
        self._version += 1
        place = {"line": at, "character": 0}
        changes = [{"range": {"start": place, "end": place}, "text": added}]
        document = {"uri": self._uri, "version": self._version}
        self._client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})
        self._path.write_text("".join(self._lines), "utf-8")
        self._client.notify("textDocument/didSave", {"textDocument": {"uri": self._uri}})
        return name


def until(found: Callable[[], bool], pause_s: float) -> None:
    """Ask until it is there."""
    deadline = time.perf_counter() + WAIT_S
    while not found():
        if time.perf_counter() > deadline:
            raise SystemExit(f"What was saved is not found within {WAIT_S:.0f} s.")
        time.sleep(pause_s)


def saves(client: LspClient, edited: Edited, other: Searcher, count: int, pause_s: float) -> list[tuple[float, float]]:
    """Milliseconds of each save until the server finds it and until it is on disk."""

    def found(name: str) -> bool:
        hits = client.call("kibitz/search", {"query": name, "k": 3})["hits"]
        return any(name in hit["text"] for hit in hits)

    def on_disk(name: str) -> bool:
        return other.refresh() and any(name in hit.chunk.text for hit in other.search(name, 3))

    times = []
    for _ in range(count):
        began = time.perf_counter()
        name = edited.save()
        until(partial(found, name), 0.002)
        shown = time.perf_counter()
        until(partial(on_disk, name), 0.01)
        times.append(((shown - began) * 1000, (time.perf_counter() - began) * 1000))
        time.sleep(pause_s)
    return times


def tree_cpu(pid: int) -> float:
    return sum(map(cpu_seconds, [pid, *descendants(pid)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path, help="a folder with Python files; only a copy of it is changed")
    parser.add_argument("--lines", type=int, default=2000)
    parser.add_argument("--saves", type=int, default=40)
    parser.add_argument("--pause", type=float, default=1.0, metavar="SECONDS", help="between saves")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
        home, tree = Path(temporary), Path(temporary, "workspace")
        shutil.copytree(args.tree, tree, symlinks=True)
        env = new_user(home, KIBITZ_INDEX_ON_START="true")
        run([*KIBITZ, "index", tree], env=env)
        subject = subject_of(tree, args.lines)
        lines = subject.read_bytes().count(b"\n")
        with LspClient(env=env, cwd=home) as client:
            client.initialize(tree)
            chunks = client.call("kibitz/index")["chunks"]
            other = Searcher.open(tree, cache_dir=Path(env["KIBITZ_CACHE_DIR"]), embedder=load_static())
            edited = Edited(client, subject)
            saves(client, edited, other, 1, args.pause)  # what starts at the first save has started
            before = tree_cpu(client.process.pid)
            times = saves(client, edited, other, args.saves, args.pause)
            cpu = (tree_cpu(client.process.pid) - before) / args.saves * 1000
            client.shutdown()
    print(f"{machine()}\n\n{chunks} chunks; a file of {lines} lines ({os.path.relpath(subject, tree)})\n")
    print("| after a save | p50 ms | p95 ms | CPU ms a save, searching included |\n|---|--:|--:|--:|")
    for name, column in zip(("found by the server", "on disk"), zip(*times, strict=True), strict=True):
        print(f"| {name} | {percentile(column, 50):.0f} | {percentile(column, 95):.0f} | {cpu:.0f} |")


if __name__ == "__main__":
    main()
