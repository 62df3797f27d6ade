"""What may follow an `@` or a `/` that somebody types in a question: kinds, prompts, paths and names of the index."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kibitz.server.chat.mentions import KINDS
from kibitz.server.chat.slash import SLASHES

if TYPE_CHECKING:
    from kibitz.server.indexed import Indexed

MOST = 30
MOST_NAMES = 2_000  # that are looked at
_VALUED = ("file", "folder", "symbol", "diff")
_SLASH = re.compile(r"\s*/([a-z]*)$")
_MENTION = re.compile(r"(?<![\w@`.])@(?:(file|folder|symbol):)?\"?([^\s\"]*)$")


@dataclass(frozen=True, slots=True)
class Offered:
    """Something to insert in place of the `length` last characters of the text."""

    label: str
    insert: str
    kind: str
    detail: str
    length: int


def suggestions(app: "Indexed", text: str) -> list[Offered]:
    """Return what fits the end of a text, best first. Reads the index, so not for the event loop."""
    if found := _SLASH.fullmatch(text):
        begun = found[1]
        return [
            Offered(f"/{name}", f"/{name} ", "prompt", slash.help, len(begun) + 1)
            for name, slash in SLASHES.items()
            if name.startswith(begun)
        ]
    found = _MENTION.search(text)
    if found is None:
        return []
    return list(_mentions(app, found[1] or "", found[2], len(text) - found.start()))[:MOST]


def _mentions(app: "Indexed", kind: str, begun: str, length: int) -> Iterator[Offered]:
    if not kind:
        for name, detail in KINDS.items():
            if name.startswith(begun.lower()):
                insert = f"@{name}:" if name in _VALUED[:3] else f"@{name} "
                yield Offered(f"@{name}", insert, name, detail, length)
    if kind in {"", "file"} and (kind or begun):
        for path in _fitting(_paths(app), begun):
            yield Offered(path.rpartition("/")[2], f"@file:{_quoted(path)} ", "file", path, length)
    if kind == "folder":
        for path in _fitting(_folders(_paths(app)), begun):
            yield Offered(path, f"@folder:{_quoted(path)} ", "folder", "", length)
    if kind == "symbol" and begun:
        for symbol in _symbols(app, begun):
            yield Offered(symbol, f"@symbol:{symbol} ", "symbol", "", length)


def _paths(app: "Indexed") -> list[str]:
    from kibitz.indexer.errors import NotIndexedError

    try:
        view = app.searcher().view
    except NotIndexedError:
        return []
    return [path for path, alive in zip(view.paths, view.alive.tolist(), strict=True) if alive]


def _folders(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(path[:at] for path in paths for at in range(len(path)) if path[at] == "/"))


def _symbols(app: "Indexed", begun: str) -> list[str]:
    """Return the names that hold a beginning: those of which a part begins so first, then the shortest."""
    from kibitz.indexer.errors import NotIndexedError

    try:
        names = app.searcher().names(begun, MOST_NAMES)
    except NotIndexedError:
        return []
    begins = re.compile(rf"(?:^|[.:#])(?i:{re.escape(begun)})")
    plain = (name for name in names if not re.search(r"\s", name))  # a section's title is no name to look for
    return sorted(plain, key=lambda name: (begins.search(name) is None, len(name), name))[:MOST]


def _fitting(paths: Iterable[str], begun: str) -> list[str]:
    """Return the paths that hold the letters in their order: names that begin so first, then the shortest."""
    wanted = begun.lower()
    letters = re.compile(".*?".join(map(re.escape, wanted)))
    found = [(path, path.lower()) for path in paths]
    ranked = [
        (not low.rpartition("/")[2].startswith(wanted), wanted not in low, len(path), path)
        for path, low in found
        if letters.search(low)
    ]
    return [path for *_, path in sorted(ranked)[:MOST]]


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path
