"""What stands where in one file: its definitions with their heads, and the places that refer to something."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from kibitz.indexer.chunk import parse_file
from kibitz.indexer.languages import language_of
from kibitz.indexer.lines import MAX_LINE_CHARS, split_lines, to_source
from kibitz.indexer.queries import capture
from kibitz.indexer.references import Named, named, reference_of
from kibitz.indexer.symbols import definitions
from kibitz.indexer.syntax import Leads
from kibitz.indexer.types import Span

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_SIGNATURE_CHARS = 160
_HEAD_CHARS = 200
_MOST_HEAD_LINES = 12  # of a definition, until its parameters are closed
_NAME_WITHIN = 30  # lines of where a definition begins: attributes and a type may stand in front of its name

# What stands on lines of its own in front of a definition and belongs to its syntax: `@Override`, `#[test]`, `[Fact]`.
_ATTRIBUTE = re.compile(r"\s*(?:@|#!?\[|\[)")
_COMMENT = re.compile(r"(?<=\S)\s+(?://|#\s|/\*|--\s).*")
_BODY = re.compile(r"\s*(?:\{|=>|:|=|->|;|\bdo|\bis|\bas|\bbegin|\bwhere)?\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition in a file.

    Attributes:
        name: the last part of its name, the title of a section.
        symbol: its dotted name within the file ("Session.close").
        kind: "function", "method", "class", "type", "module" or "section".
        span: its lines, with the comments and decorators above it.
        line: the one that its name stands on, 0-based.
        signature: its head on one line, without its body.
        depth: how many definitions are around it.
    """

    name: str
    symbol: str
    kind: str
    span: Span
    line: int
    signature: str
    depth: int = 0


class Site(NamedTuple):
    """A place that refers to something: a name as types.Reference has it, the kind, and the line, 0-based."""

    name: str
    kind: str
    line: int


@dataclass(frozen=True, slots=True)
class Structure:
    """The definitions of a file, outer ones first, and its references, both in the order of its text."""

    symbols: tuple[Symbol, ...] = ()
    sites: tuple[Site, ...] = ()

    def around(self, line: int) -> Symbol | None:
        """The innermost definition that a line is in."""
        return next((one for one in reversed(self.symbols) if one.span.start <= line < one.span.end), None)


def structure(path: str, text: str) -> Structure:
    """Take a file apart; a file in no known language has nothing."""
    source = to_source(text)
    language, captured = _captured(path, text, source, references=True)
    if not language:
        return Structure()
    sites = tuple(_sites(source, named(captured, source)))
    return Structure(_symbols(text, source, language, captured), sites)


def symbols_of(path: str, text: str) -> tuple[Symbol, ...]:
    """The definitions of a file alone, in half of the time."""
    source = to_source(text)
    language, captured = _captured(path, text, source, references=False)
    return _symbols(text, source, language, captured) if language else ()


def _captured(path: str, text: str, source: bytes, *, references: bool) -> "tuple[str, dict[str, list[Node]]]":
    """The language of a file and what its grammar's query finds in it; "" for a file that cannot be parsed."""
    language = language_of(path, text[:_HEAD_CHARS])
    parsed = parse_file(path, source, language)
    if parsed is None:
        return "", {}
    tree, grammar = parsed
    return language, capture(tree.root_node, grammar, language, references=references)


def _symbols(text: str, source: bytes, language: str, captured: "dict[str, list[Node]]") -> tuple[Symbol, ...]:
    found = definitions(captured["definition"], Leads(source, captured["lead"], captured["wrapper"]), language)
    rows = split_lines(text)
    symbols: list[Symbol] = []
    around: list[int] = []  # where those end that hold the next one
    for one in found:
        while around and around[-1] <= one.start:
            around.pop()
        if one.name or one.kind == "section":  # what is only added to is defined elsewhere
            name = one.name or one.path.rpartition(" > ")[2]
            line = _name_line(rows, name, one.row, one.end)
            signature = _signature(rows, one.row, line, one.end)
            symbols.append(
                Symbol(name, one.path, one.kind, Span(one.start, one.end), line, signature or name, len(around))
            )
            around.append(one.end)
    return tuple(symbols)


def _name_line(rows: Sequence[str], name: str, start: int, end: int) -> int:
    """The first line from `start` on that holds the name, as a word where it is one."""
    last = min(end, len(rows), start + _NAME_WITHIN)
    return next((row for row in range(start, last) if _holds_word(rows[row], name)), start)


def _holds_word(row: str, name: str) -> bool:
    """Whether a name stands in a line and no letter beside it: compiling an expression for each name takes longer."""
    at = row.find(name)
    while at >= 0:
        if not (_is_letter(row[at - 1 : at]) or _is_letter(row[at + len(name) : at + len(name) + 1])):
            return True
        at = row.find(name, at + 1)
    return False


def _is_letter(one: str) -> bool:
    return one.isalnum() or one == "_"


def _signature(rows: Sequence[str], start: int, line: int, end: int) -> str:
    """What a definition begins with, on one line: up to its body, or the end of the line that closes its parameters."""
    head: list[str] = []
    depth = 0
    for row in range(start, min(end, len(rows), max(line, start) + _MOST_HEAD_LINES)):
        text = _COMMENT.sub("", rows[row][:MAX_LINE_CHARS].strip())
        if not text or (row < line and _ATTRIBUTE.match(text)):
            continue
        kept, depth, is_done = _until_body(text, depth)
        head.append(kept)
        if row >= line and (is_done or depth <= 0):
            break
    joined = " ".join(" ".join(head).split())
    joined = joined.replace("( ", "(").replace(" )", ")").replace(",)", ")")
    bare = _BODY.sub("", joined)
    return bare if len(bare) <= MAX_SIGNATURE_CHARS else bare[: MAX_SIGNATURE_CHARS - 1] + "…"


def _until_body(text: str, depth: int) -> tuple[str, int, bool]:
    """A line up to the brace that opens a body, how deep in brackets it ends, and whether there was such a brace."""
    for at, letter in enumerate(text):
        if letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == "{" and depth <= 0 and text[at + 1 : at + 2] != "}":
            return text[:at], depth, True
    return text, depth, False


def _sites(source: bytes, referred: Named) -> list[Site]:
    starts = [0, *(at.end() for at in re.finditer(rb"\n", source))]
    sites: list[Site] = []
    for place, text in zip(referred.places, referred.texts, strict=True):
        reference = reference_of(text)
        if reference is not None:
            sites.append(Site(reference.name, reference.kind, bisect_right(starts, place) - 1))
    return sites
