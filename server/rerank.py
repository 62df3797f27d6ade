"""The second stage of search: a reranker reads the best hits again, in the time there is, or they stay as they are."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kibitz.indexer.types import Hit
from kibitz.server.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from kibitz.indexer.answer import Answer
    from kibitz.server.config import Config
    from kibitz.server.llm.ports import Reranker

QUESTION_CHARS = 1000
"""Rerankers read some 512 tokens, of the question and a text; an edit's question quotes code."""

UNCHANGED = "the hits are in the order of the first stage"


@dataclass(frozen=True, slots=True)
class Reranked:
    """Hits, best first. `by` names the reranker that ordered them, "" for none; `note` says why it did not."""

    hits: list[Hit]
    by: str = ""
    note: str = ""


class SecondStage:
    """The reranker that the settings name, made when it is first needed; without one, hits pass as they are."""

    def __init__(self, config: "Config", reranker: "Reranker | None" = None) -> None:
        self._config = config
        self._reranker = reranker
        self.note = ""
        """Of the last question: why its hits were not reranked, "" where they were or where none is set."""

    def candidates(self, k: int) -> int:
        """How many hits to ask the first stage for where k are wanted."""
        return max(k, self._config.rerank_candidates) if self._config.rerank else k

    async def rerank(self, question: str, hits: Sequence[Hit], k: int) -> Reranked:
        """The best k of these hits, by both stages' scores. Whatever goes wrong, there are hits."""
        if not self._config.rerank:
            return Reranked(list(hits[:k]))
        try:
            reranked = await rerank(question, hits, self.reranker(), self._config)
        except (ConfigError, ModelError) as error:
            reranked = Reranked(list(hits), note=_unchanged(error))
        self.note = reranked.note
        return replace(reranked, hits=reranked.hits[:k])

    async def answer(self, question: str, answer: "Answer", k: int) -> "Answer":
        """`rerank` for an answer, which then says who ordered it, or why nobody did."""
        found = await self.rerank(question, answer.hits, k)
        notes = (*answer.notes, found.note) if found.note else answer.notes
        return replace(answer, hits=tuple(found.hits), notes=notes, reranked_by=found.by)

    def reranker(self) -> "Reranker":
        """The reranker, made once.

        Raises:
            ConfigError: the settings name none, or not rightly.
            NoModelError: it is not installed.
        """
        if self._reranker is None:
            from kibitz.server.models import reranker_for

            self._reranker = reranker_for(self._config)
        return self._reranker

    async def close(self) -> None:
        """Free what the reranker holds."""
        reranker, self._reranker = self._reranker, None
        if reranker is not None:
            await reranker.close()


async def rerank(question: str, hits: Sequence[Hit], reranker: "Reranker", config: "Config") -> Reranked:
    """Order the first hits by both stages' scores.

    Texts that hold a secret are not shown to the reranker, whose endpoint may be anywhere: an index has none of them,
    but a file may have changed since.

    Raises:
        ModelError: the reranker could not answer.
    """
    import numpy as np

    from kibitz.indexer.rerank import reorder
    from kibitz.indexer.secrets import holds_secret

    first = list(hits[: config.rerank_candidates])
    if holds_secret(question):
        return Reranked(list(hits), note=f"The question holds a key or a token, so {UNCHANGED}.")
    texts = {n: text_of(hit) for n, hit in enumerate(first)}
    shown = [n for n, text in texts.items() if not holds_secret(text)]
    if len(shown) < 2:
        return Reranked(list(hits))
    await reranker.open()  # takes a second, once: that is no fault of the reranker
    try:
        async with asyncio.timeout(config.rerank_ms / 1000):
            scores = await reranker.rerank(question[:QUESTION_CHARS], [texts[n] for n in shown])
    except TimeoutError:
        limit = f"{config.rerank_ms} ms (rerank_ms)"
        return Reranked(list(hits), note=f"The reranker {reranker.name} took more than {limit}: {UNCHANGED}.")
    second = np.full(len(first), np.nan, np.float32)
    second[shown] = scores
    return Reranked(reorder(hits, second, config.rerank_weight), by=reranker.name)


def _unchanged(error: Exception) -> str:
    """An error's sentence, and what became of the hits."""
    return f"{str(error).rstrip('.')}; {UNCHANGED}."


def text_of(hit: Hit) -> str:
    """A chunk under a line that says where it is."""
    chunk = hit.chunk
    return f"{chunk.path} {chunk.symbol}".rstrip() + f"\n{chunk.text}"
