"""Small workspaces, indexed in this process by an embedder without weights."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from kibitz.indexer import index
from kibitz.indexer.search import Searcher
from tests.fakes.embedder import HashEmbedder
from tests.fakes.parsing import InProcessPool


def written(root: Path, files: Mapping[str, str]) -> Path:
    """A folder with these files."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    return root


def update(root: Path) -> None:
    """Index a workspace; its files are made a minute old first, so that an unchanged one is not read again."""
    then = time.time() - 60
    for path in root.rglob("*.*"):
        if path.is_file() and path.stat().st_mtime > then + 5:
            os.utime(path, (then, then))
    index.update(root, cache_dir=root.parent / "cache", embedder=HashEmbedder(), pool=InProcessPool())


def opened(root: Path) -> Searcher:
    """What answers from the index."""
    return Searcher.open(root, cache_dir=root.parent / "cache", embedder=HashEmbedder())
