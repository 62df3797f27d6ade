"""The forms in which an endpoint is asked for text: which call it is, and where its chunks have their text."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import openai

Piece = tuple[str, str | None]
"""Text, and why the model stopped; either may be missing (usage, keep-alives, other choices)."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way to ask."""

    create: "Callable[[openai.AsyncOpenAI], Callable[..., Any]]"
    read: Callable[[Any], Piece]


def _read_chat(chunk: Any) -> Piece:
    if not chunk.choices:
        return "", None
    choice = chunk.choices[0]
    text = choice.delta.content if choice.delta is not None else None
    return text or "", choice.finish_reason or None


def _read_text(chunk: Any) -> Piece:
    if not chunk.choices:
        return "", None
    choice = chunk.choices[0]
    return choice.text or "", choice.finish_reason or None


CHAT = Form(lambda client: client.chat.completions.create, _read_chat)
TEXT = Form(lambda client: client.completions.create, _read_text)
