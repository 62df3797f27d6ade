"""Code that no longer parses: what a suggestion must not make of a document that did."""

import threading
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from kibitz.server.completion.code import PROSE, balance
from kibitz.server.completion.snapshot import Snapshot

if TYPE_CHECKING:
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
    from kibitz.server.edit.syntax import indentation_error

    document = at.prefix + text + at.suffix
    name = grammar_name(at.path, language_of(at.path) or at.language)
    with _PARSING:
        tree = _reparser().parse(at.path, document, name)
    if tree is None or tree.root_node.has_error:
        return False  # without a grammar nothing parses, and so nothing can be broken
    return indentation_error(document, at.language, at.path) is None


@cache
def _reparser() -> "Reparser":
    """One for the process: what it has of a document makes the next text of it fast to parse."""
    from kibitz.indexer.reparse import Reparser

    return Reparser()
