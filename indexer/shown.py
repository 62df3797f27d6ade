"""The texts of hits, read from the files: what was found out about a file is kept until it changes."""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.cut import is_of
from kibitz.indexer.excerpt import Excerpts, bounds, shown
from kibitz.indexer.files import check_inside, read_part, read_with_status
from kibitz.indexer.grep import MOST_BYTES
from kibitz.indexer.live import Seen
from kibitz.indexer.read import content_rule, decode

MOST_LINES = 1 << 20  # whose places are kept, four bytes each
SETTLED_NS = 2 * 10**9  # the coarsest clock of a file system: a file that is older was not written twice in one instant

Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Known:
    """A file that was read: it had this stamp and these contents, with line breaks before these places."""

    stamp: Stamp
    blob: str
    starts: NDArray[np.uint32]


class Shown:
    """Reads files of a workspace to show lines of them; safe to share between threads.

    A file is compared with its blob when it is first read, and again when anything that the system says of it has
    changed.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._known: dict[str, _Known] = {}  # what was used last stands last
        self._lines = 0
        self._lock = threading.Lock()

    def reading(self, seen: Mapping[str, Seen]) -> "Reading":
        """Read for one question, with these files ahead of the index."""
        return Reading(self, self._root, seen)

    def known(self, path: str, blob: str) -> _Known | None:
        """What is known of a file that had these contents when it was last read."""
        with self._lock:
            known = self._known.get(path)
            if known is None or known.blob != blob:
                return None
            self._known[path] = self._known.pop(path)
            return known

    def keep(self, path: str, known: _Known) -> None:
        """Remember a file, unless it is so young that another change might leave its stamp as it is."""
        if time.time_ns() - max(known.stamp[1:3]) < SETTLED_NS:
            return
        with self._lock:
            before = self._known.pop(path, None)
            self._known[path] = known
            self._lines += len(known.starts) - (len(before.starts) if before else 0)
            while self._lines > MOST_LINES:
                self._lines -= len(self._known.pop(next(iter(self._known))).starts)


class Reading:
    """Reads files for one question: of each folder and of each changed file it looks once."""

    def __init__(self, every: Shown, root: str, seen: Mapping[str, Seen]) -> None:
        self._shown, self._root, self._seen = every, root, seen
        self._files: dict[str, tuple[Excerpts, bool] | None] = {}
        self._folders: set[str] = set()

    def text(self, path: str, blob: str, start: int, end: int) -> tuple[str, bool]:
        """Some lines of a file, and whether it has changed since it was indexed.

        "" when there are none, and when the file is gone or huge or holds by now what a rule leaves out, such as a
        secret.
        """
        if path not in self._files:
            text = None if path in self._seen else self._unchanged(path, blob, start, end)
            if text is not None:
                return text, False
            self._files[path] = self._read(path, blob)
        read = self._files[path]
        return (read[0].shown(start, end), read[1]) if read else ("", False)

    def _unchanged(self, path: str, blob: str, start: int, end: int) -> str | None:
        """The lines of a file that is as it was when it was read; None when it is not, or not known."""
        known = self._shown.known(path, blob)
        if known is None:
            return None
        try:
            check_inside(self._root, path, self._folders)
            piece, status = read_part(f"{self._root}/{path}", *bounds(known.starts, start, end, known.stamp[0]))
        except OSError:
            return None
        return shown(piece) if _stamp(status) == known.stamp else None

    def _read(self, path: str, blob: str) -> tuple[Excerpts, bool] | None:
        """All lines of a file, and whether it has changed."""
        seen = self._seen.get(path)
        if seen and seen.text is not None:
            return Excerpts.of_text(seen.text), False
        try:
            check_inside(self._root, path, self._folders)
            data, status = read_with_status(f"{self._root}/{path}", MOST_BYTES)
        except OSError:
            return None
        stale = not is_of(blob, data)
        if stale and ((read := decode(data)) is None or content_rule(path, read[0])):
            return None
        lines = Excerpts.of_bytes(data)
        if lines and not stale and lines.starts is not None and len(data) == status.st_size:
            self._shown.keep(path, _Known(_stamp(status), blob, lines.starts.astype(np.uint32)))
        return (lines, stale) if lines else None


def _stamp(status: os.stat_result) -> Stamp:
    """What changes when a file does: the last time of change is one that nobody can set."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
