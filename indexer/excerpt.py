"""Some lines of a file, without splitting or decoding the rest of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.lines import MAX_LINE_CHARS
from kibitz.indexer.read import cut_line, decode, split_lines

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
            return cls(None, data, (np.frombuffer(data, np.uint8) == ord("\n")).nonzero()[0] + 1)
        return cls._decoded(data)

    @classmethod
    def _decoded(cls, data: bytes) -> "Excerpts | None":
        read = decode(data)
        return cls(split_lines(read[0])) if read else None

    def between(self, start: int, end: int) -> list[str]:
        """The lines from `start` on, `end` not included, with their ends; those that there are."""
        if self.split is not None:
            return self.split[start:end]
        bounds = self._bounds(start, end)
        if bounds is None:
            return []
        try:
            return split_lines(self.data[slice(*bounds)].decode("utf-8"))
        except UnicodeDecodeError:  # in another encoding, which the whole file tells
            whole = self._decoded(self.data)
            return whole.between(start, end) if whole else []

    def shown(self, start: int, end: int) -> str:
        """The same lines as one text, each as it is shown (see `cut_line`); "" where there are none."""
        bounds = self._bounds(start, end) if self.split is None else None
        # A line has no more characters than bytes: where all of them together are few, none is cut.
        if bounds is not None and (bounds[1] - bounds[0] <= MAX_LINE_CHARS or self._are_short(start, end, *bounds)):
            piece = self.data[slice(*bounds)]
            try:
                return piece.decode("utf-8")
            except UnicodeDecodeError:
                pass
        return "".join(map(cut_line, self.between(start, end)))

    def _bounds(self, start: int, end: int) -> tuple[int, int] | None:
        """The bytes of some lines, None where there are none."""
        assert self.starts is not None
        if start >= end or start > len(self.starts):
            return None
        first = int(self.starts[start - 1]) if start else 0
        return first, int(self.starts[end - 1]) if end <= len(self.starts) else len(self.data)

    def _are_short(self, start: int, end: int, first: int, last: int) -> bool:
        """Whether no line among some has more than MAX_LINE_CHARS bytes."""
        assert self.starts is not None
        inner = self.starts[start : end - 1].tolist()
        return all(
            behind - before <= MAX_LINE_CHARS for before, behind in zip([first, *inner], [*inner, last], strict=True)
        )
