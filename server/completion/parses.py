"""Code that no longer parses: what a suggestion must not make of a document that did."""

import threading
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from kibitz.server.completion.code import PROSE, balance
from kibitz.server.completion.snapshot import Snapshot

if TYPE_CHECKING:
    from tree_sitter import Node

    from kibitz.indexer.reparse import Reparser

MOST_CHARACTERS = 40_000  # a larger document takes longer to parse than a key may wait
MOST_CUTS = 8

_PARSING = threading.Lock()


def look_before(at: Snapshot) -> None:
    """Parse the document as it is, in any thread, so that `drop_what_breaks` finds that done."""
    if _is_looked_at(at):
        _parses("", at)


def drop_what_breaks(text: str, at: Snapshot) -> str:
    """Keep the lines with which the document still parses, if it parsed without the text.

    A text that only leaves brackets open is unfinished, not wrong: where none of its lines parses it stays. So does
    one in a language without a grammar, in a document that has errors already (it mostly has, while somebody types),
    and in a large one.
    """
    if not text.strip() or not _is_looked_at(at) or not _parses("", at):
        return text
    lines = text.split("\n")
    for end in range(len(lines), max(0, len(lines) - MOST_CUTS), -1):
        kept = "\n".join(lines[:end]).rstrip()
        if kept and _parses(kept, at):
            return kept if end < len(lines) else text
    return text if balance(text, at.language).opened else ""


def _is_looked_at(at: Snapshot) -> bool:
    return at.language not in PROSE and len(at.prefix) + len(at.suffix) <= MOST_CHARACTERS


@lru_cache(maxsize=8)  # filters run until nothing changes, so the last one of them meets the same text again
def _parses(text: str, at: Snapshot) -> bool:
    """Whether the document with a text at its cursor has no error that its grammar, or Python's indentation, shows."""
    from kibitz.indexer.languages import grammar_name, language_of
    from kibitz.indexer.lines import to_source
    from kibitz.server.edit.syntax import indentation_error

    name = grammar_name(at.path, language_of(at.path) or at.language)
    with _PARSING:
        tree = _reparser().parse(at.path, at.prefix + text + at.suffix, name)
    if tree is None or tree.root_node.has_error:
        return False  # without a grammar nothing parses, and so nothing can be broken
    if name != "python":
        return True
    before, here = to_source(at.prefix), to_source(text)
    source = before + here + to_source(at.suffix)
    return indentation_error(_statements_around(tree.root_node, source, len(before), len(here)), "python") is None


def _statements_around(root: "Node", source: bytes, start: int, length: int) -> str:
    """Return the statement that a place is in, or those that it touches, and the one before, as a text of their own.

    They are the document's, or those of the class whose body holds the place whole. Python indents that text rightly
    if it does so with the whole document, which takes it many times as long; "pass" stands for the statement behind.
    """
    end = start + length
    statements, head = _statements(root), ""
    while True:
        touched = [at for at, each in enumerate(statements) if each.start_byte <= end and start <= each.end_byte]
        body = _class_body(statements[touched[0]]) if len(touched) == 1 else None
        if body is None or not (body.start_byte < start and end < body.end_byte):
            break
        statements, head = _statements(body), "class _:\n"
    if not touched:
        return ""
    after = statements[min(touched[-1] + 1, len(statements) - 1)]
    (first, indent), (_, next_indent) = _line(statements[max(0, touched[0] - 1)], source), _line(after, source)
    if indent.strip() or next_indent.strip():
        return source.decode("utf-8", "replace")  # several on one line
    last = max(end, statements[touched[-1]].end_byte)
    return f"{head}{source[first:last].decode('utf-8', 'replace')}\n{next_indent}pass\n"


def _statements(node: "Node") -> list["Node"]:
    return [each for each in node.children if each.type != "comment"]  # those may be indented as one likes


def _line(node: "Node", source: bytes) -> tuple[int, str]:
    """Where the line of a node starts, and what stands before it there."""
    start = source.rfind(b"\n", 0, node.start_byte) + 1
    return start, source[start : node.start_byte].decode("utf-8", "replace")


def _class_body(node: "Node") -> "Node | None":
    if node.type == "decorated_definition":
        node = node.child_by_field_name("definition") or node
    return node.child_by_field_name("body") if node.type == "class_definition" else None


@cache
def _reparser() -> "Reparser":
    """One for the process: what it has of a document makes the next text of it fast to parse."""
    from kibitz.indexer.reparse import Reparser

    return Reparser()
