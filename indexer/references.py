"""What the chunks of a file refer to: calls, imports, base classes, types."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from kibitz.indexer.names import dotted
from kibitz.indexer.queries import REFERENCE_KINDS
from kibitz.indexer.types import Reference

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_REFERENCES = 64
"""How many references of a chunk are kept: the first ones."""
_MAX_NAME_BYTES = 200

Named = tuple[int, int, bytes]
"""A reference where it stands: its byte, the number of its kind, its text."""


def named(captured: "dict[str, list[Node]]") -> list[Named]:
    """The references among what a query captured, in the order of the text."""
    found: list[Named] = []
    for rank, kind in enumerate(REFERENCE_KINDS):
        for node in captured.get(kind, ()):
            if text := node.text:
                found.append((node.start_byte, rank, text))
    found.sort()
    return found


def references(found: Sequence[Named], defines: Sequence[str]) -> tuple[Reference, ...]:
    """Each reference once; what a chunk itself defines is no type that it refers to."""
    kept: dict[Reference, None] = {}
    last = -1
    for byte, rank, text in found:
        if byte == last or len(text) > _MAX_NAME_BYTES:
            continue  # the same place by a kind that comes first
        last = byte
        reference = _reference(rank, text)
        if reference is None or (reference.kind == "type" and reference.name in defines):
            continue
        kept[reference] = None
        if len(kept) == MAX_REFERENCES:
            break
    return tuple(kept)


@lru_cache(maxsize=16_384)
def _reference(rank: int, text: bytes) -> Reference | None:
    kind = REFERENCE_KINDS[rank]
    name = text.decode("utf-8", "replace")
    if kind == "import":
        name = " ".join(name.strip("\"'`<> \t").split()).removeprefix("import ")
    elif not name.isidentifier():
        name = dotted(name).rpartition(".")[2]
    return Reference(name, kind) if name else None
