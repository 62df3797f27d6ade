"""The two model ports over any OpenAI-compatible endpoint, streamed."""

import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from kibitz.server.llm.endpoint import Endpoint
from kibitz.server.llm.forms import CHAT, TEXT, Form
from kibitz.server.llm.line import Line
from kibitz.server.llm.ports import ChatMessage, Delta
from kibitz.server.llm.session import Session
from kibitz.server.llm.turns import Urgency

__all__ = ["Endpoint", "OpenAIChat", "OpenAICompleter"]


class OpenAIChat:
    """A `ChatModel`: messages to `/v1/chat/completions`.

    Close the iterator (`contextlib.aclosing`) to end an answer early: its connection is closed at once, and the server
    stops computing. Stop words beyond OpenAI's four are not sent there, and none to models that refuse them.

    Args:
        endpoint: where.
        model: the model's name as the endpoint spells it.
        line: what it shares with the other clients of the endpoint; None is a line of its own.
        urgency: COMPLETION where it writes ghost text.
    """

    def __init__(
        self, endpoint: Endpoint, model: str, line: Line | None = None, urgency: Urgency = Urgency.CHAT
    ) -> None:
        self.endpoint = endpoint
        self._session = Session(endpoint, model, CHAT, line or Line(), urgency)

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
        roles = [message.role for message in messages]
        further = {"frequency_penalty": frequency_penalty} if frequency_penalty else {}

        def request(texts: Sequence[str]) -> dict[str, Any]:
            said = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
            return {"messages": said, **_limits(max_tokens, stop, temperature), **further}

        stream = self._session.stream([message.content for message in messages], request, roles=roles)
        async with contextlib.aclosing(stream) as deltas:
            async for delta in deltas:
                yield delta

    async def open(self) -> None:
        """Import and set up what the first question needs; nothing is sent."""
        await self._session.client()

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


class OpenAICompleter:
    """A `Completer`: a raw prompt to `/v1/completions`. Ends early as `OpenAIChat` does, and goes before it.

    Another `form` fills in the middle by a route of the server's own, from prompts of the family `NATIVE`.
    """

    def __init__(self, endpoint: Endpoint, model: str, line: Line | None = None, form: Form = TEXT) -> None:
        self.endpoint = endpoint
        self._form = form
        self._session = Session(endpoint, model, form, line or Line(), Urgency.COMPLETION)

    @property
    def name(self) -> str:
        """The model's name as the endpoint spells it."""
        return self._session.model

    async def complete(
        self, prompt: str, *, max_tokens: int, stop: Sequence[str] = (), temperature: float = 0.0
    ) -> AsyncGenerator[Delta, None]:
        """Stream the continuation; see `Completer.complete`."""

        def request(texts: Sequence[str]) -> dict[str, Any]:
            return {**self._form.say(texts[0]), **_limits(max_tokens, stop, temperature)}

        async with contextlib.aclosing(self._session.stream([prompt], request)) as deltas:
            async for delta in deltas:
                yield delta

    async def open(self) -> None:
        """Import and set up what the first question needs; nothing is sent."""
        await self._session.client()

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


def _limits(max_tokens: int, stop: Sequence[str], temperature: float) -> dict[str, Any]:
    limits: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature}
    if stop:
        limits["stop"] = list(stop)
    return limits
