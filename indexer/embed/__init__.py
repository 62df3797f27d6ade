"""Embedders: text to vectors."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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
        """Embed chunk texts: (n,) strings to (n, dim)."""
        ...

    def embed_query(self, text: str) -> Vectors:
        """Embed a question: a string to (dim,)."""
        ...

    def embed_paths(self, paths: Sequence[str]) -> Vectors | None:
        """Embed workspace paths: (n,) to (n, dim), mixed into chunk vectors when the hot copy is made.

        None when the embedder wants the path as a header line in the text instead.
        """
        ...
