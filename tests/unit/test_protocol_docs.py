"""docs/protocol.md shows messages that the server takes and sends."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.prompts.nodes import text
from kibitz.prompts.render import render
from kibitz.prompts.tokens import TiktokenTokenizer
from kibitz.prompts.trace import explain
from tests.fakes.app import FakeApp
from tests.fakes.wire import connected

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not in the wheel")
BANK = "file:///home/me/shop/bank.py"


def messages() -> list[dict[str, Any]]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)]


async def test_each_documented_request_is_answered_with_the_documented_names() -> None:
    chunk = Chunk("bank.py", Span(10, 15), "x", "method", "python", "Account.withdraw")
    app = FakeApp(hits=[Hit(chunk, 1.0, ("lexical",))])
    requests = [m for m in messages() if "id" in m and "method" in m and m["method"] != "workspace/applyEdit"]
    documented = {m["id"]: m["result"] for m in messages() if "result" in m}
    async with connected(app.make) as wire:
        wire.answers["workspace/applyEdit"] = lambda _: {"applied": True}
        assert requests[0]["method"] == "initialize"
        await wire.initialize(**{k: v for k, v in requests[0]["params"].items() if k != "processId"})
        wire.open(BANK, "line\n" * 20, version=7)
        for request in requests[1:]:
            result = await wire.call(request["method"], request["params"])
            if request["id"] in documented:
                assert set(names(result)) - OPTIONAL >= set(names(documented[request["id"]])) - OPTIONAL


PART = explain(render(text("a"), budget_tokens=9, tokenizer=TiktokenTokenizer("o200k_base")))[0]


def test_the_parts_of_a_prompt_are_documented_with_all_their_names() -> None:
    (result,) = (m["result"] for m in messages() if "parts" in m.get("result", {}))
    assert list(result["parts"][0]) == list(PART)
    told = (PAGE.parent / "cli.md").read_text(encoding="utf-8")
    assert f'"parts": [{{{", ".join(json.dumps(name) for name in PART)}}}]' in told


# Only there for some answers.
OPTIONAL = {".citations[].path", ".citations[].start_line", *(f".parts[].{name}" for name in PART)}
OPTIONAL |= {".citations[].end_line", ".citations[].uri", ".skipped.binary", ".skipped.generated"}


def names(value: Any, place: str = "") -> list[str]:
    """Where the names of an answer stand."""
    if isinstance(value, dict):
        return [name for key, inner in value.items() for name in (f"{place}.{key}", *names(inner, f"{place}.{key}"))]
    if isinstance(value, list):
        return [name for inner in value[:1] for name in names(inner, f"{place}[]")]
    return []


def test_every_method_of_ours_is_documented() -> None:
    from kibitz.server.lsp.methods import CUSTOM_PARAMS

    text = PAGE.read_text(encoding="utf-8")
    assert [method for method in CUSTOM_PARAMS if f"`{method}`" not in text] == []
