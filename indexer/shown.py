"""The texts of hits, read from the files: what was found out about a file is kept until it changes."""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.cut import is_of
from kibitz.indexer.excerpt import Excerpts
from kibitz.indexer.files import read_with_status, stay_inside
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

    def read(self, path: str, blob: str, seen: Seen | None) -> tuple[Excerpts, bool] | None:
        """A file's lines, and whether it has changed since it was indexed.

        None when it is gone or huge, or when it holds by now what a rule leaves out, such as a secret.
        """
        if seen and seen.text is not None:
            return Excerpts.of_text(seen.text), False
        try:
            stay_inside(self._root, path)
            data, status = read_with_status(f"{self._root}/{path}", MOST_BYTES)
        except OSError:
            return None
        stamp = _stamp(status)
        with self._lock:
            known = self._known.get(path)
            if known and known.stamp == stamp and known.blob == blob:
                self._known[path] = self._known.pop(path)
                return Excerpts(None, data, known.starts), False
        stale = not is_of(blob, data)
        if stale and ((read := decode(data)) is None or content_rule(path, read[0])):
            return None
        lines = Excerpts.of_bytes(data)
        if lines is None:
            return None
        if not stale and lines.starts is not None and len(data) == status.st_size:
            self._keep(path, _Known(stamp, blob, lines.starts.astype(np.uint32)))
        return lines, stale

    def _keep(self, path: str, known: _Known) -> None:
        """Remember a file, unless it is so young that another change might leave its stamp as it is."""
        if time.time_ns() - max(known.stamp[1:3]) < SETTLED_NS:
            return
        with self._lock:
            before = self._known.pop(path, None)
            self._known[path] = known
            self._lines += len(known.starts) - (len(before.starts) if before else 0)
            while self._lines > MOST_LINES:
                self._lines -= len(self._known.pop(next(iter(self._known))).starts)


def _stamp(status: os.stat_result) -> Stamp:
    """What changes when a file does: the last time of change is one that nobody can set."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
