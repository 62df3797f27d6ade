"""Code that no longer parses: what a suggestion must not make of a document that did."""

from functools import cache
from typing import TYPE_CHECKING

from kibitz.server.completion.code import PROSE, balance
from kibitz.server.completion.snapshot import Snapshot

if TYPE_CHECKING:
    from kibitz.indexer.reparse import Reparser

MOST_CHARACTERS = 40_000  # a larger document takes longer to parse than a key may wait
MOST_CUTS = 8


def drop_what_breaks(text: str, at: Snapshot) -> str:
    """Keep the lines with which the document still parses, if it parsed without the text.

    A text that only leaves brackets open is unfinished, not wrong: where none of its lines parses it stays. So does
    one in a language without a grammar, in a document that has errors already (it mostly has, while somebody types),
    and in a large one.
    """
    size = len(at.prefix) + len(at.suffix)
    if at.language in PROSE or size > MOST_CHARACTERS or not text.strip() or not _parses("", at):
        return text
    lines = text.split("\n")
    for end in range(len(lines), max(0, len(lines) - MOST_CUTS), -1):
        kept = "\n".join(lines[:end]).rstrip()
        if kept and _parses(kept, at):
            return kept if end < len(lines) else text
    return text if balance(text, at.language).opened else ""


def _parses(text: str, at: Snapshot) -> bool:
    """Whether the document with a text at its cursor has no error that its grammar, or Python's indentation, shows."""
    from kibitz.indexer.languages import grammar_name, language_of
    from kibitz.server.edit.syntax import indentation_error

    document = at.prefix + text + at.suffix
    tree = _reparser().parse(at.path, document, grammar_name(at.path, language_of(at.path) or at.language))
    if tree is None or tree.root_node.has_error:
        return False  # without a grammar nothing parses, and so nothing can be broken
    return indentation_error(document, at.language, at.path) is None


@cache
def _reparser() -> "Reparser":
    """One for the process: suggestions are cleaned on the event loop's thread alone."""
    from kibitz.indexer.reparse import Reparser

    return Reparser()
