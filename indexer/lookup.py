"""Definitions, references and callers by name, over all languages.

The index says which files may hold them; what stands where is read from the files as they are now. A name is found in
every naming convention, places that spell it as it was asked for come first. A qualified name ("Session.close",
"pool::Pool") narrows: a definition must stand inside what the qualifier names, a reference in a file that names it.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from kibitz.indexer.files import read_inside
from kibitz.indexer.filters import is_in
from kibitz.indexer.grep import MOST_BYTES
from kibitz.indexer.imports import without_ending
from kibitz.indexer.keys import definition_key, reference_key
from kibitz.indexer.lines import split_lines
from kibitz.indexer.live import Seen
from kibitz.indexer.outline import Site, Structure, Symbol, structure, symbols_of
from kibitz.indexer.queries import REFERENCE_KINDS
from kibitz.indexer.read import decode
from kibitz.indexer.terms import joined
from kibitz.indexer.types import Span
from kibitz.indexer.view import View

T = TypeVar("T")

MOST_FILES = 1_000  # that one question reads: a name that more files hold is not looked for but browsed
_KEPT = 64  # files of which all that stands in them is remembered,
_KEPT_SYMBOLS = 512  # and of which the definitions are
_MOST_LINE_CHARS = 200
_SEPARATOR = re.compile(r"::|->|[.:#/\\]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name is defined or referred to.

    Attributes:
        path: the file, relative to the workspace.
        symbol: the dotted name of the definition; of a reference, that of the definition it stands in, "" for none.
        kind: of a definition "function", "method", "class", "type" or "module"; of a reference "call", "import",
            "inherit", "type" or "use"; of a caller the kind of definition that it is, "module" outside any.
        span: the lines of the definition or of the caller; of a reference its line.
        lines: where the name itself stands, 0-based: several for a caller that calls it more than once.
        text: the head of the definition or of the caller; the line of a reference.
    """

    path: str
    symbol: str
    kind: str
    span: Span
    lines: tuple[int, ...]
    text: str


