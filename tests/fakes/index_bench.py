"""A small workspace with a cache, for rounds with real tables on disk; files are parsed in this process."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from kibitz.indexer import index
from kibitz.indexer.index import Progress, Report
from kibitz.indexer.layout import Places, places
from kibitz.indexer.search import Searcher
from kibitz.indexer.workspace import Rules
from tests.fakes.embedder import HashEmbedder
from tests.fakes.parsing import InProcessPool

FILES = {
    "app/session.py": "class Session:\n    # Talks to the server.\n    def close(self):\n        self.open = False\n",
    "app/retry.py": "def backoff(attempt):\n    return 2 ** attempt\n",
    "app/empty.py": "",
    "README.md": "# App\n\nTalks to the server.\n",
}


def write(root: Path, files: dict[str, str]) -> None:
    """Write files with times of some seconds ago, so that they do not look as if they were still being written."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    settle(root)


def settle(root: Path) -> None:
    for at, path in enumerate(sorted(root.rglob("*"))):
        if path.is_file() and path.stat().st_mtime > time.time() - 10:
            then = time.time() - 60 + at
            os.utime(path, (then, then))


class Bench:
    """A workspace, a cache and what takes part in a round."""

    def __init__(self, tmp_path: Path) -> None:
        self.root = tmp_path / "work"
        self.cache = tmp_path / "cache"
        self.embedder = HashEmbedder()
        self.pool = InProcessPool()
        self.progress: list[Progress] = []
        write(self.root, FILES)

    def update(
        self,
        root: Path | None = None,
        *,
        rules: Rules = index.DEFAULT_RULES,
        rebuild: bool = False,
        listener: Callable[[Progress], None] | None = None,
    ) -> Report:
        self.pool.paths.clear()
        self.progress.clear()
        return index.update(
            root or self.root,
            cache_dir=self.cache,
            embedder=self.embedder,
            rules=rules,
            progress=listener or self.progress.append,
            rebuild=rebuild,
            lock_wait_s=0.05,
            pool=self.pool,
        )

    def found(self, query: str, root: Path | None = None) -> list[str]:
        searcher = Searcher.open(root or self.root, cache_dir=self.cache, embedder=self.embedder)
        return [hit.chunk.path for hit in searcher.search(query)]

    @property
    def at(self) -> Places:
        return places(self.root, self.cache, self.embedder)


def git(folder: Path, *command: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *command], cwd=folder, check=True, capture_output=True)
