"""Syntax trees of open documents: after an edit only what it touches is parsed again."""

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from kibitz.indexer.lines import to_source
from kibitz.indexer.syntax import parse_source

if TYPE_CHECKING:
    from tree_sitter import Tree

_DOCUMENTS = 16


class _Parsed(NamedTuple):
    source: bytes
    grammar_name: str
    tree: "Tree"


class Reparser:
    """Keeps the trees of the documents that were parsed last. Not for several threads at once."""

    def __init__(self, documents: int = _DOCUMENTS) -> None:
        self._limit = documents
        self._parsed: OrderedDict[str, _Parsed] = OrderedDict()

    def parse(self, path: str, text: str, grammar_name: str) -> "Tree | None":
        """The tree of a document as it stands now; None when there is no such grammar.

        Where a text has errors, how they are recovered from may differ from a fresh parse: tree-sitter goes on from
        what it has.
        """
        source = to_source(text)
        last = self._parsed.pop(path, None)
        old = None
        if last is not None and last.grammar_name == grammar_name:
            if last.source == source:
                self._parsed[path] = last
                return last.tree
            old = _edited(last.tree, last.source, source)
        tree = parse_source(source, grammar_name, old)
        if tree is not None:
            self._parsed[path] = _Parsed(source, grammar_name, tree)
            if len(self._parsed) > self._limit:
                self._parsed.popitem(last=False)
        return tree

    def forget(self, path: str) -> None:
        """Drop the tree of a document that was closed."""
        self._parsed.pop(path, None)


def _edited(tree: "Tree", old: bytes, new: bytes) -> "Tree":
    """A copy of a tree that knows what has been replaced: all between what both texts begin and end with."""
    start = _common_prefix(old, new)
    rest = min(len(old), len(new)) - start
    same = _common_prefix(old[len(old) - rest :][::-1], new[len(new) - rest :][::-1])
    while same and _continues(old[len(old) - same]):
        same -= 1
    while start and ((start < len(old) and _continues(old[start])) or (start < len(new) and _continues(new[start]))):
        start -= 1
    old_end, new_end = len(old) - same, len(new) - same
    edited = tree.copy()
    edited.edit(start, old_end, new_end, _point(old, start), _point(old, old_end), _point(new, new_end))
    return edited


def _common_prefix(one: bytes, other: bytes) -> int:
    """How many bytes both begin with, found by halving: comparing slices is much faster than comparing bytes."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _continues(byte: int) -> bool:
    """Whether a byte of UTF-8 is inside a character."""
    return byte & 0xC0 == 0x80


def _point(source: bytes, byte: int) -> tuple[int, int]:
    """(row, column in bytes) of a byte."""
    return source.count(b"\n", 0, byte), byte - (source.rfind(b"\n", 0, byte) + 1)
