"""The lines of a text: where each begins and what it weighs, worked out for all of them at once."""

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

MAX_LINE_CHARS = 2_000
"""A longer line is cut in the text of its chunk, so that no chunk is huge; nobody reads the rest of such a line."""

_LONE_CR = re.compile(r"\r(?!\n)")
_BLANKS = b"\t\n\v\f\r\x1c\x1d\x1e\x1f "


def to_source(text: str) -> bytes:
    r"""The bytes that are parsed: rows of their tree are lines as `split_lines` counts them.

    Tree-sitter ends a row at "\n" only, so a lone "\r" is turned into one first; that moves no byte.
    """
    return (_LONE_CR.sub("\n", text) if "\r" in text else text).encode("utf-8", "replace")


class Lines:
    """The lines of one text. Line numbers are 0-based, an end is not included.

    A line weighs as much as it has characters that are not blank; blank ones weigh a quarter, so that no chunk is
    made of a screen of indentation. What lies behind MAX_LINE_CHARS is neither shown nor weighed.

    `starts` are the bytes of the source at which the lines begin, `blank` is 1 for a line that says nothing, `flush`
    for one that begins at its margin; `starts` has one more for the end of the text.
    """

    def __init__(self, text: str, source: bytes) -> None:
        import numpy as np

        data = np.frombuffer(source, np.uint8)
        ends = np.flatnonzero(data == 10) + 1
        if source and not source.endswith(b"\n"):
            ends = np.append(ends, len(data))
        bounds = np.concatenate((np.zeros(1, np.int64), ends))
        shown = ~_blank_bytes()[data]
        self._text = text
        self.starts: list[int] = bounds.tolist()
        if len(source) == len(text):
            self._chars = self.starts
            chars = bounds
        else:
            leading = (data & 0xC0) != 0x80  # every character has one byte that continues none
            shown &= leading
            chars = _sums_at(leading, bounds)
            self._chars = chars.tolist()
        solid = np.diff(_sums_at(shown, bounds))
        weights = np.maximum(np.maximum(solid, np.diff(chars) // 4), 1)
        self._long: list[int] = np.flatnonzero(np.diff(chars) > MAX_LINE_CHARS).tolist()
        for row in self._long:
            weights[row] = max(len("".join(self[row].split())), MAX_LINE_CHARS // 4)
        self._sums: list[int] = [0, *np.cumsum(weights).tolist()]
        self.blank: bytes = (solid == 0).astype(np.uint8).tobytes()
        self.flush: bytes = shown[bounds[:-1]].astype(np.uint8).tobytes()

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, row: int) -> str:
        return self._text[self._chars[row] : self._chars[row + 1]][:MAX_LINE_CHARS]

    def join(self, start: int, end: int) -> str:
        """The text of some lines, each cut behind MAX_LINE_CHARS."""
        at = bisect_left(self._long, start)
        if at < len(self._long) and self._long[at] < end:
            return "".join(self[row] for row in range(start, end))
        return self._text[self._chars[start] : self._chars[end]]

    def weight(self, start: int, end: int) -> int:
        """The weight of some lines."""
        return self._sums[end] - self._sums[start]


def _blank_bytes() -> "np.ndarray[Any, np.dtype[np.bool_]]":
    import numpy as np

    table = np.zeros(256, np.bool_)
    table[list(_BLANKS)] = True
    return table


def _sums_at(
    flags: "np.ndarray[Any, np.dtype[np.bool_]]", bounds: "np.ndarray[Any, np.dtype[np.int64]]"
) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """How many flags are set in front of each bound."""
    import numpy as np

    return np.concatenate((np.zeros(1, np.int64), np.cumsum(flags, dtype=np.int64)))[bounds]
