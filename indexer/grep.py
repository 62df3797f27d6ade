"""Regular expressions over the indexed files, line by line."""

import errno
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.cut import is_of
from kibitz.indexer.files import check_inside, read_regular
from kibitz.indexer.languages import language_of
from kibitz.indexer.live import Seen
from kibitz.indexer.matcher import Matcher
from kibitz.indexer.pattern import read_pattern
from kibitz.indexer.read import content_rule, cut_line, in_utf_8, keeps_ascii
from kibitz.indexer.required import required
from kibitz.indexer.sieve import asked_of
from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.indexer.view import View

MOST_BYTES = 16 << 20  # a file that has grown beyond this since it was indexed is passed over
MOST_SECONDS = 20.0  # of one search

_REASONS = {errno.ENOENT: "gone", errno.ENOTDIR: "gone", errno.EFBIG: "size"}
_UNREAD = {"gone", "unreadable", "size"}


@dataclass(frozen=True, slots=True)
class Grepped:
    """What a search with a regular expression found, and how much it has looked at.

    Attributes:
        hits: a hit for each line that matches, in the order of paths and lines, each with score 1.
        files: how many files of the index were asked for.
        searched: how many of them were read: the index says that the others cannot match.
        skipped: files that could not be searched although they may match, counted by reason: "gone", "unreadable",
            "size" (grown too large), or the rule that would leave out what they hold now.
        stopped: "" when all lines were found, "limit" after k of them, "time" when it took too long.
    """

    hits: tuple[Hit, ...]
    files: int
    searched: int
    skipped: Mapping[str, int] = field(default_factory=dict)
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """A regular expression, or with `fixed` a text to be found as it is.

    `word` asks for whole words, `ignore_case` is as it says.
    """

    pattern: str
    ignore_case: bool = False
    fixed: bool = False
    word: bool = False


def grep(
    root: Path,
    view: View,
    seen: Mapping[str, Seen],
    query: Query,
    k: int,
    *,
    files: NDArray[np.bool_],
    shown: NDArray[np.bool_] | None = None,
    seconds: float = MOST_SECONDS,
) -> Grepped:
    """Find the lines that match.

    Args:
        root: the workspace.
        view: its files.
        seen: files that are ahead of the index; open documents are searched as they stand there.
        query: what is looked for.
        k: stop after this many lines.
        files: (f,) which of the view's files are asked for.
        shown: (n,) in which of its chunks a line may stand; None for all.
        seconds: stop after about this time.

    Raises:
        PatternError: the expression is wrong or too large; says where.
    """
    node = read_pattern(query.pattern, ignore_case=query.ignore_case, fixed=query.fixed, word=query.word)
    matcher = Matcher(query.pattern, node)
    search = _Search(root, matcher, time.monotonic() + seconds)
    may = files & view.may_hold(asked_of(required(node), wide=matcher.is_wide))

    def of(file: int) -> Iterator[Hit]:
        path = view.paths[file]
        found = search.file(path, partial(view.blob, file), seen.get(path))
        return found if shown is None else (hit for hit in found if _is_shown(view, shown, file, hit.chunk.span.start))

    hits, stopped = _first(k, map(of, sorted(np.flatnonzero(may).tolist(), key=view.paths.__getitem__)), search.is_late)
    return Grepped(tuple(hits), int(files.sum()), search.searched, dict(search.skipped), stopped)


def grep_files(root: Path, paths: Sequence[str], query: Query, k: int, *, seconds: float = MOST_SECONDS) -> Grepped:
    """The same in files that no index knows. One that a rule would leave out by its content is passed over.

    Raises:
        PatternError: the expression is wrong or too large; says where.
    """
    node = read_pattern(query.pattern, ignore_case=query.ignore_case, fixed=query.fixed, word=query.word)
    search = _Search(root, Matcher(query.pattern, node), time.monotonic() + seconds)
    found, stopped = _first(k, (search.file(path, str, None) for path in paths), search.is_late)
    hits = tuple(replace(hit, stale=False) for hit in found)
    skipped = {reason: count for reason, count in search.skipped.items() if reason in _UNREAD}
    return Grepped(hits, len(paths), search.searched, skipped, stopped)


def _first(k: int, files: Iterable[Iterator[Hit]], is_late: Callable[[], bool]) -> tuple[list[Hit], str]:
    """The first k hits of files one after another, and what stopped them."""
    hits: list[Hit] = []
    for file in files:
        for hit in file:
            if len(hits) == k:
                return hits, "limit"
            hits.append(hit)
        if is_late():
            return hits, "time"
    return hits, ""


def _is_shown(view: View, shown: NDArray[np.bool_], file: int, line: int) -> bool:
    """Whether a line of a file stands in one of its chunks that may be shown."""
    chunks = np.flatnonzero(shown[view.first[file] : view.first[file + 1]]) + view.first[file]
    return any(span.start <= line < span.end for span in map(view.span, chunks.tolist()))


class _Search:
    """One search on its way through the files."""

    def __init__(self, root: Path, matcher: Matcher, until: float) -> None:
        self._root = str(root)
        self._folders: set[str] = set()  # that are no links
        self._matcher = matcher
        self._until = until
        self.searched = 0
        self.skipped: Counter[str] = Counter()

    def is_late(self) -> bool:
        """Whether time is up."""
        return time.monotonic() > self._until

    def file(self, path: str, blob: Callable[[], str], seen: Seen | None) -> Iterator[Hit]:
        """The lines of a file that match; `blob` tells what it was when it was indexed, "" if it was not."""
        raw = b""
        if seen and seen.text is not None:
            data = _with_plain_ends(seen.text.encode("utf-8", "replace"))
        else:
            read = self._read(path)
            if read is None:
                return
            raw, data = read
        self.searched += 1
        stale: bool | None = None
        language = ""
        number = at = 0
        for start, end in self._matcher.lines(data, self.is_late):
            if stale is None:
                if raw and not self._is_inside(path):
                    return
                language = language_of(path)
                stale = bool(raw) and not is_of(blob(), raw)
                if stale and (rule := content_rule(path, data.decode("utf-8", "replace"))):
                    self.skipped[rule] += 1
                    return
            number += data.count(b"\n", at, start)
            at = start
            line = cut_line(data[start : end + 1].decode("utf-8", "replace"))
            yield Hit(Chunk(path, Span(number, number + 1), line, language=language), 1.0, ("regex",), stale)

    def _is_inside(self, path: str) -> bool:
        """Whether a file stands in the workspace; counted when not. Asked of those alone of which lines are shown."""
        try:
            check_inside(self._root, path, self._folders)
        except OSError as error:
            self._skip(error)
            return False
        return True

    def _skip(self, error: OSError) -> None:
        self.skipped[_REASONS.get(error.errno or 0, "unreadable")] += 1

    def _read(self, path: str) -> tuple[bytes, bytes] | None:
        """A file's bytes, and its text in UTF-8; None, and counted, when it cannot be searched or match."""
        try:
            raw = read_regular(f"{self._root}/{path}", MOST_BYTES)
        except OSError as error:
            self._skip(error)
            return None
        if keeps_ascii(raw) and not self._matcher.may_match(raw):
            self.searched += 1
            return None
        data = in_utf_8(raw)
        if data is None:
            self.skipped["binary"] += 1
            return None
        return raw, _with_plain_ends(data)


def _with_plain_ends(data: bytes) -> bytes:
    r"""A text in which no expression meets the `\r` of an `\r\n`, which is no part of the line."""
    return data.replace(b"\r\n", b"\n") if b"\r" in data else data
