import asyncio
import contextlib
import logging
from typing import Any

import pytest

from kibitz.indexer.answer import Answer
from kibitz.server.errors import NoModelError
from tests.fakes.app import FakeApp
from tests.fakes.wire import Refused, Wire, at, connected

URI = "file:///code/a.py"


async def refusal(wire: Wire, method: str, params: object = None) -> Refused:
    with pytest.raises(Refused) as caught:
        await wire.call(method, params)
    return caught.value


def answers_to(wire: Wire, msg_id: object) -> list[dict[str, Any]]:
    return [message for message in wire.received if "method" not in message and message.get("id") == msg_id]


async def test_a_request_before_initialize_is_refused() -> None:
    async with connected(FakeApp().make) as wire:
        assert (await refusal(wire, "kibitz/status")).code == -32002
        assert (await refusal(wire, "textDocument/inlineCompletion", {})).code == -32002


async def test_a_second_initialize_is_refused() -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize()
        assert (await refusal(wire, "initialize", {"processId": None, "capabilities": {}})).code == -32600


async def test_after_shutdown_only_exit_is_heard_and_the_code_is_0() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        await wire.initialize()
        assert await wire.call("shutdown") is None
        assert (await refusal(wire, "kibitz/status")).code == -32600
        wire.notify("exit")
    assert (wire.exit_code, app.closed) == (0, True)


async def test_exit_without_shutdown_is_code_1() -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize()
        wire.notify("exit")
    assert wire.exit_code == 1


async def test_the_end_of_the_input_without_shutdown_is_code_1() -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize()
    assert wire.exit_code == 1


POSITION = {"line": 0, "character": 0}
DOCUMENT = {"uri": URI}


@pytest.mark.parametrize(
    ("method", "params", "says"),
    [
        ("textDocument/inlineCompletion", {"textDocument": DOCUMENT, "position": POSITION}, "context"),
        ("textDocument/inlineCompletion", None, "params"),
        ("textDocument/inlineCompletion", [], "textDocument"),
        (
            "textDocument/inlineCompletion",
            {
                "textDocument": DOCUMENT,
                "position": {"line": "a", "character": 0},
                "context": {"triggerKind": 1},
            },
            "position.line: ",
        ),
        (
            "textDocument/inlineCompletion",
            {
                "textDocument": DOCUMENT,
                "position": {"line": -1, "character": 0},
                "context": {"triggerKind": 1},
            },
            "position",
        ),
        (
            "textDocument/inlineCompletion",
            {"textDocument": DOCUMENT, "position": POSITION, "context": {"triggerKind": 99}},
            "triggerKind",
        ),
        ("kibitz/chat", None, "The question is empty"),
        ("kibitz/chat", {"question": 5}, "question: expected str"),
        ("kibitz/chat", {"question": "x", "history": [{"role": "user"}]}, "content"),
        ("kibitz/chat", {"question": "x", "history": [{"role": "system", "content": "x"}]}, "role"),
        ("kibitz/search", {"query": "x", "k": "many"}, "k: expected int"),
        ("kibitz/search", {"query": "x", "k": True}, "k: expected int"),
        ("kibitz/edit", {"textDocument": DOCUMENT}, "instruction"),
        ("kibitz/prompt", {"kind": "poem"}, "kind must be"),
        ("kibitz/prompt", {"kind": "complete"}, "textDocument"),
        ("workspace/executeCommand", {"command": "kibitz.nothing"}, "Unknown command"),
        ("workspace/executeCommand", {"command": "kibitz.ask", "arguments": [{}]}, "question"),
        ("workspace/executeCommand", {"command": "kibitz.ask", "arguments": ["a", "b"]}, "one argument"),
    ],
)
async def test_invalid_params_are_answered_with_the_place_and_the_reason(
    method: str, params: object, says: str
) -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize()
        refused = await refusal(wire, method, params)
    assert refused.code == -32602
    assert says in refused.message
    assert refused.data is None
    assert wire.notifications("window/showMessage") == []


