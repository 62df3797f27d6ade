"""The last prompts that went to models, as they went: in memory, for whoever asks what left the editor."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kibitz.server.llm.ports import ChatMessage

MOST = 20


@dataclass(frozen=True, slots=True)
class Sent:
    """One prompt, with placeholders where secrets were: `messages` of a chat, or the raw `text` of a completion."""

    at: float
    """Seconds since 1970."""
    model: str
    endpoint: str
    messages: tuple[ChatMessage, ...] | None
    text: str | None


class SentPrompts:
    """The last twenty prompts, never written anywhere."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._sent: deque[Sent] = deque(maxlen=MOST)

    def note(self, model: str, endpoint: str, texts: Sequence[str], roles: Sequence[str] | None) -> None:
        """Keep a prompt: with `roles` they are the messages' and go with `texts`, without it is one raw text."""
        messages = tuple(map(ChatMessage, roles, texts)) if roles is not None else None  # type: ignore[arg-type]
        text = None if messages is not None else "".join(texts)
        self._sent.append(Sent(self._clock(), model, endpoint, messages, text))

    def last(self, count: int) -> list[Sent]:
        """The last prompts, the latest first."""
        return list(self._sent)[::-1][: max(0, count)]

    def as_json(self, count: int) -> list[dict[str, object]]:
        """The last prompts as the protocol shows them."""
        return [_as_json(sent) for sent in self.last(count)]


def _as_json(sent: Sent) -> dict[str, object]:
    messages = sent.messages
    return {
        "at": round(sent.at, 3),
        "model": sent.model,
        "endpoint": sent.endpoint,
        "messages": None if messages is None else [{"role": m.role, "content": m.content} for m in messages],
        "text": sent.text,
    }
