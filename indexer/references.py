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

Named = tuple[int, bytes]
"""A reference where it stands: its byte, and its kind's number in front of its text."""

_KINDS = {bytes([number]): kind for number, kind in enumerate(REFERENCE_KINDS)}


def named(captured: "dict[str, list[Node]]") -> list[Named]:
    """The references among what a query captured, in the order of the text."""
    found: dict[int, bytes] = {}
    for number, kind in reversed(_KINDS.items()):
        for node in captured.get(kind, ()):
            found[node.start_byte] = number + (node.text or b"")
    for node in captured.get("none", ()):
        found.pop(node.start_byte, None)
    return sorted(found.items())


def references(found: Sequence[Named], defines: Sequence[str]) -> tuple[Reference, ...]:
    """Each reference once; what a chunk itself defines is no type that it refers to."""
    kept: dict[Reference, None] = {}
    for text in dict.fromkeys([text for _, text in found]):
        reference = _reference(text)
        if reference is None or (reference.kind == "type" and reference.name in defines):
            continue
        kept[reference] = None
        if len(kept) == MAX_REFERENCES:
            break
    return tuple(kept)


@lru_cache(maxsize=16_384)
def _reference(text: bytes) -> Reference | None:
    if len(text) > _MAX_NAME_BYTES:
        return None
    kind = _KINDS[text[:1]]
    name = text[1:].decode("utf-8", "replace")
    if kind == "import":
        name = " ".join(name.strip("\"'`<> \t").split()).removeprefix("import ")
    elif not name.isidentifier():
        name = dotted(name).rpartition(".")[2]
    return Reference(name, kind) if name.strip("._*/\\") else None