async def test_an_unknown_method_is_refused_and_an_unknown_notification_ignored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize()
        wire.notify("kibitz/nothing", {"x": 1})
        wire.notify("$/nothing")
        wire.notify("textDocument/didOpen", {"nonsense": True})
        wire.notify("$/cancelRequest", {"id": 12345})
        wire.notify("$/cancelRequest", {})
        for nonsense in (list[int](), dict[str, int](), None, 1.5):
            wire.notify("$/cancelRequest", {"id": nonsense})
            wire.notify("window/workDoneProgress/cancel", {"token": nonsense})
        assert (await refusal(wire, "kibitz/nothing", {"a": {"jsonrpc": "2.0"}})).code == -32601
        assert (await wire.call("kibitz/status"))["model"] == "fake"
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{not json", -32700),
        (b"\xff\xfe\xfa", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b'"hello"', -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1}', None),  # an answer to nothing
        (b'{"jsonrpc": "2.0", "id": 1, "method": 7}', -32600),
        (b'{"jsonrpc": "2.0", "id": [1], "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0"}', -32600),
    ],
)
async def test_a_message_that_is_none_is_refused_and_the_next_one_answered(body: bytes, code: int | None) -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize()
        wire.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        assert (await wire.call("kibitz/status"))["model"] == "fake"
    errors = [message["error"]["code"] for message in wire.received if "error" in message]
    assert errors == ([] if code is None else [code])


async def test_lost_framing_ends_the_connection() -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize()
        wire.send_bytes(b"Content-Length: 99000000000\r\n\r\n")
        wire.notify("kibitz/status")
    assert wire.exit_code == 1


async def test_params_may_hold_what_looks_like_a_message() -> None:
    app = FakeApp()
    question = '{"jsonrpc": "2.0", "id": 1, "method": "shutdown"}'
    async with connected(app.make) as wire:
        options = {"x": {"jsonrpc": "2.0", "id": 3, "method": "exit"}}
        await wire.initialize(rootUri="file:///code", initializationOptions=options)
        found = await wire.call("kibitz/search", {"query": question, "extra": {"jsonrpc": "2.0", "id": 9}})
    assert found["hits"] == []
    assert ("search", (question, 10, "")) in app.asked
    assert app.options == options


@pytest.mark.parametrize("spelt", [r"a\ud800b", r"a\uDFFFb", r"a\ude00b"])
async def test_half_a_surrogate_pair_is_replaced_wherever_it_stands(spelt: str) -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        await wire.initialize(rootUri="file:///code")
        query = r"\ud83d\ude00" + spelt
        body = '{"jsonrpc": "2.0", "id": "x", "method": "kibitz/search", "params": {"query": "' + query + '"}}'
        wire.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body.encode()))
        await wire.answer_to("x")
    assert app.asked == [("search", ("😀a\ufffdb", 10, ""))]


async def test_params_in_a_list_with_a_trailing_null_are_understood() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        await wire.initialize(rootUri="file:///code")
        assert (await wire.call("kibitz/search", [{"query": "x", "k": 3.0}, None]))["hits"] == []
    assert ("search", ("x", 3, "")) in app.asked


async def test_a_bug_is_answered_without_its_traceback_and_logged_without_the_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = FakeApp(error=RuntimeError("a bug"))
    async with connected(app.make) as wire:
        await wire.initialize(rootUri="file:///code")
        with caplog.at_level(logging.INFO):
            refused = await refusal(wire, "kibitz/search", {"query": "SECRET_QUERY"})
    assert refused.code == -32603
    assert refused.data is None
    assert "Traceback" not in refused.message
    assert "/" not in refused.message
    assert "a bug" in caplog.text
    assert "SECRET_QUERY" not in caplog.text


async def test_a_request_that_is_cancelled_is_answered_so_and_its_work_is_cancelled() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        await wire.initialize(rootUri="file:///code")
        app.gate.clear()
        msg_id = wire.request("kibitz/search", {"query": "x"})
        await wire.until(lambda: bool(app.asked))
        wire.notify("$/cancelRequest", {"id": msg_id})
        with pytest.raises(Refused) as caught:
            await wire.answer_to(msg_id)
        assert caught.value.code == -32800
        await wire.until(lambda: app.cancelled == ["search"])


