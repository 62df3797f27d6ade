"""Embedders: text to vectors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.words import Bags, Vocabulary

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Text to unit vectors.

    `name` identifies the vectors: two embedders that share it must agree on every vector (it is part of an index's
    identity). Zero vectors are allowed for texts with nothing in them.
    """

    @property
    def name(self) -> str:
        """What identifies the vectors."""
        ...

    @property
    def dim(self) -> int:
        """How many numbers a vector has."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed chunk texts: (n,) strings to (n, dim).

        Raises:
            EmbedderBusyError: it cannot now, but will later; the error holds the vectors of the first texts. The caller
                commits what it has, calls no file done whose chunks lack vectors, and asks for the rest later.
        """
        ...

    def embed_query(self, text: str) -> Vectors:
        """Embed a question: a string to (dim,)."""
        ...

    def embed_paths(self, paths: Sequence[str]) -> Vectors | None:
        """Embed workspace paths: (n,) to (n, dim), mixed into chunk vectors when a segment is made.

        None when the embedder wants the path as a header line in the text instead.
        """
        ...

    def over(self, vocabulary: Vocabulary) -> Callable[[Bags], Vectors] | None:
        """What embeds texts by the identifiers in them, (n,) bags to (n, dim) vectors: parser processes use it.

        Such an embedder can be pickled. None for one that must see the texts, or must not be asked from there.
        """
        ...


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Stands in a parser process for an embedder that is asked from another one: it makes no vectors."""

    name: str
    dim: int

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Nothing but zeros."""
        return np.zeros((len(texts), self.dim), np.float32)

    def embed_query(self, text: str) -> Vectors:
        """Zeros."""
        return np.zeros(self.dim, np.float32)

    def embed_paths(self, paths: Sequence[str]) -> None:
        """Paths belong into the texts."""
        return

    def over(self, vocabulary: Vocabulary) -> None:
        """Nothing is embedded here."""
        return


def in_workers(embedder: Embedder) -> Embedder:
    """The embedder as a parser process gets it."""
    return embedder if embedder.over(Vocabulary()) is not None else Elsewhere(embedder.name, embedder.dim)


@runtime_checkable
class Waits(Protocol):
    """An embedder that waits for a service which is busy, and tells for how long.

    `on_wait` is called before each wait with its length in seconds, in the thread that called `embed`; what it raises
    ends the call. None, as it is at first, waits in silence. Ask with `isinstance(embedder, Waits)`.
    """

    on_wait: Callable[[float], None] | None
