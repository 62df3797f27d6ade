"""The forms in which an endpoint is asked for text: which call it is, and where its chunks have their text."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    import openai

Piece = tuple[str, str | None]
"""Text, and why the model stopped; either may be missing (usage, keep-alives, other choices)."""


SEPARATOR = "<|kibitz_suffix|>"
"""Between what stands before the cursor and what stands after it, where a server is told the two apart."""

Request = dict[str, Any]


def _whole(prompt: str) -> Request:
    return {"prompt": prompt}


@dataclass(frozen=True, slots=True)
class Form:
    """One way to ask: the call, where a chunk has its text, and how a raw prompt is said."""

    create: "Callable[[openai.AsyncOpenAI], Callable[..., Any]]"
    read: Callable[[Any], Piece]
    say: Callable[[str], Request] = _whole


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


def _with_suffix(prompt: str) -> Request:
    prefix, _, suffix = prompt.partition(SEPARATOR)
    return {"prompt": prefix, "suffix": suffix}


SUFFIX = Form(TEXT.create, TEXT.read, _with_suffix)


def _with_both(prompt: str) -> Request:
    prefix, _, suffix = prompt.partition(SEPARATOR)
    return {"input_prefix": prefix, "input_suffix": suffix}


def infill_url(client: "openai.AsyncOpenAI") -> str:
    """Where llama.cpp fills in the middle: beside OpenAI's API, not in it."""
    parts = urlsplit(str(client.base_url))
    path = parts.path.rstrip("/").removesuffix("/v1") + "/infill"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def _infill(client: "openai.AsyncOpenAI") -> Callable[..., Any]:
    async def create(*, max_tokens: int, **request: Any) -> Any:
        import openai

        body = {"n_predict": max_tokens, **request}
        kind = openai.AsyncStream[object]
        return await client.post(infill_url(client), cast_to=object, body=body, stream=True, stream_cls=kind)

    return create


def _read_infill(chunk: Any) -> Piece:
    if not isinstance(chunk, dict):
        return "", None
    finish = ("length" if chunk.get("stop_type") == "limit" else "stop") if chunk.get("stop") is True else None
    return str(chunk.get("content") or ""), finish


INFILL = Form(_infill, _read_infill, _with_both)
