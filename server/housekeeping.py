"""What is kept in the cache beside the indexes: packs' states, and what was measured or found out of models."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from kibitz.indexer.housekeeping import ABANDONED_S, SUPERSEDED_S, Removed, is_gone
from kibitz.server.completion import pace
from kibitz.server.llm import native_fim
from kibitz.server.pack import state


def collect_states(cache_dir: Path, *, everything: bool = False, dry_run: bool = False) -> list[Removed]:
    """Remove the states of packs whose workspaces are gone, and those that no version of ours can read any more.

    What is known of models belongs to no workspace, and is of a bounded size: only `everything` removes it, too.
    """
    removed = []
    for path, reason in [*_states(cache_dir, everything), *(_of_models(cache_dir) if everything else ())]:
        with contextlib.suppress(OSError):  # gone meanwhile, or somebody else's
            size = path.lstat().st_size
            if not dry_run:
                path.unlink()
            removed.append(Removed(path, size, reason))
    return removed


def _states(cache_dir: Path, everything: bool) -> Iterator[tuple[Path, str]]:
    with contextlib.suppress(OSError):
        for path in sorted((cache_dir / state.FOLDER).iterdir()):
            age = time.time() - path.stat().st_mtime
            if path.suffix:  # half-written
                if age > ABANDONED_S:
                    yield path, "temporary"
            elif everything:
                yield path, "all"
            elif (root := state.root_of(path)) is None:
                yield path, "superseded"
            elif is_gone(root, long_ago=age > SUPERSEDED_S):
                yield path, "gone"


def _of_models(cache_dir: Path) -> Iterator[tuple[Path, str]]:
    return ((cache_dir / name, "all") for name in (pace.FILE, native_fim.FILE))
