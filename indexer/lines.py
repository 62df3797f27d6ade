"""The lines of a text: where each begins and what it weighs, worked out for all of them at once."""

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_COMMENTS = ("#", "//", "/*", "*", "--", ";", "%", "<!--")
_NO_COMMENTS = ("#[", "#!", "#define", "#if", "#pragma")
MAX_LINE_CHARS = 2_000
"""A longer line is cut in the text of its chunk, so that no chunk is huge; nobody reads the rest of such a line."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_LONE_CR = re.compile(r"\r(?!\n)")
_CONTINUING = range(0x80, 0xC0)  # the bytes of UTF-8 that begin no character
_BEGINS = bytes(byte not in _CONTINUING for byte in range(256))
_SHOWN = bytes(begins and byte not in b"\t\n\v\f\r\x1c\x1d\x1e\x1f " for byte, begins in enumerate(_BEGINS))


def split_lines(text: str) -> list[str]:
    r"""The lines of a text with their ends: `\n`, `\r\n` and `\r` end one, a form feed or U+2028 does not."""
    if "\r" not in text:
        lines = text.split("\n")
        last = lines.pop()
        return [line + "\n" for line in lines] + ([last] if last else [])
    return _LINE.findall(text)


def to_source(text: str) -> bytes:
    r"""The bytes that are parsed: rows of their tree are lines as `split_lines` counts them.

    Tree-sitter ends a row at "\n" only, so a lone "\r" is turned into one first; that moves no byte.
    """
    return (_LONE_CR.sub("\n", text) if "\r" in text else text).encode("utf-8", "replace")


class Lines:
    """The lines of one text that is not empty. Line numbers are 0-based, an end is not included.

    A line weighs as much as it has characters that are not blank; blank ones weigh a quarter, so that no chunk is
    made of a screen of indentation. What lies behind MAX_LINE_CHARS is neither shown nor weighed.

    `starts` are the bytes of the source at which the lines begin and `sums` the weights in front of them, with one more
    for the end of the text. `blank` is 1 for a line that says nothing, `flush` for one that begins at its margin.
    """

    def __init__(self, text: str, source: bytes) -> None:
        import numpy as np

        ends = np.flatnonzero(np.frombuffer(source, np.uint8) == 10) + 1
        bounds = np.zeros(1 + len(ends) + (not source.endswith(b"\n")), np.int64)
        bounds[-1] = len(source)
        bounds[1 : 1 + len(ends)] = ends
        begins = bounds[:-1]
        shown = np.frombuffer(source.translate(_SHOWN), np.uint8)
        solid = np.add.reduceat(shown, begins, dtype=np.int32)
        # What is asked for seldom is read in place: a list of as many numbers takes longer to make than all the rest.
        self._text = text
        self.starts: memoryview[int] = bounds.data
        if len(source) == len(text):
            self._chars = self.starts
            chars = bounds[1:] - begins
        else:
            chars = np.add.reduceat(np.frombuffer(source.translate(_BEGINS), np.uint8), begins, dtype=np.int64)
            self._chars = _sums(chars)
        weights = np.maximum(np.maximum(solid, chars // 4), 1)
        self._long: list[int] = np.flatnonzero(chars > MAX_LINE_CHARS).tolist()
        for row in self._long:
            weights[row] = max(len("".join(self[row].split())), MAX_LINE_CHARS // 4)
        self.sums: list[int] = _sums(weights).tolist()
        self.blank: bytes = (solid == 0).tobytes()
        self.flush: bytes = shown[begins].tobytes()

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
        return self.sums[end] - self.sums[start]


def _sums(numbers: "np.ndarray[Any, Any]") -> "memoryview[int]":
    """What stands in front of each number, and all together, added up."""
    import numpy as np

    sums = np.zeros(len(numbers) + 1, np.int64)
    np.cumsum(numbers, out=sums[1:])
    return sums.data


def is_comment(line: str) -> bool:
    """Tell by how a line without its indentation begins whether it is a comment, in most languages."""
    return line.startswith(_COMMENTS) and not line.startswith(_NO_COMMENTS)
