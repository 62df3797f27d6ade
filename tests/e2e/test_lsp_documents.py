"""The document stays in step: random edits over the wire, read back from the prompt that the model's endpoint gets."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import StartServer
from tests.e2e.lsp_client import LspClient
from tests.fakes.openai_server import FakeOpenAI, Reply

PIECES = ["a", "b = 1", "\n", "\r\n", "\r", "\f", "\v", "\x1c", "\x85", "\u2028", "é", "中", "😀", "👍🏽", "\t", "  "]
EDITS = 100


@pytest.fixture
def model() -> Iterator[FakeOpenAI]:
    with FakeOpenAI([Reply(("x",))], models=("qwen2.5-coder",)) as server:
        yield server


def place_of(text: str, offset: int, encoding: str) -> dict[str, int]:
    """The position of an offset, counted from the text's start: slow, and plain to see."""
    line, column, at = 0, 0, 0
    while at < offset:
        if text.startswith("\r\n", at):
            line, column, at = line + 1, 0, at + 2
        elif text[at] in "\r\n":
            line, column, at = line + 1, 0, at + 1
        else:
            width = {"utf-8": len(text[at].encode()), "utf-16": len(text[at].encode("utf-16-le")) // 2, "utf-32": 1}
            column, at = column + width[encoding], at + 1
    return {"line": line, "character": column}


def edit(random_: random.Random, text: str, encoding: str) -> tuple[str, dict[str, Any]]:
    """A random edit: the text after it, and the change event for it."""
    if random_.random() < 0.03:
        text = "".join(random_.choices(PIECES, k=30))
        return text, {"text": text}
    # An offset between "\r" and "\n" has no position.
    offsets = [n for n in range(len(text) + 1) if text[n - 1 : n + 1] != "\r\n" or n == 0]
    start = random_.choice(offsets)
    end = random_.choice([n for n in offsets if start <= n <= start + 12])
    new = "".join(random_.choices(PIECES, k=random_.choice([0, 1, 1, 2, 8])))
    span = {"start": place_of(text, start, encoding), "end": place_of(text, end, encoding)}
    return text[:start] + new + text[end:], {"range": span, "text": new}


def exact(client: LspClient, uri: str) -> str:
    """The document as the server has it: the prompt of an edit quotes the whole file as it stands."""
    asked = {"kind": "edit", "textDocument": {"uri": uri}, "instruction": "None."}
    prompt = client.call("kibitz/prompt", asked)
    (target,) = [part for part in prompt["parts"] if part["name"] == "target"]
    quoted = prompt["messages"][target["message"]]["content"][target["start"] : target["end"]]
    opening, _, rest = quoted.partition("\n")
    text: str = rest.rpartition("\n" + opening.rstrip("abcdefghijklmnopqrstuvwxyz"))[0]
    return text


def line_feeds(text: str) -> str:
    """A text as completion prompts show it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_back(client: LspClient, model: FakeOpenAI, uri: str, position: dict[str, int]) -> str:
    """What the server sent to the model's endpoint as the document."""
    params = {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 1}}
    client.call("textDocument/inlineCompletion", params)
    before, _, rest = model.requests[-1].prompt.rpartition("<|fim_suffix|>")
    return before.rpartition("<|fim_prefix|>")[2] + "<cursor>" + rest.removesuffix("<|fim_middle|>")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_a_hundred_random_edits_keep_the_document_in_step(
    start_server: StartServer, shop: Path, model: FakeOpenAI, encoding: str
) -> None:
    client = start_server(
        OPENAI_BASE_URL=model.url, KIBITZ_COMPLETION_BUDGET_TOKENS="200000", KIBITZ_EDIT_BUDGET_TOKENS="200000"
    )
    result = client.initialize(shop, {"general": {"positionEncodings": [encoding]}})
    assert result["capabilities"]["positionEncoding"] == encoding
    uri = (shop / "notes.txt").as_uri()
    for seed in range(3):
        random_ = random.Random(seed)
        text = "".join(random_.choices(PIECES, k=60))
        client.open(uri, text, language="plaintext")
        for version in range(2, EDITS + 2):
            changes = []
            for _ in range(random_.choice([1, 1, 1, 3])):
                text, change = edit(random_, text, encoding)
                changes.append(change)
            document = {"uri": uri, "version": version}
            client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})
            if version % 10 == 0:
                offset = random_.choice([n for n in range(len(text) + 1) if n == 0 or text[n - 1 : n + 1] != "\r\n"])
                got = read_back(client, model, uri, place_of(text, offset, encoding))
                assert got == line_feeds(text[:offset]) + "<cursor>" + line_feeds(text[offset:]), (seed, version)
                assert exact(client, uri) == text.removesuffix("\n"), (seed, version)
    assert client.shutdown() == 0
