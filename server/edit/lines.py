r"""A text as lines.

Lines end at `\n`, `\r\n` and `\r` and nowhere else, as the Language Server Protocol counts them: a form feed or
U+2028 inside a line is a character like any other. So a line number of ours is the editor's.
"""

import re

from kibitz.indexer.lines import split_lines

__all__ = ["content", "indent_of", "is_blank", "line_end", "split_lines", "with_line_end"]

_END = re.compile(r"\r\n|\n|\r")


def content(line: str) -> str:
    """Return a line without its end."""
    return line.rstrip("\r\n")


def indent_of(line: str) -> str:
    """Return the blanks at the start of a line."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def is_blank(line: str) -> bool:
    """Tell whether a line holds nothing but blanks."""
    return not line.strip()


def line_end(text: str) -> str:
    """Return the line end that a text uses most, a line feed when it has none."""
    ends = _END.findall(text)
    return max(("\n", "\r\n", "\r"), key=ends.count) if ends else "\n"


def with_line_end(text: str, end: str) -> str:
    """Return a text with every line end replaced."""
    return _END.sub(lambda _: end, text)
