"""A second stage that compares vectors: of the question, and of the texts that were found."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from kibitz.indexer.embed import Vectors
    from kibitz.indexer.rank import Scores

MOST_KEPT = 4000
"""Vectors of texts that questions have met: about 6 MB of MiniLM's, and the texts."""


class Embeds(Protocol):
    """Text to vectors, for a few texts at a time."""

    @property
    def name(self) -> str:
        """The model's name, as answers show it."""
        ...

    async def open(self) -> None:
        """Load what a first answer needs.

        Raises:
            ModelError: it cannot be loaded.
        """
        ...

    async def embed(self, texts: Sequence[str]) -> "Vectors":
        """Embed texts: (n,) strings to (n, dim), of any length but 0.

        Raises:
            ModelError: no vectors; one sentence that says what to do.
        """
        ...

    async def close(self) -> None:
        """Free everything."""
        ...


class ByVectors:
    """A `Reranker` by the cosine of the question's vector and each text's.

    The texts' vectors are kept for as long as they fit: questions about one workspace meet the same chunks again.
    """

    def __init__(self, embeds: Embeds) -> None:
        self._embeds = embeds
        self._kept: OrderedDict[str, Vectors] = OrderedDict()

    @property
    def name(self) -> str:
        """The model's name."""
        return self._embeds.name

    async def open(self) -> None:
        """Load what a first answer needs.

        Raises:
            ModelError: it cannot be loaded.
        """
        await self._embeds.open()

    async def rerank(self, question: str, texts: Sequence[str]) -> "Scores":
        """Score texts: (n,) strings to (n,) cosines.

        Raises:
            ModelError: no scores; one sentence that says what to do.
        """
        unknown = [text for text in dict.fromkeys(texts) if text not in self._kept]
        made = await self._embeds.embed([question, *unknown])
        made = made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
        if any(self._kept[text].shape != made[0].shape for text in texts if text in self._kept):
            self._kept.clear()  # another model has the name now
            return await self.rerank(question, texts)
        known = dict(zip(unknown, made[1:], strict=True)) | {
            text: self._kept[text] for text in texts if text in self._kept
        }
        for text in texts:
            self._kept[text] = known[text]
            self._kept.move_to_end(text)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        scores: Scores = np.array([known[text] for text in texts], np.float32).reshape(len(texts), -1) @ made[0]
        return scores

    async def close(self) -> None:
        """Free everything."""
        self._kept.clear()
        await self._embeds.close()
