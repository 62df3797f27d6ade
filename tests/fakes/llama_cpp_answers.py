"""What llama.cpp's server answers beside OpenAI's API, for a made-up model: ChatML, a token a word or mark."""

import json
import re
from collections.abc import Mapping
from typing import Any

PATHS = ("/tokenize", "/apply-template")
_TOKEN = re.compile(r"\w+|\s|[^\w\s]")
_WITH_CONTROLS = re.compile(rf"<\|\w+\|>|{_TOKEN.pattern}")


def chatml(messages: list[Mapping[str, str]]) -> str:
    """The prompt that messages become; a last message of the assistant is left open."""
    text = "".join(f"<|im_start|>{each['role']}\n{each['content']}<|im_end|>\n" for each in messages)
    if messages and messages[-1]["role"] == "assistant":
        return text.removesuffix("<|im_end|>\n")
    return f"{text}<|im_start|>assistant\n"


def count(text: str, *, controls: bool = False) -> int:
    """The tokens of a text."""
    return len((_WITH_CONTROLS if controls else _TOKEN).findall(text))


def llama_cpp_answer(path: str, body: Mapping[str, Any]) -> str:
    """The answer to one request, as JSON."""
    if path == "/apply-template":
        return json.dumps({"prompt": chatml(body["messages"])})
    return json.dumps({"tokens": list(range(count(body["content"], controls=body.get("parse_special", False))))})
