"""The two model ports over any OpenAI-compatible endpoint, streamed."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from kibitz.server.errors import ModelError
from kibitz.server.llm.endpoint import CONNECT_TIMEOUT_S, Endpoint
from kibitz.server.llm.lazy_client import LazyClient
from kibitz.server.llm.ports import ChatMessage, Delta

if TYPE_CHECKING:
    import openai

__all__ = ["Endpoint", "OpenAIChat", "OpenAICompleter"]

RETRY_WITHIN_S = 2.0
"""A busy endpoint is asked once more when it asks for no longer wait than this: a person waits for the answer."""

DRAIN_S = 2.0
OPENAI_STOP_WORDS = 4


class _Session(LazyClient):
    """What an endpoint has been asked, and which parameters it has refused."""

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        super().__init__(endpoint)
        self.model = model
        self._refused: set[str] = set()

    async def stream(self, chat: bool, prompt: Sequence[str], request: dict[str, Any]) -> AsyncGenerator[Delta, None]:
        """Ask, and yield what comes; the last delta carries the finish reason.

        Raises:
            ModelError: no answer, or an incomplete one.
        """
        client = await self.client()
        from kibitz.server.llm.failures import CAUGHT, dropped, failure, not_this_api  # imports openai

        begun = False
        finish = None
        try:
            stream = await self._open(client, chat, request)
        except CAUGHT as error:
            raise await self._explain(client, error, prompt) from None
        try:
            async for chunk in stream:
                text, reason = _read(chunk, chat)
                finish = reason or finish
                if text:
                    begun = True
                    yield Delta(text)
                if finish:
                    await _drain(stream)
                    break
        except CAUGHT as error:
            if not finish:
                raise failure(error, self.endpoint, begun=begun, prompt=prompt) from None
        finally:
            await stream.close()
        if not finish:
            events = "event-stream" in stream.response.headers.get("content-type", "")
            raise dropped(self.endpoint) if events else not_this_api(self.endpoint)
        yield Delta(finish_reason=finish)

    async def _open(self, client: "openai.AsyncOpenAI", chat: bool, request: dict[str, Any]) -> Any:
        """Start a stream; once more without a parameter that the model refuses, or after a short wait."""
        import openai

        create: Any = client.chat.completions.create if chat else client.completions.create
        waited = False
        while True:
            try:
                return await create(model=self.model, stream=True, **self._adapted(request))
            except openai.BadRequestError as error:
                parameter = error.param or ""
                unsupported = error.code in ("unsupported_parameter", "unsupported_value")
                if not unsupported or parameter not in request or parameter in self._refused:
                    raise
                self._refused.add(parameter)
            except openai.APIError as error:
                wait = _worth_waiting_s(error)
                if waited or wait is None:
                    raise
                waited = True
                await asyncio.sleep(wait)

    def _adapted(self, request: dict[str, Any]) -> dict[str, Any]:
        """The request in the words this model takes: newer ones refuse `max_tokens`, `temperature` or `stop`."""
        kept = {name: value for name, value in request.items() if name not in self._refused}
        if "max_tokens" in self._refused:
            kept["max_completion_tokens"] = request["max_tokens"]
        if self.endpoint.kind == "openai" and "stop" in kept:
            kept["stop"] = kept["stop"][:OPENAI_STOP_WORDS]
        return kept

    async def _explain(self, client: "openai.AsyncOpenAI", error: BaseException, prompt: Iterable[str]) -> ModelError:
        import openai

        from kibitz.server.llm.failures import CAUGHT, failure, no_such_model

        if not isinstance(error, openai.NotFoundError):
            return failure(error, self.endpoint, prompt=prompt)
        there: list[str] = []
        with contextlib.suppress(*CAUGHT, TimeoutError):
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                there = [model.id for model in (await client.models.list()).data]
        if self.model in there:
            return failure(error, self.endpoint, prompt=prompt)
        return no_such_model(self.endpoint, self.model, there)


class OpenAIChat:
    """A `ChatModel`: messages to `/v1/chat/completions`.

    Close the iterator (`contextlib.aclosing`) to end an answer early: its connection is closed at once, and the server
    stops computing. Stop words beyond OpenAI's four are not sent there, and none to models that refuse them.
    """

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self.endpoint = endpoint
        self._session = _Session(endpoint, model)

    @property
    def name(self) -> str:
        """The model's name as the endpoint spells it."""
        return self._session.model

    async def chat(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        frequency_penalty: float = 0.0,
    ) -> AsyncGenerator[Delta, None]:
        """Stream the answer; see `ChatModel.chat`."""
        request: dict[str, Any] = {
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            **_limits(max_tokens, stop, temperature),
        }
        if frequency_penalty:
            request["frequency_penalty"] = frequency_penalty
        async with contextlib.aclosing(
            self._session.stream(True, [message.content for message in messages], request)
        ) as deltas:
            async for delta in deltas:
                yield delta

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


class OpenAICompleter:
    """A `Completer`: a raw prompt to `/v1/completions`. Ends early as `OpenAIChat` does."""

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self.endpoint = endpoint
        self._session = _Session(endpoint, model)

    @property
    def name(self) -> str:
        """The model's name as the endpoint spells it."""
        return self._session.model

    async def complete(
        self, prompt: str, *, max_tokens: int, stop: Sequence[str] = (), temperature: float = 0.0
    ) -> AsyncGenerator[Delta, None]:
        """Stream the continuation; see `Completer.complete`."""
        request = {"prompt": prompt, **_limits(max_tokens, stop, temperature)}
        async with contextlib.aclosing(self._session.stream(False, [prompt], request)) as deltas:
            async for delta in deltas:
                yield delta

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


def _limits(max_tokens: int, stop: Sequence[str], temperature: float) -> dict[str, Any]:
    limits: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature}
    if stop:
        limits["stop"] = list(stop)
    return limits


def _read(chunk: Any, chat: bool) -> tuple[str, str | None]:
    """The text and the finish reason of a chunk; either may be missing (usage, keep-alives, other choices)."""
    if not chunk.choices:
        return "", None
    choice = chunk.choices[0]
    if not chat:
        return choice.text or "", choice.finish_reason or None
    text = choice.delta.content if choice.delta is not None else None
    return text or "", choice.finish_reason or None


async def _drain(stream: Any) -> None:
    """Read what follows the finish reason (usage, the end mark), so that the connection can be used again."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            async for _ in stream:
                pass


def _worth_waiting_s(error: "openai.APIError") -> float | None:
    """How long to wait before asking once more; None when it is no use."""
    import httpx2
    import openai

    from kibitz.server.llm.failures import retry_after_s

    if isinstance(error, openai.APIConnectionError):
        # A connection kept open from the last answer, which the server closes just when it is used again.
        stale = isinstance(error.__cause__, httpx2.RemoteProtocolError | httpx2.ReadError | httpx2.WriteError)
        return 0.0 if stale else None
    if not isinstance(error, openai.APIStatusError) or error.status_code not in (429, 502, 503, 504):
        return None
    wait = retry_after_s(error)
    if wait is None:
        return None if error.status_code == 429 else 0.5
    return wait if wait <= RETRY_WITHIN_S else None
