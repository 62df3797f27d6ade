"""Files that are known to have changed and that no index round has seen yet."""

import contextlib
import itertools
from collections.abc import Callable, Collection, Iterator


class Unseen:
    """Counts what a watcher or an editor tells of; safe to ask from other threads."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}
        self._count = itertools.count()
        self._followed = False
        self.rounds = 0  # under way

    def tell(self, paths: Collection[str]) -> None:
        """Take note of changed files, relative to the workspace; with none, that the workspace is followed now."""
        self._followed = True
        self._told = {**self._told, **dict.fromkeys(paths, next(self._count))}

    def files(self, but: Callable[[str], bool]) -> int | None:
        """How many there are, without those that `but` names; None when nobody follows the workspace."""
        return sum(not but(path) for path in self._told) if self._followed else None

    @contextlib.contextmanager
    def round(self) -> Iterator[None]:
        """A round sees what was told before it began, if it does not fail; what is told again meanwhile stays."""
        before = self._told
        self.rounds += 1
        try:
            yield
            self._told = {path: at for path, at in self._told.items() if before.get(path) != at}
        finally:
            self.rounds -= 1