async def test_a_cancelled_request_is_answered_before_its_work_has_let_go_and_once() -> None:
    letting_go = asyncio.Event()

    class Slow(FakeApp):
        async def search(self, *args: Any, **kwargs: Any) -> Answer:
            try:
                return await super().search(*args, **kwargs)
            finally:
                await letting_go.wait()

    app = Slow()
    app.gate.clear()
    async with connected(app.make) as wire:
        await wire.initialize(rootUri="file:///code")
        wire.send({"jsonrpc": "2.0", "id": "a", "method": "kibitz/search", "params": {"query": "x"}})
        await wire.until(lambda: bool(app.asked))
        wire.notify("$/cancelRequest", {"id": "a"})
        wire.notify("$/cancelRequest", {"id": "a"})
        with pytest.raises(Refused, match="-32800"):
            await wire.answer_to("a")
        # The id is free again, and the old request's end takes nothing from the new one.
        wire.send({"jsonrpc": "2.0", "id": "a", "method": "kibitz/search", "params": {"query": "y"}})
        await wire.until(lambda: len(app.asked) == 2)
        letting_go.set()
        app.gate.set()
        await wire.until(lambda: len(answers_to(wire, "a")) == 2)
        assert await wire.call("kibitz/status")
    assert [("error" in answer) for answer in answers_to(wire, "a")] == [True, False]


async def test_an_answer_with_the_id_of_a_request_of_the_client_harms_nothing() -> None:
    app = FakeApp()
    app.gate.clear()
    async with connected(app.make) as wire:
        await wire.initialize(rootUri="file:///code")
        asked = wire.request("kibitz/search", {"query": "x"})
        await wire.until(lambda: bool(app.asked))
        wire.send({"jsonrpc": "2.0", "id": asked, "result": None})
        wire.send({"jsonrpc": "2.0", "id": asked, "error": {"code": 1, "message": "x"}})
        app.gate.set()
        assert (await wire.answer_to(asked))["hits"] == []


async def test_an_id_that_is_under_way_cannot_be_used_twice() -> None:
    app = FakeApp()
    app.gate.clear()
    async with connected(app.make) as wire:
        await wire.initialize(rootUri="file:///code")
        asked = wire.request("kibitz/search", {"query": "x"})
        await wire.until(lambda: bool(app.asked))
        wire.send({"jsonrpc": "2.0", "id": asked, "method": "kibitz/status"})
        await wire.until(lambda: len(answers_to(wire, asked)) == 1)
        app.gate.set()
        await wire.until(lambda: len(answers_to(wire, asked)) == 2)
    assert [answer.get("error", {}).get("code") for answer in answers_to(wire, asked)] == [-32600, None]


@pytest.mark.parametrize("msg_id", [True, 1.5, {}, []])
async def test_an_id_is_a_whole_number_or_a_string(msg_id: object) -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize()
        wire.send({"jsonrpc": "2.0", "id": msg_id, "method": "kibitz/status"})
        await wire.message(lambda m: m.get("error", {}).get("code") == -32600 and m["id"] is None)


async def test_notifications_leave_nothing_behind() -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize(rootUri="file:///code")
        for number in range(50):
            wire.notify("workspace/didChangeConfiguration", {"settings": {"kibitz": {"number": number}}})
            wire.notify("$/setTrace", {"value": "off"})
        await wire.call("kibitz/status")
        protocol = wire.server.protocol
        await wire.until(lambda: not protocol.in_flight())
        assert protocol._request_futures == {}


async def test_a_request_without_an_id_that_is_refused_is_no_bug(caplog: pytest.LogCaptureFixture) -> None:
    async with connected(FakeApp(error=NoModelError("There is no model in /home/me.")).make) as wire:
        await wire.initialize(rootUri="file:///code")
        wire.notify("workspace/executeCommand", {"command": "secret"})
        wire.notify("kibitz/chat", {"question": "x"})
        await wire.call("kibitz/status")
        await wire.until(lambda: len(caplog.records) == 2)
    assert [record.exc_info for record in caplog.records] == [None, None]
    assert "secret" not in caplog.text and "/home/me" not in caplog.text


