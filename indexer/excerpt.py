"""Some lines of a file, without splitting or decoding the rest of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.lines import MAX_LINE_CHARS, split_lines
from kibitz.indexer.read import cut_line, decode

Starts = NDArray[Any]
_MARKS = (b"\xef\xbb\xbf", b"\xff", b"\xfe")


@dataclass(frozen=True, slots=True)
class Excerpts:
    """A file's lines: split already, or UTF-8 bytes with the places behind each line break."""

    split: list[str] | None
    data: bytes = b""
    starts: Starts | None = None

    @classmethod
    def of_text(cls, text: str) -> "Excerpts":
        """The lines of a text."""
        return cls(split_lines(text))

    @classmethod
    def of_bytes(cls, data: bytes) -> "Excerpts | None":
        """The lines of a file's bytes; None when they are no text."""
        plain = b"\r" not in data or data.count(b"\r") == data.count(b"\r\n")
        if plain and b"\0" not in data and not data.startswith(_MARKS):
            return cls(None, data, _starts(data))
        return cls._decoded(data)

    @classmethod
    def _decoded(cls, data: bytes) -> "Excerpts | None":
        read = decode(data)
        return cls(split_lines(read[0])) if read else None

    def between(self, start: int, end: int) -> list[str]:
        """The lines from `start` on, `end` not included, with their ends; those that there are."""
        if self.split is not None:
            return self.split[start:end]
        assert self.starts is not None
        try:
            return split_lines(self.data[slice(*bounds(self.starts, start, end, len(self.data)))].decode("utf-8"))
        except UnicodeDecodeError:  # in another encoding, which the whole file tells
            whole = self._decoded(self.data)
            return whole.between(start, end) if whole else []

    def shown(self, start: int, end: int) -> str:
        """The same lines as one text, each as it is shown (see `cut_line`); "" where there are none."""
        return "".join(map(cut_line, self.between(start, end)))


def _starts(data: bytes) -> Starts:
    """The places behind each line break."""
    breaks = np.frombuffer(data, np.uint8) == ord("\n")
    # Most eights of bytes have none: looking at eights first takes a third of the time.
    whole = len(data) // 8 * 8
    eights = breaks[:whole].view(np.uint64)
    some = eights.nonzero()[0]
    row, column = eights[some].view(np.bool_).reshape(-1, 8).nonzero()
    return np.concatenate((8 * some[row] + column, whole + breaks[whole:].nonzero()[0])) + 1


def bounds(starts: Starts, start: int, end: int, size: int) -> tuple[int, int]:
    """Where the bytes of some lines begin and end in a file of this size with lines behind these starts."""
    if start >= end or start > len(starts):
        return 0, 0
    return int(starts[start - 1]) if start else 0, int(starts[end - 1]) if end <= len(starts) else size


def shown(piece: bytes) -> str | None:
    """Whole lines in UTF-8 as one text, as they are shown (see `cut_line`); None when they are in another encoding."""
    try:
        text = piece.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if len(text) <= MAX_LINE_CHARS or max(map(len, text.split("\n"))) < MAX_LINE_CHARS:
        return text
    return "".join(map(cut_line, split_lines(text)))
