"""Vectors from an OpenAI-compatible endpoint, for those who want a better embedder than the one that ships."""

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kibitz.indexer.embed import Vectors
from kibitz.server.errors import ModelError
from kibitz.server.llm.endpoint import Endpoint

if TYPE_CHECKING:
    import openai

    from kibitz.indexer.words import Vocabulary

BATCH_TEXTS = 64
BATCH_CHARS = 120_000
"""About 40,000 tokens of code: below every known limit of a request, and a few seconds' work for a small server."""

TEXT_CHARS = 24_000
"""No text is sent longer than this (about 8,000 tokens of code, the limit of OpenAI's models)."""

SHORTEST_CHARS = 256
ATTEMPTS = 6
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 60.0


class OpenAIEmbedder:
    """An `Embedder` over `/v1/embeddings`.

    A text longer than the model takes is cut, not refused: first to `TEXT_CHARS`, then in halves for as long as the
    endpoint calls it too long. Empty texts get zero vectors without being sent. A busy endpoint is asked again, after
    the time it asks for.

    Args:
        endpoint: where.
        model: the model's name as the endpoint spells it.
        dim: the vectors' size; asked of the endpoint where it can choose. None learns it from a first request.
        sleep: waits between attempts.
    """

    def __init__(
        self, endpoint: Endpoint, model: str, dim: int | None = None, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._endpoint = endpoint
        self._model = model
        self._dim = dim
        self._asks_dim = dim is not None
        self._sleep = sleep
        self._client: openai.OpenAI | None = None

    @property
    def name(self) -> str:
        """The model and the dimension, spelled so that it can name a folder.

        Raises:
            ModelError: the dimension has to be learned and the endpoint does not answer.
        """
        slug = re.sub(r"[^A-Za-z0-9._-]", "-", self._model)
        if slug != self._model:  # two names must not share a folder
            slug += "-" + hashlib.sha256(self._model.encode()).hexdigest()[:8]
        return f"openai-{slug}-{self.dim}"

    @property
    def dim(self) -> int:
        """The vectors' size.

        Raises:
            ModelError: it has to be learned and the endpoint does not answer.
        """
        if self._dim is None:
            self._dim = len(self._request(["dimension"])[0])
        return self._dim

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts: (n,) strings to (n, dim) unit vectors.

        Raises:
            ModelError: the endpoint could not answer; one sentence that says what to do.
        """
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for batch in batches(texts):
            rows = self._vectors([texts[n][:TEXT_CHARS] for n in batch])
            vectors[batch] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return vectors

    def embed_query(self, text: str) -> Vectors:
        """Embed a question: a string to (dim,)."""
        vector: Vectors = self.embed([text])[0]
        return vector

    def embed_paths(self, paths: Sequence[str]) -> Vectors | None:
        """None: paths belong into the text as a header line."""
        return None

    def over(self, vocabulary: "Vocabulary") -> None:
        """None: the endpoint must see the texts."""
        return

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _vectors(self, texts: list[str]) -> Vectors:
        """One batch; in halves when the endpoint finds it too long."""
        try:
            rows = self._request(texts)
        except _TooLongError as error:
            if len(texts) > 1:
                middle = len(texts) // 2
                return np.concatenate([self._vectors(texts[:middle]), self._vectors(texts[middle:])])
            if len(texts[0]) <= SHORTEST_CHARS:
                raise ModelError(str(error)) from None
            return self._vectors([texts[0][: len(texts[0]) // 2]])
        right_size = all(len(row) == self.dim for row in rows)
        vectors = np.asarray(rows, dtype=np.float32) if right_size else None
        if vectors is None or not np.isfinite(vectors).all():
            raise ModelError(
                f"{self._endpoint.shown} gave vectors of another size than {self.dim}, or with no numbers in them: "
                f"check the dimension set for {self._model}."
            )
        return vectors

    def _request(self, texts: list[str]) -> list[list[float]]:
        """One request, repeated while the endpoint is busy; vectors in the order of `texts`."""
        import openai

        from kibitz.server.llm.clients import sync_client
        from kibitz.server.llm.failures import CAUGHT, failure, no_such_model

        if self._client is None:
            self._client = sync_client(self._endpoint)
        for attempt in range(1, ATTEMPTS + 1):
            # Floats, not base64: not every server that says it speaks this API knows the other form.
            options: dict[str, Any] = {"dimensions": self._dim} if self._asks_dim else {}
            try:
                answer = self._client.embeddings.create(
                    model=self._model, input=texts, encoding_format="float", **options
                )
                return self._in_order(answer, len(texts))
            except openai.BadRequestError as error:
                if self._asks_dim and "dimension" in error.message.lower():
                    self._asks_dim = False  # this model has one size only; it is checked below
                    continue
                raise self._sentence(failure(error, self._endpoint, prompt=texts), error) from None
            except openai.NotFoundError:
                raise no_such_model(self._endpoint, self._model, ()) from None
            except CAUGHT as error:
                wait = _wait_s(error, attempt)
                if wait is None:
                    raise self._sentence(failure(error, self._endpoint, prompt=texts), error) from None
                self._sleep(wait)
        raise ModelError(f"{self._endpoint.shown} stayed busy: try again later.")

    def _sentence(self, said: ModelError, error: Exception) -> Exception:
        from kibitz.server.llm.failures import is_too_long

        return _TooLongError(str(said)) if is_too_long(error) else said

    def _in_order(self, answer: Any, count: int) -> list[list[float]]:
        from kibitz.server.llm.failures import not_this_api

        by_index = {row.index: row.embedding for row in answer.data or ()}
        if sorted(by_index) != list(range(count)):
            raise not_this_api(self._endpoint)
        return [by_index[n] for n in range(count)]


class _TooLongError(Exception):
    """The endpoint takes no text as long as this."""


def batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """Split texts into requests, leaving out the empty ones: lists of indices, in order."""
    batch: list[int] = []
    chars = 0
    for n, text in enumerate(texts):
        if not text.strip():
            continue
        size = min(len(text), TEXT_CHARS)
        if batch and (len(batch) == BATCH_TEXTS or chars + size > BATCH_CHARS):
            yield batch
            batch, chars = [], 0
        batch.append(n)
        chars += size
    if batch:
        yield batch


def _wait_s(error: Exception, attempt: int) -> float | None:
    """How long to wait before the next attempt; None when another one is no use."""
    import openai

    from kibitz.server.llm.failures import retry_after_s

    if attempt == ATTEMPTS:
        return None
    backoff: float = FIRST_WAIT_S * 2 ** (attempt - 1)
    if isinstance(error, openai.APIStatusError):
        if error.status_code not in (408, 409, 429, 500, 502, 503, 504) or error.code == "insufficient_quota":
            return None
        asked = retry_after_s(error)
        wait = backoff if asked is None else asked
        return wait if wait <= LONGEST_WAIT_S else None
    if isinstance(error, openai.APIConnectionError) and attempt == 1:
        return backoff  # a connection that was kept open and has gone stale
    return None
