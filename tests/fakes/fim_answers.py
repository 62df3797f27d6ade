"""What servers answer when they are asked whether they fill in the middle by a route of their own."""

import itertools
import json
from collections.abc import Mapping
from typing import Any

from kibitz.server.llm.native_fim import PROBE_PREFIX

_NUMBERS = itertools.count()


def is_probe(body: Mapping[str, Any]) -> bool:
    """Whether a request asks for that."""
    return ("suffix" in body or "input_suffix" in body) and PROBE_PREFIX in (
        body.get("prompt"),
        body.get("input_prefix"),
    )


def answer(fim: str, path: str, body: Mapping[str, Any]) -> tuple[int, str]:
    """Status and body: of a server that has `/infill`, heeds `suffix`, ignores it, answers at random, or refuses."""
    if fim == "broken":
        return 500, "{}"
    if path == "/infill":
        status = 200 if fim == "infill" else 501
        return status, json.dumps({"content": "v", "stop": True} if status == 200 else {"error": {"message": "no"}})
    word = str(body["suffix"]).split('"')[-2]
    texts = {"suffix": word, "ignored": "blue", "infill": "blue", "random": f"colour {next(_NUMBERS)}"}
    if fim not in texts:
        return 400, json.dumps({"error": {"message": "suffix is not currently supported"}})
    choice = {"index": 0, "text": texts[fim], "finish_reason": "stop"}
    return 200, json.dumps({"id": "p", "object": "text_completion", "created": 0, "model": "m", "choices": [choice]})
