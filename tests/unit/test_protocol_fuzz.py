"""Whatever a client sends, every request gets one answer and the server goes on."""

import asyncio
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kibitz.server.lsp.methods import CUSTOM_PARAMS
from tests.fakes.app import FakeApp
from tests.fakes.wire import connected

URI = "file:///code/a.py"
METHODS = [
    *CUSTOM_PARAMS,
    "textDocument/inlineCompletion",
    "textDocument/completion",
    "textDocument/codeAction",
    "textDocument/hover",
    "workspace/executeCommand",
    "$/unknown",
    "",
]
NAMES = [
    *("textDocument", "uri", "version", "position", "range", "start", "end", "line", "character", "context"),
    *("triggerKind", "question", "query", "k", "instruction", "kind", "history", "role", "content", "attachments"),
    *("command", "arguments", "partialResultToken", "workDoneToken", "jsonrpc", "id", "method", "only", "diagnostics"),
]
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 9),
    st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.sampled_from([URI, "ask", "complete", "edit", "user", "kibitz.edit", "kibitz.ask", "", "\ud800", "1"]),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    ),
    max_leaves=12,
)
documents = st.just({"uri": URI})
likely = st.fixed_dictionaries(
    {"textDocument": documents},
    optional={
        "position": st.fixed_dictionaries({"line": st.integers(-1, 5), "character": st.integers(-1, 9)}),
        "context": st.fixed_dictionaries({"triggerKind": st.integers(0, 3)}, optional={"diagnostics": values}),
        "question": st.text(max_size=5) | values,
        "instruction": st.text(max_size=5) | values,
        "range": values,
        "kind": st.sampled_from(["ask", "complete", "edit"]) | values,
    },
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sent=st.lists(st.tuples(st.sampled_from(METHODS), values | likely), min_size=10, max_size=25))
def test_every_request_is_answered_once(sent: list[tuple[str, Any]]) -> None:
    async def session() -> None:
        async with connected(FakeApp().make) as wire:
            await wire.initialize(rootUri="file:///code")
            wire.open(URI, "one\n😀two\n")
            asked = [wire.request(method, params) for method, params in sent]
            await wire.call("kibitz/status")
            await wire.until(lambda: len(answers(wire.received, asked)) == len(asked))
        got = answers(wire.received, asked)
        assert sorted(message["id"] for message in got) == asked
        assert [m["error"] for m in got if m.get("error", {}).get("code") == -32603] == []

    logging.disable()
    try:
        asyncio.run(session())
    finally:
        logging.disable(logging.NOTSET)


def answers(received: list[dict[str, Any]], asked: list[int]) -> list[dict[str, Any]]:
    return [message for message in received if "method" not in message and message.get("id") in set(asked)]


@pytest.mark.parametrize("method", ["textDocument/didOpen", "textDocument/didChange", "textDocument/didSave", "exit2"])
@pytest.mark.parametrize("params", [None, [], {}, {"textDocument": 5}, {"textDocument": {"uri": URI}}])
async def test_a_notification_that_makes_no_sense_harms_nothing(method: str, params: object) -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize()
        wire.notify(method, params)
        assert (await wire.call("kibitz/status"))["model"] == "fake"


PHASES = ["initialize", "initialized", "shutdown", "kibitz/status", "textDocument/didOpen", "$/cancelRequest"]


@settings(max_examples=60, deadline=None)
@given(sent=st.lists(st.sampled_from(PHASES), max_size=12))
def test_a_lifecycle_in_any_order_is_answered_by_its_phase(sent: list[str]) -> None:
    params: dict[str, Any] = {
        "initialize": {"processId": None, "capabilities": {}},
        "textDocument/didOpen": {"textDocument": {"uri": URI, "languageId": "x", "version": 1, "text": ""}},
        "$/cancelRequest": {"id": 99},
    }

    async def session() -> tuple[list[dict[str, Any]], list[int], int | None]:
        async with connected(FakeApp().make) as wire:
            requests = ("initialize", "shutdown", "kibitz/status")
            asked = []
            for method in sent:
                if method in requests:
                    asked.append(wire.request(method, params.get(method)))
                else:
                    wire.notify(method, params.get(method))
            await wire.until(lambda: len(answers(wire.received, asked)) == len(asked))
            wire.notify("exit")
        return answers(wire.received, asked), asked, wire.exit_code

    got, asked, code = asyncio.run(session())
    initialized = down = False
    wanted = []
    for method in sent:
        if method not in ("initialize", "shutdown", "kibitz/status"):
            continue
        starts = method == "initialize" and not initialized
        wanted.append({-32600} if down else {None} if starts else {-32002} if not initialized else {None, -32800})
        if method == "initialize" and not starts and not down:
            wanted[-1] = {-32600}
        initialized, down = initialized or (starts and not down), down or (method == "shutdown" and initialized)
    by_id = {message["id"]: message.get("error", {}).get("code") for message in got}
    assert [by_id[msg_id] in one for msg_id, one in zip(asked, wanted, strict=True)] == [True] * len(asked)
    assert code == (0 if down else 1)
