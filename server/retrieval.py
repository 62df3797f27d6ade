"""Context from the index: the port that prompts retrieve through, and hits as context items."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from kibitz.indexer.types import Hit, Span

if TYPE_CHECKING:
    from kibitz.prompts.templates.context import ContextItem

Retrieve = Callable[[str, int], Awaitable[Sequence[Hit]]]
"""A question and how many hits: the hits, best first."""


class Searches(Protocol):
    """What answers a question from the index, in milliseconds but not at once."""

    def search(self, query: str, k: int = 10, *, within: str = "", per_file: int = 1) -> list[Hit]:
        """Return at most k hits, best first."""
        ...


def retriever(searcher: Searches, *, per_file: int = 3) -> Retrieve:
    """Return a port that searches in a thread, so that the event loop goes on.

    A prompt wants several chunks of a file that matters, `per_file` at most.
    """

    async def retrieve(query: str, k: int) -> Sequence[Hit]:
        return await asyncio.to_thread(searcher.search, query, k, per_file=per_file)

    return retrieve


def outside(hits: Sequence[Hit], path: str, span: Span | None = None) -> list[Hit]:
    """Drop the hits of a file (or those that touch its span) that a prompt shows anyway."""
    return [
        hit
        for hit in hits
        if hit.chunk.path != path
        or (span is not None and (hit.chunk.span.end <= span.start or hit.chunk.span.start >= span.end))
    ]


def to_items(hits: Sequence[Hit]) -> "list[ContextItem]":
    """Turn hits into context items, best first. Labels and origins read "path:first-last", 1-based.

    A hit whose lines another hit of the same file covers is left out; hits without text are, too.
    """
    from kibitz.prompts.templates.context import ContextItem

    items: list[ContextItem] = []
    taken: list[tuple[str, Span]] = []
    for hit in hits:
        chunk = hit.chunk
        if not chunk.text.strip() or any(_covers(place, (chunk.path, chunk.span)) for place in taken):
            continue
        taken.append((chunk.path, chunk.span))
        start, end = chunk.span.start + 1, chunk.span.end
        label = f"{chunk.path}:{start}-{end}"
        items.append(ContextItem(label, chunk.text, label, path=chunk.path, start_line=start, end_line=end))
    return items


def _covers(outer: tuple[str, Span], inner: tuple[str, Span]) -> bool:
    (path, a), (other, b) = outer, inner
    return path == other and a.start <= b.start and b.end <= a.end
