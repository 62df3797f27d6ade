"""Dumps of prompts: what one was rendered from and what came of it, to be rendered again elsewhere and compared.

Secrets are blotted out of the tree, and what the dump says was rendered is then what the blotted tree gives.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from difflib import unified_diff
from itertools import islice
from typing import Any

from kibitz.prompts.begin import job_of
from kibitz.prompts.chat_template import ChatTemplate
from kibitz.prompts.errors import DumpError, PromptError
from kibitz.prompts.model_names import tokenizer_named
from kibitz.prompts.render import render
from kibitz.prompts.rendered import Rendered, RenderedMessage
from kibitz.prompts.solve import Mode
from kibitz.prompts.structure import flatten, rebuild
from kibitz.prompts.tokens import Tokenizer
from kibitz.prompts.tree import TOP, Node

LARGEST = 32_000_000
"""A longer dump, in characters, is not read."""

_FORMAT = "kibitz-prompt-dump-1"
_MOST_TOKENS = 10**9

Clean = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Dump:
    """What a dump says: the inputs of a rendering, by which version of Kibitz, and what came of it then."""

    tree: Node
    budget: int
    mode: Mode
    tokenizer: Tokenizer
    template: ChatTemplate
    version: str
    rendered: dict[str, Any]


def dump(rendered: Rendered, *, version: str = "", clean: Clean | None = None) -> str:
    """Write a rendering's inputs and its outcome as JSON.

    A renderer that keeps what it showed before may show what a fresh one would not: a replay then differs.

    Args:
        rendered: by `render` or a `Renderer`.
        version: of Kibitz, to be told by whoever reads the dump.
        clean: returns a text in which secrets are replaced and which is as long as before. It is given all texts of
            the tree joined, since a secret may lie across several.

    Raises:
        DumpError: it was not rendered here, not by a tokenizer of Kibitz's own, or `clean` changes a length.
    """
    inputs = rendered.account.inputs
    if inputs is None:
        raise DumpError("This prompt does not know what it was rendered from.")
    try:
        tokenizer = tokenizer_named(rendered.tokenizer)
    except PromptError:
        raise DumpError(f"A prompt counted by {rendered.tokenizer!r} cannot be rendered again.") from None
    nodes = flatten(inputs.tree)
    outcome = _outcome(rendered)
    cleaned = _cleaned(nodes, clean) if clean is not None else nodes
    if cleaned != nodes:
        blotted = Dump(rebuild(cleaned), rendered.budget, inputs.mode, tokenizer, inputs.template, version, {})
        outcome = replay(blotted).outcome
    template = {each.name: getattr(inputs.template, each.name) for each in fields(ChatTemplate)}
    value = {
        "format": _FORMAT,
        "kibitz": version,
        "tokenizer": rendered.tokenizer,
        "template": {**template, "role_tokens": dict(inputs.template.role_tokens)},
        "mode": inputs.mode,
        "budget": rendered.budget,
        "nodes": cleaned,
        "rendered": outcome,
    }
    return json.dumps(value, separators=(",", ":"), allow_nan=False) + "\n"


def load(text: str) -> Dump:
    """Read a dump; nothing in it is executed, and nothing else is read.

    Raises:
        DumpError: it is none, or too large; the message is one sentence that says what is wrong.
    """
    if len(text) > LARGEST:
        raise DumpError(f"A dump has at most {LARGEST:,} characters.")
    try:
        value = json.loads(text, parse_constant=_refuse)
        return _dump_of(value)
    except (ValueError, RecursionError):
        raise DumpError("This is no dump of a prompt: it is not JSON, or too deep.") from None
    except PromptError as error:
        raise DumpError(f"This is no dump of a prompt: {str(error)[:200].rstrip('.')}.") from None


@dataclass(frozen=True, slots=True)
class Replay:
    """What a dump gives today: the rendering (None: it does not fit), its outcome, and how that differs (or "")."""

    rendered: Rendered | None
    outcome: dict[str, Any]
    diff: str


def replay(dump: Dump, *, budget_tokens: int | None = None) -> Replay:
    """Render what was dumped, within its own budget or another."""
    rendered: Rendered | None = None
    try:
        rendered = render(
            dump.tree,
            budget_tokens=dump.budget if budget_tokens is None else budget_tokens,
            tokenizer=dump.tokenizer,
            template=dump.template,
            mode=dump.mode,
        )
        outcome = _outcome(rendered)
    except PromptError as error:
        outcome = {"error": str(error)}
    then, now = _written(dump.rendered), _written(outcome)
    same = outcome == dump.rendered
    diff = "" if same else "\n".join(unified_diff(then, now, "then", "now", lineterm="")) + "\n"
    return Replay(rendered, outcome, diff)


# -- writing -----------------------------------------------------------------------------------------------------------


def _cleaned(nodes: list[dict[str, Any]], clean: Clean) -> list[dict[str, Any]]:
    """Return nodes without the secrets in their texts and names."""
    texts = [text for node in nodes for text in (node["texts"] if "texts" in node else [node.get("text", "")])]
    joined = "".join(texts)
    left = iter(_same_length(clean, joined))
    fresh = iter(["".join(islice(left, len(text))) for text in texts])
    made: list[dict[str, Any]] = []
    for node in nodes:
        other = {name: _deeply(value, clean) for name, value in node.items() if name not in ("text", "texts")}
        if "texts" in node:
            other["texts"] = [next(fresh) for _ in node["texts"]]
        elif text := next(fresh):
            other["text"] = text
        made.append(other)
    return made


def _deeply(value: Any, clean: Clean) -> Any:
    if isinstance(value, str):
        return _same_length(clean, value)
    if isinstance(value, dict):
        return {_same_length(clean, name): _deeply(each, clean) for name, each in value.items()}
    return [_deeply(each, clean) for each in value] if isinstance(value, list) else value


def _same_length(clean: Clean, text: str) -> str:
    made = clean(text)
    if len(made) != len(text):
        raise DumpError("What replaces secrets must keep the length of a text.")
    return made


def _outcome(rendered: Rendered) -> dict[str, Any]:
    """Return what was rendered, as JSON gives it back."""
    messages = rendered.messages
    value = {
        "tokens": rendered.tokens,
        "reserved": rendered.reserved,
        "cutoff": None if rendered.cutoff == TOP else rendered.cutoff,
        "tools": [each.name for each in rendered.tools],
        "breaks": rendered.breaks,
        "messages": messages if messages is None else [_message(each) for each in messages],
        "text": rendered.text,
    }
    made: dict[str, Any] = json.loads(json.dumps(value))
    return made


def _message(message: RenderedMessage) -> dict[str, Any]:
    return {
        "role": message.role,
        "name": message.name,
        "calls": [[call.id, call.name, call.arguments] for call in message.calls],
        "call_id": message.call_id,
        "images": [[at, image.width, image.height, image.detail] for at, image in message.images],
        "cache_points": message.cache_points,
        "content": message.content,
    }


def _written(outcome: dict[str, Any]) -> list[str]:
    """Write an outcome in lines, for a comparison that people read."""
    made: list[str] = []
    for name, value in outcome.items():
        if name == "messages" and isinstance(value, list):
            for message in value:
                fields = message if isinstance(message, dict) else {"content": message}
                head = [f"{key}: {json.dumps(each)}" for key, each in fields.items() if key != "content" and each]
                made += [f"-- {', '.join(head)}", *str(fields.get("content", "")).split("\n")]
        elif isinstance(value, str):
            made += [f"-- {name}", *value.split("\n")]
        else:
            made.append(f"{name}: {json.dumps(value)}")
    return made


# -- reading -----------------------------------------------------------------------------------------------------------


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _dump_of(value: Any) -> Dump:
    if not isinstance(value, dict) or value.get("format") != _FORMAT:
        raise DumpError(f"its format is not {_FORMAT}")
    budget, mode, rendered = value.get("budget"), value.get("mode"), value.get("rendered")
    if type(budget) is not int or not 0 <= budget <= _MOST_TOKENS:
        raise DumpError("its budget is no number of tokens")
    if not isinstance(rendered, dict):
        raise DumpError("it does not say what was rendered")
    tokenizer = tokenizer_named(value["tokenizer"] if isinstance(value.get("tokenizer"), str) else "")
    template = _template_of(value.get("template"))
    job = job_of(tokenizer, template, mode if isinstance(mode, str) else "")  # type: ignore[arg-type]
    tree = rebuild(value.get("nodes"))
    version = value.get("kibitz")
    return Dump(tree, budget, job.mode, tokenizer, template, version if isinstance(version, str) else "", rendered)


def _template_of(value: object) -> ChatTemplate:
    known = {each.name for each in fields(ChatTemplate)}
    if not isinstance(value, dict) or not {"name", "message_tokens", "reply_tokens"} <= set(value) <= known:
        raise DumpError("its chat template has other fields")
    roles = value.get("role_tokens", {})
    tokens = [each for name, each in value.items() if name not in ("name", "role_tokens")]
    if not isinstance(value["name"], str) or not isinstance(roles, dict):
        raise DumpError("its chat template is none")
    if not all(type(each) is int and 0 <= each <= _MOST_TOKENS for each in (*tokens, *roles.values())):
        raise DumpError("its chat template counts no tokens")
    return ChatTemplate(**value)
