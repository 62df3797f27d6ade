"""Vectors from an OpenAI-compatible endpoint, for those who want a better embedder than the one that ships."""

import hashlib
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kibitz.indexer.embed import Vectors
from kibitz.indexer.errors import EmbedderBusyError
from kibitz.server.boundary import hide
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
ATTEMPTS = 6  # where nothing says that it will be better later
FIRST_WAIT_S = 0.5
LONGEST_BACKOFF_S = 30.0
LONGEST_WAIT_S = 60.0
PATIENCE_S = 300.0
"""So long in all one request waits here; longer waits are the caller's, who can put away what he has first."""

QUESTION_PATIENCE_S = 5.0
"""Somebody looks at the screen."""

BUSY = (429, 503)  # a rate limit, a server that loads its model: it will answer
PASSING = (408, 409, 500, 502, 504)  # may be over at the next attempt


class OpenAIEmbedder:
    """An `Embedder` over `/v1/embeddings`.

    A text longer than the model takes is cut, not refused: first to `TEXT_CHARS`, then in halves for as long as the
    endpoint calls it too long. Empty texts get zero vectors without being sent. A busy endpoint is asked again, after
    the time it asks for; so is one that answered before and has gone away. Waits that are too long to sit through are
    the caller's: `EmbedderBusyError`.

    Args:
        endpoint: where.
        model: the model's name as the endpoint spells it.
        dim: the vectors' size; asked of the endpoint where it can choose. None learns it from a first request.
        sleep: waits between attempts.

    Attributes:
        on_wait: told the seconds before each wait (`kibitz.indexer.embed.Waits`).
    """

    def __init__(
        self, endpoint: Endpoint, model: str, dim: int | None = None, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._endpoint = endpoint
        self._model = model
        self._dim = dim
        self._asks_dim = dim is not None
        self._sleep = sleep
        self._answered = False
        self.on_wait: Callable[[float], None] | None = None
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
            self._dim = len(self._request(["dimension"], QUESTION_PATIENCE_S)[0])
        return self._dim

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts: (n,) strings to (n, dim) unit vectors.

        Raises:
            ModelError: the endpoint could not answer; one sentence that says what to do.
            EmbedderBusyError: it will answer later; the error holds the vectors of the first texts.
        """
        return self._embedded(texts, PATIENCE_S)

    def _embedded(self, texts: Sequence[str], patience_s: float) -> Vectors:
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for batch in batches(texts):
            try:
                rows = self._vectors([texts[n][:TEXT_CHARS] for n in batch], patience_s)
            except EmbedderBusyError as busy:
                raise EmbedderBusyError(str(busy), busy.retry_after_s, vectors[: batch[0]]) from busy
            vectors[batch] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return vectors

    def embed_query(self, text: str) -> Vectors:
        """Embed a question: a string to (dim,). Secrets in it are not sent; an index has none."""
        vector: Vectors = self._embedded(hide([text]).texts, QUESTION_PATIENCE_S)[0]
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

    def _vectors(self, texts: list[str], patience_s: float) -> Vectors:
        """One batch; in halves when the endpoint finds it too long."""
        try:
            rows = self._request(texts, patience_s)
        except _TooLongError as error:
            if len(texts) > 1:
                middle = len(texts) // 2
                halves = (texts[:middle], texts[middle:])
                return np.concatenate([self._vectors(half, patience_s) for half in halves])
            if len(texts[0]) <= SHORTEST_CHARS:
                raise ModelError(str(error)) from None
            return self._vectors([texts[0][: len(texts[0]) // 2]], patience_s)
        right_size = all(len(row) == self.dim for row in rows)
        vectors = np.asarray(rows, dtype=np.float32) if right_size else None
        if vectors is None or not np.isfinite(vectors).all():
            raise ModelError(
                f"{self._endpoint.shown} gave vectors of another size than {self.dim}, or with no numbers in them: "
                f"check the dimension set for {self._model}."
            )
        return vectors

    def _request(self, texts: list[str], patience_s: float) -> list[list[float]]:
        """One request, repeated while the endpoint is busy; vectors in the order of `texts`."""
        from kibitz.server.llm.failures import CAUGHT, failure, is_too_long

        waited = 0.0
        for attempt in itertools.count(1):
            try:
                return self._asked(texts)
            except CAUGHT as error:
                said = failure(error, self._endpoint, prompt=texts)
                if is_too_long(error):
                    raise _TooLongError(str(said)) from None
                wait = _wait_s(error, attempt, answered=self._answered)
                if wait is None:
                    raise said from None
                if wait > LONGEST_WAIT_S or waited + wait > patience_s or _is_hopeless(error, attempt):
                    raise EmbedderBusyError(str(said), wait) from None
                waited += wait
                if self.on_wait is not None:
                    self.on_wait(wait)
                self._sleep(wait)
        raise AssertionError("unreachable")

    def _asked(self, texts: list[str]) -> list[list[float]]:
        """One attempt; a second one when the model has one size only and was asked for another."""
        import openai

        from kibitz.server.llm.clients import sync_client
        from kibitz.server.llm.failures import no_such_model

        if self._client is None:
            self._client = sync_client(self._endpoint)
        # Floats, not base64: not every server that says it speaks this API knows the other form.
        options: dict[str, Any] = {"dimensions": self._dim} if self._asks_dim else {}
        try:
            answer = self._client.embeddings.create(model=self._model, input=texts, encoding_format="float", **options)
        except openai.NotFoundError:
            raise no_such_model(self._endpoint, self._model, ()) from None
        except openai.BadRequestError as error:
            if not self._asks_dim or "dimension" not in error.message.lower():
                raise
            self._asks_dim = False  # the size is checked by who asked
            return self._asked(texts)
        rows = in_order(answer, len(texts), self._endpoint)
        self._answered = True
        return rows


class _TooLongError(Exception):
    """The endpoint takes no text as long as this."""


def in_order(answer: Any, count: int, endpoint: Endpoint) -> list[list[float]]:
    """The vectors of an answer in the order of the texts.

    Raises:
        ModelError: some are missing, or there are too many.
    """
    from kibitz.server.llm.failures import not_this_api

    by_index = {row.index: row.embedding for row in answer.data or ()}
    if sorted(by_index) != list(range(count)):
        raise not_this_api(endpoint)
    return [by_index[n] for n in range(count)]


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


def _wait_s(error: Exception, attempt: int, *, answered: bool) -> float | None:
    """How long to wait before the next attempt; None when another one is no use.

    An endpoint that has answered before is there: what is wrong now passes. One that never did is more likely set up
    wrongly, and its user waits for a sentence: he gets it after few attempts.
    """
    import openai

    from kibitz.server.llm.failures import retry_after_s

    backoff = min(FIRST_WAIT_S * 2.0 ** (attempt - 1), LONGEST_BACKOFF_S)
    if isinstance(error, openai.APIStatusError):
        if error.code == "insufficient_quota" or error.status_code not in (*BUSY, *PASSING):
            return None
        if error.status_code in PASSING and attempt >= ATTEMPTS and not answered:
            return None
        asked = retry_after_s(error)
        if asked is None:
            return backoff
        return asked if attempt == 1 else max(asked, backoff)  # one that always asks for no time means it less and less
    if isinstance(error, openai.APIConnectionError | json.JSONDecodeError):
        return backoff if answered or (attempt == 1 and isinstance(error, openai.APIConnectionError)) else None
    return None


def _is_hopeless(error: Exception, attempt: int) -> bool:
    """Whether attempts have run out: an endpoint that says when, or that it is busy, is asked for longer."""
    return attempt >= ATTEMPTS and getattr(error, "status_code", None) not in BUSY
