"""Second-stage scores from an endpoint: its reranker (`/v1/rerank`), or its embedding model (`/v1/embeddings`)."""

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np

from kibitz.server.errors import ModelError
from kibitz.server.llm.embeddings import in_order
from kibitz.server.llm.endpoint import Endpoint
from kibitz.server.llm.lazy_client import LazyClient

if TYPE_CHECKING:
    import openai

    from kibitz.indexer.embed import Vectors
    from kibitz.indexer.rank import Scores

TEXT_CHARS = 2000
"""Most rerankers read 512 tokens, question included: about so much code. Longer text costs and is not looked at."""

SHORTEST_CHARS = 250


class EndpointReranker:
    """A `Reranker` over the API that Cohere and Jina began and vLLM, llama.cpp and others speak.

    Where that is not there, the form of Hugging Face's text-embeddings-inference is tried, which is found outside /v1
    and calls documents "texts". What an endpoint speaks is remembered.

    Args:
        endpoint: where.
        model: the model's name as the endpoint spells it.
    """

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self.name = model
        self._session = LazyClient(endpoint)
        self._ask = self._documents
        self._chars = TEXT_CHARS

    async def open(self) -> None:
        """Make the client."""
        await self._session.client()

    async def rerank(self, question: str, texts: Sequence[str]) -> "Scores":
        """Score texts: (n,) strings to (n,).

        Raises:
            ModelError: no scores; one sentence that says what to do.
        """
        client = await self._session.client()

        async def ask(cut: list[str]) -> Any:
            return await self._asked(client, question, cut)

        answer, self._chars = await shortened(ask, texts, self._chars, self._session.endpoint, question)
        scores = scores_of(answer, len(texts))
        if scores is None:
            from kibitz.server.llm.failures import not_this_api

            raise not_this_api(self._session.endpoint)
        return scores

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def _asked(self, client: "openai.AsyncOpenAI", question: str, texts: list[str]) -> Any:
        import openai

        from kibitz.server.llm.failures import is_too_long

        try:
            return await self._ask(client, question, texts)
        except (openai.NotFoundError, openai.UnprocessableEntityError) as error:
            if self._ask == self._texts or is_too_long(error):
                raise
            try:
                answer = await self._texts(client, question, texts)
            except (openai.APIError, ValueError):
                raise error from None
            self._ask = self._texts
            return answer

    async def _documents(self, client: "openai.AsyncOpenAI", question: str, texts: list[str]) -> Any:
        body = {"model": self.name, "query": question, "documents": texts}
        return await client.post("/rerank", cast_to=object, body=body)

    async def _texts(self, client: "openai.AsyncOpenAI", question: str, texts: list[str]) -> Any:
        parts = urlsplit(self._session.endpoint.base_url)
        path = parts.path.rstrip("/").removesuffix("/v1") + "/rerank"
        url = urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
        return await client.post(url, cast_to=object, body={"query": question, "texts": texts, "truncate": True})


class EndpointVectors:
    """`Embeds` over `/v1/embeddings`, asked once and without waiting: somebody looks at the screen."""

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self.name = model
        self._session = LazyClient(endpoint)
        self._chars = TEXT_CHARS

    async def open(self) -> None:
        """Make the client."""
        await self._session.client()

    async def embed(self, texts: Sequence[str]) -> "Vectors":
        """Embed texts: (n,) strings to (n, dim).

        Raises:
            ModelError: no vectors; one sentence that says what to do.
        """
        client = await self._session.client()
        endpoint = self._session.endpoint

        async def ask(cut: list[str]) -> Any:
            return await client.embeddings.create(model=self.name, input=cut, encoding_format="float")

        answer, self._chars = await shortened(ask, texts, self._chars, endpoint, "")
        rows = in_order(answer, len(texts), endpoint)
        if len({len(row) for row in rows}) > 1 or not np.isfinite(rows).all():
            raise ModelError(f"{endpoint.shown} gave vectors of different sizes, or with no numbers in them.")
        return np.asarray(rows, np.float32)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


async def shortened(
    ask: Callable[[list[str]], Awaitable[Any]], texts: Sequence[str], chars: int, endpoint: Endpoint, question: str
) -> tuple[Any, int]:
    """Ask with texts of `chars` characters, in halves for as long as they are too long; the answer, and what it took.

    Raises:
        ModelError: no answer; one sentence that says what to do.
    """
    import openai

    from kibitz.server.llm.failures import CAUGHT, failure, is_too_long

    while True:
        try:
            return await ask([text[:chars] for text in texts]), chars
        except openai.NotFoundError:
            raise ModelError(f"{endpoint.shown} has no such model, or not this API: check `rerank`.") from None
        except CAUGHT as error:
            if not is_too_long(error) or chars <= SHORTEST_CHARS:
                raise failure(error, endpoint, prompt=[question, *texts]) from None
            chars //= 2


def scores_of(answer: Any, count: int) -> "Scores | None":
    """The scores in an answer, in the order of the texts; None when it is not one score for each text.

    Cohere, Jina, vLLM and llama.cpp give `{"results": [{"index", "relevance_score"}]}`, Voyage calls the list "data",
    text-embeddings-inference gives the list alone and calls the score "score". Rows come in any order.
    """
    rows = answer.get("results", answer.get("data")) if isinstance(answer, dict) else answer
    if not isinstance(rows, list):
        return None
    found: dict[int, float] = {}
    for row in rows:
        if not isinstance(row, dict):
            return None
        index, score = row.get("index"), row.get("relevance_score", row.get("score"))
        if not isinstance(index, int) or isinstance(score, bool) or not isinstance(score, int | float):
            return None
        found[index] = float(score)
    if sorted(found) != list(range(count)) or not all(map(math.isfinite, found.values())):
        return None
    return np.array([found[n] for n in range(count)], np.float32)
