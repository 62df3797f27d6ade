"""A file's text to chunks, along its syntax tree: split what is too long, merge what is short."""

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kibitz.indexer.languages import grammar_name
from kibitz.indexer.lines import Lines, to_source
from kibitz.indexer.queries import capture
from kibitz.indexer.references import Named, named, references
from kibitz.indexer.split import Piece, Splitter
from kibitz.indexer.symbols import Definition, definitions
from kibitz.indexer.syntax import Leads, parse_source
from kibitz.indexer.types import Chunk, Span

if TYPE_CHECKING:
    from tree_sitter import Tree

CHUNKER_VERSION = 2
"""Part of an index's identity: goes up whenever the same file would come out in other chunks."""

_MAX_SECOND_PARSE_BYTES = 200_000
_CPP = re.compile(rb"\w::~?\w|\btemplate\s*<|\bnamespace\s+\w+\s*\{|\bclass\s+\w+[\s\w:,]{0,200}\{")
# Lines that only close something stand behind a definition without being part of it.
_CLOSING = re.compile(r"[\s})\];,]*(?:end|fi|done|esac)?[\s})\];,]*")


def chunk_text(path: str, text: str, language: str, *, tree: "Tree | None" = None) -> list[Chunk]:
    """Cut a file into chunks: every line is in exactly one, and they come in order.

    The text of a chunk is its lines as they are, except that a line stops after MAX_LINE_CHARS. A file in no known
    language is cut at blank lines. The algorithm is the split-then-merge of cAST (Zhang et al. 2025,
    arXiv:2506.15655), with cuts at whole lines only, comments kept above what they belong to, and no definition cut
    that fits a chunk. `tree` is the text's own tree by the grammar of `grammar_name`, where it is at hand.
    """
    if not text:
        return []
    source = to_source(text)
    lines = Lines(text, source)
    parsed = parse_file(path, source, language, tree)
    if parsed is None:
        return [
            Chunk(path, Span(start, end), lines.join(start, end), "text", language)
            for start, end, _ in Splitter(lines, source, (), Leads(source, ())).split_text(0, len(lines))
        ]
    tree, name = parsed
    captured = capture(tree.root_node, name, language)
    leads = Leads(source, captured["lead"], captured["wrapper"])
    found = definitions(captured["definition"], leads, language)
    pieces = Splitter(lines, source, found, leads).split_tree(tree.root_node)
    return list(_describe(_File(path, language, lines, found, named(captured, source)), pieces))


def parse_file(path: str, source: bytes, language: str, tree: "Tree | None" = None) -> "tuple[Tree, str] | None":
    """The tree of a file and the grammar that made it; None for a file in no known language.

    `source` is what `to_source` makes of its text, `tree` its tree by the grammar of `grammar_name` if it is there.
    """
    name = grammar_name(path, language)
    tree = tree if tree is not None else parse_source(source, name)
    return _better(tree, name, path, source) if tree is not None else None


def _better(tree: "Tree", name: str, path: str, source: bytes) -> "tuple[Tree, str]":
    """The tree and its grammar, or those of the neighbour that alone reads a C or C++ file without an error.

    A second parse costs as much as the first, so it is made only where the file's words speak for the neighbour: in a
    header without anything of C++, whose names may be words of that language, and in a C file that has some.
    """
    ending = path[-2:].lower()
    if ending not in (".h", ".c") or len(source) >= _MAX_SECOND_PARSE_BYTES or not tree.root_node.has_error:
        return tree, name
    other = "cpp" if _CPP.search(source) else "c"
    again = parse_source(source, other) if other != name else None
    return (again, other) if again is not None and not again.root_node.has_error else (tree, name)


class _File(NamedTuple):
    """What is known of a file before it is cut."""

    path: str
    language: str
    lines: Lines
    found: Sequence[Definition]
    referred: Named


def _describe(file: _File, pieces: Sequence[Piece]) -> Iterator[Chunk]:
    """Give every piece the definition that holds it, those that begin in it, and what it refers to."""
    path, language, lines, found, referred = file
    waiting = deque(found)
    around: list[Definition] = []  # those that have begun and not ended, outer ones first
    at = 0
    for piece in pieces:
        start, end = _trim(lines, piece.start, piece.end)
        begun = []
        while waiting and waiting[0].start < piece.end:
            begun.append(waiting.popleft())
        around = [one for one in around if one.end > piece.start] + begun
        holder = next((one for one in reversed(around) if one.start <= start and end <= one.end), None)
        defines = tuple(dict.fromkeys([one.name for one in begun if one.name]))
        behind = bisect_left(referred.places, lines.starts[piece.end], at)
        yield Chunk(
            path,
            Span(piece.start, piece.end),
            lines.join(piece.start, piece.end),
            _kind(begun[0] if begun else holder, language),
            language,
            holder.path if holder is not None else "",
            defines,
            references(referred.texts[at:behind], defines),
        )
        at = behind


def _trim(lines: Lines, start: int, end: int) -> tuple[int, int]:
    """The lines that say something: blank ones around them and closing ones behind them left out."""
    blank = lines.blank
    while start < end - 1 and blank[start]:
        start += 1
    while end - 1 > start and (blank[end - 1] or _CLOSING.fullmatch(lines[end - 1])):
        end -= 1
    return start, end


def _kind(about: Definition | None, language: str) -> str:
    """What kind of chunk it is: by the outermost definition that begins in it, else by the one that holds it."""
    if about is None:
        return "section" if language == "markdown" else "module"
    return "class" if about.kind == "holder" else about.kind