async def test_requests_documents_and_cancels_leave_nothing_behind() -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize(rootUri="file:///code")
        await wire.call("kibitz/status")
        before = asyncio.all_tasks()
        for number in range(200):
            uri = f"file:///code/{number}.py"
            document = {"textDocument": {"uri": uri}}
            wire.open(uri, "x = \n")
            tokens = {"partialResultToken": number, "workDoneToken": f"{number}"}
            cursor = {"position": at(0, 4), "context": {"triggerKind": 1}}
            asked = [
                wire.request("kibitz/chat", {"question": "x", **tokens}),
                wire.request("textDocument/inlineCompletion", {**document, **cursor}),
            ]
            if number % 2:
                wire.notify("$/cancelRequest", {"id": asked[number % 4 // 2]})
            wire.notify("textDocument/didClose", document)
            for msg_id in asked:
                with contextlib.suppress(Refused):
                    await wire.answer_to(msg_id)
        assert (await wire.call("kibitz/status"))["open_documents"] == 0
        protocol, session = wire.server.protocol, wire.server.session
        await wire.until(lambda: not protocol.in_flight() and not session.background and asyncio.all_tasks() <= before)
        assert (protocol._request_futures, session.cancellations._tasks) == ({}, {})


async def test_shutdown_cancels_what_is_under_way_and_is_answered_last() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        await wire.initialize(rootUri="file:///code")
        app.gate.clear()
        wire.notify("workspace/didChangeConfiguration", {"settings": {"kibitz": {}}})
        asked = [wire.request("kibitz/search", {"query": "x"}) for _ in range(3)]
        await wire.until(lambda: bool(app.asked))
        asked += [wire.request("kibitz/chat", {"question": "x"})]
        last = wire.request("shutdown")
        await wire.answer_to(last)
        answers = [message for message in wire.received[1:] if "method" not in message]
        assert [message["id"] for message in answers] == [*asked, last]
        assert {message["error"]["code"] for message in answers[:-1]} == {-32800}


async def test_a_wrong_setting_is_told_at_initialize() -> None:
    async with connected(FakeApp().make) as wire:
        refused = await refusal(
            wire, "initialize", {"processId": None, "capabilities": {}, "initializationOptions": ["nonsense"]}
        )
        assert refused.code == -32803
        assert "initializationOptions" in refused.message
        await wire.initialize()  # and it may try again


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(None, "utf-16"), (["utf-8", "utf-16"], "utf-8"), (["utf-32"], "utf-32"), (["utf-7"], "utf-16")],
)
async def test_the_clients_first_known_encoding_is_taken(offered: list[str] | None, chosen: str) -> None:
    capabilities = {"general": {"positionEncodings": offered}} if offered else {}
    async with connected(FakeApp().make) as wire:
        result = await wire.initialize(capabilities)
    assert result["capabilities"]["positionEncoding"] == chosen


async def test_the_list_completion_is_offered_only_to_clients_without_ghost_text() -> None:
    async with connected(FakeApp().make) as wire:
        without = (await wire.initialize())["capabilities"]
    async with connected(FakeApp().make) as wire:
        with_it = (await wire.initialize({"textDocument": {"inlineCompletion": {}}}))["capabilities"]
    assert "completionProvider" in without
    assert "completionProvider" not in with_it
    assert "inlineCompletionProvider" in with_it
    assert with_it["textDocumentSync"]["change"] == 2
    assert set(with_it["executeCommandProvider"]["commands"]) >= {"kibitz.ask", "kibitz.edit", "kibitz.index"}


async def test_without_a_folder_the_app_gets_an_empty_one_that_is_gone_at_the_end() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        await wire.initialize()
        assert app.root is not None
        assert list(app.root.iterdir()) == []
        assert (await refusal(wire, "kibitz/search", {"query": "x"})).message.startswith("No folder is open")
        assert (await refusal(wire, "kibitz/index")).message.startswith("No folder is open")
    await asyncio.sleep(0)
    assert not app.root.exists()
