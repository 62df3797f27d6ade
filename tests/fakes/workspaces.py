"""Small workspaces, indexed in this process by an embedder without weights."""

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from kibitz.indexer import index
from kibitz.indexer.search import Searcher
from kibitz.server.app import App, build_app
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


class OurApp(App):
    """The app with the embedder of these workspaces, which fails as it is told."""

    error: Exception | None = None

    @classmethod
    def of(cls, root: Path) -> Self:
        """The app of a workspace, whose settings nobody has touched."""
        environ = {"KIBITZ_CACHE_DIR": str(root.parent / "cache"), "KIBITZ_CONFIG": str(root.parent / "none.toml")}
        return cls(root, build_app(root, environ=environ).config, environ)

    def embedder(self) -> HashEmbedder:
        made = HashEmbedder()
        if self.error is not None:
            made.embed_query = self._fail  # type: ignore[method-assign, assignment]
        return made

    def _fail(self, text: str) -> None:
        assert self.error is not None
        raise self.error


def commit(root: Path) -> None:
    """Commit everything in a folder, which becomes a git repository."""
    settings = ["-c", "user.name=Anybody", "-c", "user.email=a@example.org", "-c", "core.autocrlf=false"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "All"]):
        subprocess.run(["git", *settings, *arguments], cwd=root, check=True, capture_output=True)
