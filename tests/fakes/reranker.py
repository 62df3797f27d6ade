"""A reranker that plays what stands in the texts."""

import asyncio
from collections.abc import Sequence

import numpy as np

from kibitz.indexer.rank import Scores


class Scripted:
    """Scores texts by a number that stands in them; remembers what it was shown."""

    name = "scripted"

    def __init__(self, *, takes_s: float = 0.0, error: Exception | None = None) -> None:
        self.takes_s = takes_s
        self.error = error
        self.question = ""
        self.shown: list[str] = []
        self.closed = False

    async def open(self) -> None:
        """Nothing is loaded."""

    async def rerank(self, question: str, texts: Sequence[str]) -> Scores:
        self.question, self.shown = question, list(texts)
        await asyncio.sleep(self.takes_s)
        if self.error is not None:
            raise self.error
        return np.array([float(text.rsplit("=", 1)[1]) for text in texts], np.float32)

    async def close(self) -> None:
        self.closed = True
