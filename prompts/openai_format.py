"""A rendered chat in the form that OpenAI-compatible endpoints take; plain dictionaries, nothing is sent here."""

import base64
from typing import Any

from kibitz.prompts.errors import PromptError
from kibitz.prompts.rendered import Rendered, RenderedMessage


def messages(rendered: Rendered, *, cache_points: bool = False) -> list[dict[str, Any]]:
    """Return the messages of a chat prompt.

    With `cache_points` the content is cut into parts after which a provider that must be told keeps its prefix cache
    (`cache_control`, as Anthropic's models take it through gateways); others refuse the field or ignore it.

    Raises:
        PromptError: it is a raw prompt.
    """
    if rendered.messages is None:
        raise PromptError("A raw prompt has no messages: send its text.")
    return [_message(each, cache_points) for each in rendered.messages]


def tools(rendered: Rendered) -> list[dict[str, Any]]:
    """Return the definitions of tools."""
    return [
        {
            "type": "function",
            "function": {
                "name": each.name,
                "description": each.description,
                "parameters": dict(each.parameters),
            },
        }
        for each in rendered.tools
    ]


def _message(message: RenderedMessage, cache_points: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"role": message.role, "content": message.content}
    points = message.cache_points if cache_points else ()
    if message.images or points:
        made["content"] = _parts(message, points)
    if message.name:
        made["name"] = message.name
    if message.call_id:
        made["tool_call_id"] = message.call_id
    if message.calls:
        made["tool_calls"] = [
            {"id": each.id, "type": "function", "function": {"name": each.name, "arguments": each.arguments}}
            for each in message.calls
        ]
    return made


def _parts(message: RenderedMessage, points: tuple[int, ...]) -> list[dict[str, Any]]:
    """Cut a content at its images and cache points."""
    parts: list[dict[str, Any]] = []
    done = 0
    marks = sorted(
        [*((at, 0, image) for at, image in message.images), *((at, 1, None) for at in points)],
        key=lambda mark: mark[:2],
    )
    for at, _, image in [*marks, (len(message.content), 2, None)]:
        if at > done:
            parts.append({"type": "text", "text": message.content[done:at]})
            done = at
        if image is not None:
            url = f"data:{image.mime};base64,{base64.b64encode(image.data).decode()}"
            parts.append({"type": "image_url", "image_url": {"url": url, "detail": image.detail}})
        elif at in points and parts:
            parts[-1]["cache_control"] = {"type": "ephemeral"}
    return parts
