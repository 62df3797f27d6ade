"""Reading a model's stream, and closing it whatever happens, so that the connection is freed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from kibitz.server.llm.ports import ChatMessage, ChatModel, Completer, Delta, Role

if TYPE_CHECKING:
    from kibitz.prompts.render import Rendered


@asynccontextmanager
async def closing(stream: AsyncIterator[Delta]) -> AsyncIterator[AsyncIterator[Delta]]:
    """Close a stream at the end, also when it was not read to its end or the task is cancelled."""
    try:
        yield stream
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()


def open_stream(
    rendered: "Rendered",
    model: ChatModel | Completer,
    *,
    max_tokens: int,
    stop: tuple[str, ...] = (),
    frequency_penalty: float = 0.0,
) -> AsyncIterator[Delta]:
    """Ask a model: messages go to a chat model, raw text to a completer."""
    if rendered.messages is None:
        return cast(Completer, model).complete(rendered.text or "", max_tokens=max_tokens, stop=stop)
    messages = [ChatMessage(cast(Role, message.role), message.content) for message in rendered.messages]
    chat = cast(ChatModel, model).chat
    return chat(messages, max_tokens=max_tokens, stop=stop, frequency_penalty=frequency_penalty)
