r"""The open documents, as the editor has them.

Lines end at "\n", "\r\n" and "\r" and nowhere else, as the protocol says: a form feed or U+2028 inside a line is a
character like any other. The library's own workspace splits there too, which moves every later edit to a wrong
line; that is why this module exists.

A document is kept as a list of lines, so that an edit costs the lines it touches and a move of pointers, not a
new index of the whole text; the text is joined when it is asked for, once a version.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from kibitz.server.completion.recent import Replaced
from kibitz.server.errors import KibitzError

Encoding = Literal["utf-8", "utf-16", "utf-32"]

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class DocumentError(KibitzError):
    """The editor speaks of a document that it has not opened."""


class Place(NamedTuple):
    """A position on the wire: a 0-based line, and a column in units of the negotiated encoding."""

    line: int
    character: int


@dataclass(frozen=True, slots=True)
class Change:
    """One content change; without a range it replaces the whole text."""

    text: str
    start: Place | None = None
    end: Place | None = None


def split_lines(text: str) -> list[str]:
    """Split into lines with their ends. The last line has none and may be empty, so there is always one."""
    if "\r" not in text:
        lines = [line + "\n" for line in text.split("\n")]
        lines[-1] = lines[-1][:-1]
        return lines
    lines = _LINE.findall(text)
    lines.append(text[sum(map(len, lines)) :])
    return lines


def well_formed(text: str) -> str:
    """Replace halves of surrogate pairs, which no encoder takes, by U+FFFD; the length stays in every encoding."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def units(text: str, encoding: Encoding) -> int:
    """Return the length of a text in units of the encoding."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-8":
        return len(text.encode("utf-8"))
    return len(text.encode("utf-16-le")) // 2


def offset_in(content: str, character: int, encoding: Encoding) -> int:
    """Return the index of a column in a line's content.

    A column past the end is the end; a column inside a character (the second half of a surrogate pair, a UTF-8
    continuation byte) is the start of that character.
    """
    character = max(character, 0)
    if encoding == "utf-32" or content.isascii():
        return min(character, len(content))
    if encoding == "utf-8":
        return len(content.encode("utf-8")[:character].decode("utf-8", "ignore"))
    return len(content.encode("utf-16-le")[: 2 * character].decode("utf-16-le", "ignore"))


class Document:
    """One open document. Only the event loop's thread touches it; what leaves it is text, which never changes."""

    __slots__ = ("_lines", "_text", "encoding", "home", "language", "uri", "version")

    def __init__(
        self,
        uri: str,
        text: str,
        *,
        version: int,
        language: str = "",
        encoding: Encoding = "utf-16",
        home: str | None = None,
    ) -> None:
        self.uri = uri
        self.home = uri if home is None else home  # whose place in the workspace it has: a cell has its notebook's
        self.version = version
        self.language = language
        self.encoding = encoding
        self._text: str | None = well_formed(text)
        self._lines = split_lines(self._text)

    @property
    def text(self) -> str:
        """The whole text."""
        if self._text is None:
            self._text = "".join(self._lines)
        return self._text

    @property
    def line_count(self) -> int:
        """The number of lines; a text that ends with a line end has an empty last line."""
        return len(self._lines)

    def apply(self, change: Change) -> Replaced:
        """Apply one content change; return the lines that it replaced."""
        text = well_formed(change.text)
        if change.start is None or change.end is None:
            before, self._text = self._lines, text
            self._lines = split_lines(text)
            return Replaced(0, tuple(before), tuple(self._lines))
        (first, start), (last, end) = sorted((self._locate(change.start), self._locate(change.end)))
        window = self._lines[first][:start] + text + self._lines[last][end:]
        # "\r" and "\n" that come to stand side by side are one line end from now on.
        if first > 0 and self._lines[first - 1].endswith("\r") and window.startswith("\n"):
            first -= 1
            window = self._lines[first] + window
        last += 1
        lines = split_lines(window)
        if last < len(self._lines):
            lines.pop()  # the window ends with a line end, so its last line is the empty start of the next one
        replaced = Replaced(first, tuple(self._lines[first:last]), tuple(lines))
        self._lines[first:last] = lines
        self._text = None
        return replaced

    def around(self, place: Place) -> tuple[str, str]:
        """Return the text before and after a place."""
        line, offset = self._locate(place)
        here = self._lines[line]
        return (
            "".join([*self._lines[:line], here[:offset]]),
            "".join([here[offset:], *self._lines[line + 1 :]]),
        )

    def line_at(self, place: Place) -> tuple[str, str]:
        """Return the parts of a line before and after a place, without the line's end."""
        line, offset = self._locate(place)
        content = self._lines[line].rstrip("\r\n")
        return content[:offset], content[offset:]

    def between(self, start: Place, end: Place) -> str:
        """Return the text from one place to another."""
        (first, begin), (last, stop) = sorted((self._locate(start), self._locate(end)))
        if first == last:
            return self._lines[first][begin:stop]
        return "".join([self._lines[first][begin:], *self._lines[first + 1 : last], self._lines[last][:stop]])

    def place_of_line(self, line: int) -> Place:
        """Return the start of a line; past the last line it is the document's end."""
        if line < len(self._lines):
            return Place(line, 0)
        return Place(len(self._lines) - 1, units(self._lines[-1], self.encoding))

    def _locate(self, place: Place) -> tuple[int, int]:
        """Return (line, index in the line) of a place, drawn in to the line's end and the document's end."""
        if place.line < 0:
            return 0, 0
        if place.line >= len(self._lines):
            return len(self._lines) - 1, len(self._lines[-1])
        content = self._lines[place.line].rstrip("\r\n")
        return place.line, offset_in(content, place.character, self.encoding)


class DocumentStore:
    """The open documents by URI."""

    def __init__(self, encoding: Encoding = "utf-16") -> None:
        self.encoding = encoding
        self._documents: dict[str, Document] = {}

    def __iter__(self) -> Iterator[Document]:
        return iter(self._documents.values())

    def __len__(self) -> int:
        return len(self._documents)

    def open(self, uri: str, text: str, *, version: int, language: str = "", home: str | None = None) -> None:
        """Take a document in; opening it again replaces it. A cell names its notebook as its `home`."""
        self._documents[uri] = Document(
            uri, text, version=version, language=language, encoding=self.encoding, home=home
        )

    def change(self, uri: str, version: int, changes: list[Change]) -> list[Replaced]:
        """Apply the changes in order; return the lines that each replaced.

        Raises:
            DocumentError: the document is not open.
        """
        document = self.get(uri)
        replaced = [document.apply(change) for change in changes]
        document.version = version
        return replaced

    def close(self, uri: str) -> None:
        """Forget a document; one that is not open is no error."""
        self._documents.pop(uri, None)

    def close_home(self, home: str) -> None:
        """Forget all cells of a notebook."""
        self._documents = {uri: one for uri, one in self._documents.items() if one.home != home or one.home == uri}

    def find(self, uri: str) -> Document | None:
        """Return an open document, or None."""
        return self._documents.get(uri)

    def get(self, uri: str) -> Document:
        """Return an open document.

        Raises:
            DocumentError: the document is not open.
        """
        document = self._documents.get(uri)
        if document is None:
            raise DocumentError(f"The document {uri} is not open.")
        return document