class Remembered(Generic[T]):
    """The values that were asked for last; safe to share between threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key, made when it is not there."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            self._values[key] = value
            if len(self._values) > self._most:
                self._values.popitem(last=False)
        return value


class Sources:
    """The files of a workspace as they are now, and what stands in them; safe to share between threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._ahead: Mapping[str, Seen] = {}
        self._structures: Remembered[Structure] = Remembered(_KEPT)
        self._symbols: Remembered[tuple[Symbol, ...]] = Remembered(_KEPT_SYMBOLS)

    def with_ahead(self, ahead: Mapping[str, Seen]) -> "Sources":
        """The same files, of which open documents are read as they stand there."""
        other = Sources(self._root)
        other._ahead, other._structures, other._symbols = ahead, self._structures, self._symbols
        return other

    def text(self, path: str) -> str | None:
        """The text of a file; None when it is gone, huge or no text."""
        seen = self._ahead.get(path)
        if seen and seen.text is not None:
            return seen.text
        try:
            read = decode(read_inside(self._root, path, MOST_BYTES))
        except OSError:
            return None
        return read[0] if read else None

    def structure(self, path: str, text: str) -> Structure:
        """What stands where in a text of a file."""
        key = path, len(text), hash(text)
        return self._structures.get(key, lambda: structure(path, text))

    def symbols(self, path: str, blob: str) -> tuple[Symbol, ...]:
        """The definitions in a file; it is read only when the index has not had this content of it before."""

        def read() -> tuple[Symbol, ...]:
            text = self.text(path)
            return symbols_of(path, text) if text is not None else ()

        return self._symbols.get((path, blob), read)


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it was asked for: its last part, and the parts in front of it."""

    last: str
    qualifiers: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> "Name":
        """Read "close", "Session.close", "a::b", "Class#method" or "f()"."""
        parts = [part for part in _SEPARATOR.split(text.strip().removesuffix("()")) if part.strip()]
        return cls(parts[-1].strip(), tuple(part.strip() for part in parts[:-1])) if parts else cls("")

    def is_of(self, symbol: str) -> bool:
        """Whether a dotted name ends with these parts, in any naming convention."""
        wanted = [joined(part) for part in (*self.qualifiers, self.last)]
        return [joined(part) for part in symbol.split(".")][-len(wanted) :] == wanted

    def is_named(self, name: str) -> bool:
        """Whether a name is the last part, in any naming convention."""
        return joined(name) == joined(self.last)


def definitions(view: View, sources: Sources, name: str, k: int = 50, *, within: str = "") -> list[Place]:
    """The first k places where a name is defined: those that spell it so first, tests and examples last.

    Args:
        view: the files and chunks that answer.
        sources: their texts.
        name: one name, which may be qualified.
        k: how many places at most.
        within: only files in this folder (or this one file).
    """
    wanted = Name.of(name)
    exact: dict[int, bool] = {}
    for number in view.definitions.get(definition_key(wanted.last))[0].tolist():
        file = int(view.file_of[number])
        exact[file] = exact.get(file, False) or wanted.last in view.chunk(number, view.paths[file], "").defines
    order = sorted(exact, key=lambda file: (not exact[file], bool(view.aside[file]), view.paths[file]))
    return _best(
        k, _defining(sources, wanted, [path for path in map(view.paths.__getitem__, order) if is_in(path, within)])
    )


def references(
    view: View,
    sources: Sources,
    name: str,
    k: int = 100,
    *,
    kinds: Sequence[str] = REFERENCE_KINDS,
    within: str = "",
) -> list[Place]:
    """The first k places that refer to a name: those that spell it so first, tests and examples last.

    References are told by syntax: two things of one name are one here, unless a qualifier tells them apart.

    Args:
        view: the files and chunks that answer.
        sources: their texts.
        name: one name, which may be qualified.
        k: how many places at most.
        kinds: which kinds of references (types.Reference).
        within: only files in this folder (or this one file).
    """
    wanted = Name.of(name)
    return _best(k, _referring(sources, wanted, kinds, _candidates(view, sources, wanted, kinds, within)))


def callers(view: View, sources: Sources, name: str, k: int = 100, *, within: str = "") -> list[Place]:
    """The first k definitions that call a name, each once, with the lines of its calls.

    Calls outside any definition are one place for each file, of kind "module".
    """
    wanted = Name.of(name)
    return _best(k, _calling(sources, wanted, _candidates(view, sources, wanted, ("call",), within)))


_Found = tuple[bool, Place]  # whether the name is spelt in another way


def _best(k: int, found: Iterator[list[_Found]]) -> list[Place]:
    """The first k, those that spell the name as it was asked for in front; files with such ones come first."""
    every: list[_Found] = []
    for places in found:
        every += places
        if sum(not other for other, _ in every) >= k:
            break
    return [place for _, place in sorted(every, key=lambda one: one[0])][:k]


def _defining(sources: Sources, wanted: Name, paths: Sequence[str]) -> Iterator[list[_Found]]:
    for path in paths[:MOST_FILES]:
        text = sources.text(path)
        if text is not None and all(_names(text, part) for part in wanted.qualifiers):
            symbols = sources.structure(path, text).symbols
            named = [one for one in symbols if wanted.is_named(one.name) and wanted.is_of(one.symbol)]
            yield [(one.name != wanted.last, _definition(path, one, (one.line,))) for one in named]


def _referring(
    sources: Sources, wanted: Name, kinds: Sequence[str], files: Iterator[tuple[str, str]]
) -> Iterator[list[_Found]]:
    for path, text in files:
        read = sources.structure(path, text)
        # An import may name a module and something in it that differ in case alone: its line is one place.
        sites: dict[tuple[int, str], tuple[bool, Site]] = {}
        for site in read.sites:
            if site.kind in kinds and wanted.is_named(last := last_of(site.name)):
                other, at = last != wanted.last, (site.line, site.kind)
                if at not in sites or not other:
                    sites[at] = (other, site)
        rows = split_lines(text) if sites else []
        yield [(other, _reference(path, site, read, rows[site.line])) for other, site in sites.values()]


def _calling(sources: Sources, wanted: Name, files: Iterator[tuple[str, str]]) -> Iterator[list[_Found]]:
    for path, text in files:
        read = sources.structure(path, text)
        calls: dict[Symbol | None, list[Site]] = {}
        for site in read.sites:
            if site.kind == "call" and wanted.is_named(site.name):
                calls.setdefault(read.around(site.line), []).append(site)
        yield [
            (all(site.name != wanted.last for site in sites), _caller(path, caller, sites))
            for caller, sites in calls.items()
        ]


def _candidates(
    view: View, sources: Sources, wanted: Name, kinds: Sequence[str], within: str
) -> Iterator[tuple[str, str]]:
    """The files that may refer to a name, with their texts: first those that spell it so, tests and examples last."""
    spellings = {wanted.last.lower(), wanted.last.lower().capitalize(), wanted.last}
    held = view.references.find(sorted({reference_key(kind, one) for kind in kinds for one in spellings})).values()
    files = {int(file) for chunks, _ in held for file in np.unique(view.file_of[chunks])}
    order = sorted(files, key=lambda file: (bool(view.aside[file]), view.paths[file]))
    paths = [path for path in map(view.paths.__getitem__, order) if is_in(path, within)]
    others: list[str] = []
    for path in paths[:MOST_FILES]:
        text = sources.text(path)
        if text is None or (wanted.qualifiers and not _names(text, wanted.qualifiers[-1])):
            continue
        if wanted.last in text:
            yield path, text
        else:
            others.append(path)
    for path in others:
        text = sources.text(path)
        if text is not None:
            yield path, text


def _names(text: str, word: str) -> bool:
    """Whether a text holds a word in any naming convention."""
    if joined(word) not in joined(text):  # many times faster than to match, and nearly always enough
        return False
    spelt = "_*".join(map(re.escape, joined(word)))
    return re.search(rf"(?<!\w)_*{spelt}_*(?!\w)", text, re.IGNORECASE) is not None


def last_of(name: str) -> str:
    """The last part of a name that may be qualified, or of a module or a path that is imported."""
    return _SEPARATOR.split(without_ending(name))[-1]


def _definition(path: str, one: Symbol, lines: tuple[int, ...]) -> Place:
    return Place(path, one.symbol, one.kind, one.span, lines, one.signature)


def _reference(path: str, site: Site, read: Structure, row: str) -> Place:
    around = read.around(site.line)
    text = row.strip()[:_MOST_LINE_CHARS]
    return Place(path, around.symbol if around else "", site.kind, Span(site.line, site.line + 1), (site.line,), text)


def _caller(path: str, caller: Symbol | None, sites: Sequence[Site]) -> Place:
    lines = tuple(dict.fromkeys(site.line for site in sites))
    if caller is None:
        return Place(path, "", "module", Span(lines[0], lines[-1] + 1), lines, "")
    return _definition(path, caller, lines)
