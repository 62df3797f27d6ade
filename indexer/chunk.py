"""A file's text to chunks, along its syntax tree: split what is too long, merge what is short."""

import re
from collections import deque
from collections.abc import Iterator, Sequence

from kibitz.indexer.languages import grammar_name
from kibitz.indexer.read import MAX_LINE_CHARS, split_lines
from kibitz.indexer.split import Piece, Splitter
from kibitz.indexer.symbols import Definition, definitions
from kibitz.indexer.syntax import parse
from kibitz.indexer.types import Chunk, Span

CHUNKER_VERSION = 1
"""Part of an index's identity: goes up whenever the same file would come out in other chunks."""

# Lines that only close something stand behind a definition without being part of it.
_CLOSING = re.compile(r"[\s})\];,]*(?:end|fi|done|esac)?[\s})\];,]*")


def chunk_text(path: str, text: str, language: str) -> list[Chunk]:
    """Cut a file into chunks: every line is in exactly one, and they come in order.

    The text of a chunk is its lines as they are, except that a line stops after MAX_LINE_CHARS. A file in no known
    language is cut at blank lines. The algorithm is the split-then-merge of cAST (Zhang et al. 2025,
    arXiv:2506.15655), with cuts at whole lines only, comments kept above what they belong to, and no definition cut
    that fits a chunk.
    """
    lines = [line[:MAX_LINE_CHARS] for line in split_lines(text)]
    if not lines:
        return []
    tree = parse(text, grammar_name(path, language))
    if tree is None:
        return [
            Chunk(path, Span(start, end), "".join(lines[start:end]), "text", language)
            for start, end, _ in Splitter(lines, ()).split_text(0, len(lines))
        ]
    found = definitions(tree.root_node, language)
    pieces = Splitter(lines, found).split_tree(tree.root_node)
    return list(_describe(path, lines, pieces, language, found))


def _describe(
    path: str, lines: Sequence[str], pieces: Sequence[Piece], language: str, found: Sequence[Definition]
) -> Iterator[Chunk]:
    """Give every piece the definition that holds it and those that begin in it."""
    waiting = deque(found)
    around: list[Definition] = []  # those that have begun and not ended, outer ones first
    for piece in pieces:
        start, end = _trim(lines, piece.start, piece.end)
        begun = []
        while waiting and waiting[0].start < piece.end:
            begun.append(waiting.popleft())
        around = [one for one in around if one.end > piece.start] + begun
        holder = next((one for one in reversed(around) if one.start <= start and end <= one.end), None)
        yield Chunk(
            path=path,
            span=Span(piece.start, piece.end),
            text="".join(lines[piece.start : piece.end]),
            kind=_kind(begun[0] if begun else holder, language),
            language=language,
            symbol=holder.path if holder is not None else "",
            defines=tuple(dict.fromkeys(one.name for one in begun if one.name)),
        )


def _trim(lines: Sequence[str], start: int, end: int) -> tuple[int, int]:
    """The lines that say something: blank ones around them and closing ones behind them left out."""
    while start < end - 1 and not lines[start].strip():
        start += 1
    while end - 1 > start and _CLOSING.fullmatch(lines[end - 1]):
        end -= 1
    return start, end


def _kind(about: Definition | None, language: str) -> str:
    """What kind of chunk it is: by the outermost definition that begins in it, else by the one that holds it."""
    if about is None:
        return "section" if language == "markdown" else "module"
    return "class" if about.kind == "holder" else about.kind
