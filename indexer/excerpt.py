"""Some lines of a file, without splitting or decoding the rest of it."""

from dataclasses import dataclass

import numpy as np

from kibitz.indexer.ragged import Ints
from kibitz.indexer.read import decode, split_lines


@dataclass(frozen=True, slots=True)
class Excerpts:
    """A file's lines: split already, or UTF-8 bytes with the places behind each line break."""

    split: list[str] | None
    data: bytes = b""
    starts: Ints | None = None

    @classmethod
    def of_text(cls, text: str) -> "Excerpts":
        """The lines of a text."""
        return cls(split_lines(text))

    @classmethod
    def of_bytes(cls, data: bytes) -> "Excerpts | None":
        """The lines of a file's bytes; None when they are no text."""
        plain = b"\r" not in data and b"\0" not in data and not data.startswith((b"\xef\xbb\xbf", b"\xff", b"\xfe"))
        if plain:
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
        assert self.starts is not None
        if start >= end or start > len(self.starts):
            return []
        first = int(self.starts[start - 1]) if start else 0
        last = int(self.starts[end - 1]) if end <= len(self.starts) else len(self.data)
        try:
            return split_lines(self.data[first:last].decode("utf-8"))
        except UnicodeDecodeError:  # in another encoding, which the whole file tells
            whole = self._decoded(self.data)
            return whole.between(start, end) if whole else []
