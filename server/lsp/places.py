"""Between the protocol's URIs and ranges and our paths and spans."""

import posixpath
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lsprotocol import types as lsp
from pygls import uris

from kibitz.indexer.types import Span
from kibitz.server.lsp.documents import Document, Place


def path_of(uri: str) -> Path | None:
    """Return the file of a URI, None for other schemes ("untitled:", "git:")."""
    if urlsplit(uri).scheme != "file":
        return None
    path = uris.to_fs_path(uri)
    return Path(path) if path else None


def uri_of(root: Path, path: str) -> str:
    """Return the URI of a workspace file."""
    return (root / path).as_uri()


def relative_path(uri: str, root: Path | None) -> str:
    """Return the path in the workspace with "/"; outside it the URI's last part."""
    path = path_of(uri)
    if path is not None and root is not None:
        for one, other in ((path, root), (path.resolve(), root.resolve())):
            if one.is_relative_to(other):
                return one.relative_to(other).as_posix()
    return posixpath.basename(unquote(urlsplit(uri).path)) or uri


def place(position: lsp.Position) -> Place:
    """Return our value for a position."""
    return Place(position.line, position.character)


def lines_of(document: Document, selection: lsp.Range | None) -> Span:
    """Return the lines that a selection touches; without one, all of them.

    A selection that ends at the start of a line does not touch that line.
    """
    if selection is None:
        return Span(0, document.line_count)
    first, last = sorted((place(selection.start), place(selection.end)))
    end = last.line if last.character == 0 and last.line > first.line else last.line + 1
    start = min(first.line, document.line_count - 1)
    return Span(start, min(max(end, start + 1), document.line_count))
