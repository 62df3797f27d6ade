"""What the chunks of a file refer to: calls, imports, base classes, types."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from kibitz.indexer.names import dotted
from kibitz.indexer.queries import REFERENCE_KINDS
from kibitz.indexer.types import Reference

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_REFERENCES = 64
"""How many references of a chunk are kept: the first ones."""
_MAX_NAME_BYTES = 200

_KINDS = {bytes([number]): kind for number, kind in enumerate(REFERENCE_KINDS)}


class Named(NamedTuple):
    """The references of a file in the order of its text: the bytes where they stand, and how they are written.

    In front of each text is the number of its kind.
    """

    places: list[int]
    texts: list[bytes]


def named(captured: "dict[str, list[Node]]", source: bytes) -> Named:
    """The references among what a query captured."""
    found: dict[int, bytes] = {}
    for number, kind in reversed(_KINDS.items()):
        for node in captured.get(kind, ()):
            start = node.start_byte
            found[start] = number + source[start : node.end_byte]
    for node in captured.get("none", ()):
        found.pop(node.start_byte, None)
    places = sorted(found)
    return Named(places, [found[place] for place in places])


def references(texts: Sequence[bytes], defines: Sequence[str]) -> tuple[Reference, ...]:
    """Each reference once; what a chunk itself defines is no type that it refers to."""
    kept: dict[Reference, None] = {}
    for text in dict.fromkeys(texts):
        reference = reference_of(text)
        if reference is None or (reference.kind == "type" and reference.name in defines):
            continue
        kept[reference] = None
        if len(kept) == MAX_REFERENCES:
            break
    return tuple(kept)


@lru_cache(maxsize=16_384)
def reference_of(text: bytes) -> Reference | None:
    """What one of the texts of `Named` refers to; None for what names nothing."""
    if len(text) > _MAX_NAME_BYTES:
        return None
    kind = _KINDS[text[:1]]
    name = text[1:].decode("utf-8", "replace")
    if kind == "import":
        name = " ".join(name.strip("\"'`<> \t").split()).removeprefix("import ")
    elif not name.isidentifier():
        name = dotted(name).rpartition(".")[2]
    return Reference(name, kind) if name.strip("._*/\\") else None
