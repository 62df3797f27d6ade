"""Where an index keeps its files under the cache directory."""

import hashlib
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from kibitz.indexer.chunk import CHUNKER_VERSION
from kibitz.indexer.embed import Embedder
from kibitz.indexer.terms import TERMS_VERSION
from kibitz.indexer.workspace import identity


@dataclass(frozen=True, slots=True)
class Places:
    """The folder of one index: one repository, one embedder, one way to cut chunks and words.

    All worktrees of a repository share the table; each workspace has its own manifest and hot copy.
    """

    folder: Path

    @property
    def table(self) -> Path:
        """The database's folder."""
        return self.folder / "table"

    @property
    def hot(self) -> Path:
        """The folder of hot copies."""
        return self.folder / "hot"

    @property
    def manifests(self) -> Path:
        """The folder of manifests."""
        return self.folder / "manifests"

    @property
    def lock(self) -> Path:
        """The lock that a writer holds."""
        return self.folder / "write.lock"

    def manifest(self, root: Path) -> Path:
        """The manifest of one workspace."""
        digest = hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
        return self.manifests / f"{digest[:32]}.json"

    def is_being_written(self) -> bool:
        """Whether a process holds the writer's lock, of this workspace or of another worktree."""
        try:
            handle = os.open(self.lock, os.O_RDONLY)
        except OSError:
            return False
        try:
            return _is_locked(handle)
        finally:
            os.close(handle)


def _is_locked(handle: int) -> bool:
    """Ask for the lock and let it go: a writer that asks in this instant asks again."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def places(root: Path, cache_dir: Path, embedder: Embedder) -> Places:
    """Where the index of a workspace stands; nothing is created."""
    version = f"{CHUNKER_VERSION}.{TERMS_VERSION}"
    name = f"{_file_name(embedder.name)}-{embedder.dim}-{version}"
    return Places(cache_dir / "index" / identity(root) / name)


def _file_name(name: str) -> str:
    """A name that every file system takes, different for different names."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:60]
    if plain == name:
        return plain
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
