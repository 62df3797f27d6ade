"""What pygls 2.1 does by itself that would lose text, requests or the process, and the tests that hold it off.

Each was seen. The table is the list; the tests that had no place yet are below it.
"""

import ast
import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.app import FakeApp
from tests.fakes.wire import ROOT, URI, Refused, at, change, connected

TESTS = Path(__file__).parents[1]
TRAPS = {
    "lines also end at form feeds, U+2028 and the like, so that edits hit wrong lines": [
        "unit/test_documents.py::test_a_form_feed_is_no_line_end",
        "unit/test_documents.py::test_a_document_stays_in_step_through_a_hundred_edits",
        "e2e/test_lsp_documents.py::test_a_hundred_random_edits_keep_the_document_in_step",
    ],
    "a column past the end of a last line without a line end is one short": [
        "unit/test_documents.py::test_a_column_past_the_last_line_without_an_end_appends",
    ],
    "invalid params of a known method are never answered": [
        "unit/test_protocol.py::test_invalid_params_are_answered_with_the_place_and_the_reason",
        "unit/test_protocol_fuzz.py::test_every_request_is_answered_once",
    ],
    "a custom method without params is never answered, and its params lose their keys": [
        "unit/test_protocol_traps.py::test_params_of_our_methods_may_be_absent_and_keep_odd_keys",
    ],
    "params that hold an object like a message are never answered": [
        "unit/test_protocol.py::test_params_may_hold_what_looks_like_a_message",
    ],
    "the input is read by the threads that handlers block": [
        "unit/test_protocol_traps.py::test_a_server_whose_threads_are_all_busy_hears_and_cancels",
        "e2e/test_lsp_lifecycle.py::test_a_thread_that_is_stuck_does_not_keep_the_process",
    ],
    "a handler in a thread cannot be cancelled, and a plain one blocks the loop": [
        "unit/test_protocol.py::test_a_cancelled_request_is_answered_before_its_work_has_let_go_and_once",
        "unit/test_protocol_traps.py::test_no_request_is_handled_in_the_loop_itself",
    ],
    "the exit code is always 0": [
        "unit/test_protocol.py::test_after_shutdown_only_exit_is_heard_and_the_code_is_0",
        "unit/test_protocol.py::test_exit_without_shutdown_is_code_1",
        "e2e/test_lsp_lifecycle.py::test_the_input_may_end_in_the_middle_of_a_message",
    ],
    "requests out of phase are not answered, or with a traceback": [
        "unit/test_protocol.py::test_a_request_before_initialize_is_refused",
        "unit/test_protocol.py::test_a_second_initialize_is_refused",
        "unit/test_protocol_fuzz.py::test_a_lifecycle_in_any_order_is_answered_by_its_phase",
    ],
    "exit waits for threads that are at work": [
        "e2e/test_lsp_lifecycle.py::test_a_thread_that_is_stuck_does_not_keep_the_process",
    ],
    "the parent's process is not watched": [
        "e2e/test_lsp_lifecycle.py::test_a_server_whose_editor_was_killed_ends_though_its_input_stays_open",
    ],
    "sloppy headers make the server deaf": [
        "unit/test_framing.py::test_a_sloppy_header_is_understood",
        "unit/test_framing.py::test_lost_framing_is_an_error_and_not_silence",
    ],
    "a length of gigabytes takes the memory": [
        "unit/test_protocol.py::test_lost_framing_ends_the_connection",
        "e2e/test_lsp_lifecycle.py::test_a_message_beyond_the_cap_ends_the_connection_and_not_the_memory",
    ],
    "what is no JSON pops up and is not answered": [
        "unit/test_protocol.py::test_a_message_that_is_none_is_refused_and_the_next_one_answered",
    ],
    "a bug is answered with its traceback": [
        "unit/test_protocol.py::test_a_bug_is_answered_without_its_traceback_and_logged_without_the_text",
    ],
    "a document that is not open is read from the disk, and missed there": [
        "unit/test_protocol_traps.py::test_a_document_that_is_not_open_is_never_looked_for_on_disk",
    ],
    "clients at one port share a session": [
        "e2e/test_lsp_tcp.py::test_two_clients_at_one_port_do_not_meet",
    ],
    "logs hold the bodies of messages": [
        "unit/test_protocol_traps.py::test_no_log_of_any_library_holds_a_message",
        "e2e/test_lsp_models.py::test_nothing_of_the_document_or_the_key_reaches_the_log",
    ],
}


@pytest.mark.skipif(not (TESTS / "e2e").exists(), reason="the end-to-end tests are elsewhere")
def test_each_trap_has_tests_and_all_of_them_are_there() -> None:
    assert len(TRAPS) == 18
    there: dict[str, set[str]] = {}
    for named in (name for names in TRAPS.values() for name in names):
        file, _, test = named.partition("::")
        if file not in there:
            tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
            there[file] = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert test in there[file], named


async def test_params_of_our_methods_may_be_absent_and_keep_odd_keys() -> None:
    app = FakeApp()
    odd = {"a-b": 1, "class": {"1": [None]}, "": 2}
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT, initializationOptions=odd)
        for method in ("kibitz/status", "kibitz/index"):
            wire.send({"jsonrpc": "2.0", "id": method, "method": method})
            assert await wire.answer_to(method)
        for method in ("kibitz/chat", "kibitz/search", "kibitz/edit", "kibitz/prompt"):
            wire.send({"jsonrpc": "2.0", "id": method, "method": method})
            with pytest.raises(Refused, match="-32602"):
                await wire.answer_to(method)
        assert (await wire.call("kibitz/search", {"query": "x", **odd}))["hits"] == []
    assert app.options == odd


class Busy(FakeApp):
    """Its status takes a thread until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def status(self) -> dict[str, Any]:
        self.let_go.wait(30)
        return super().status()


async def test_a_server_whose_threads_are_all_busy_hears_and_cancels() -> None:
    app = Busy()
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        asked = [wire.request("kibitz/status") for _ in range(40)]
        with pytest.raises(Refused, match="-32601"):
            await wire.call("kibitz/nothing")
        wire.open(URI, "x")
        position = {"textDocument": {"uri": URI}, "position": at(0, 1), "context": {"triggerKind": 2}}
        assert (await wire.call("textDocument/inlineCompletion", position))["items"]
        for msg_id in asked:
            wire.notify("$/cancelRequest", {"id": msg_id})
        for msg_id in asked:
            with pytest.raises(Refused, match="-32800"):
                await wire.answer_to(msg_id)
        app.let_go.set()


async def test_no_request_is_handled_in_the_loop_itself() -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize()
        handlers = wire.server.protocol.fm
        requests = [name for name in handlers.features if name.startswith("kibitz/") or "ompletion" in name]
        assert len(requests) == 14
        assert all(asyncio.iscoroutinefunction(handlers.features[name]) for name in requests)
        assert all(asyncio.iscoroutinefunction(command) for command in handlers.commands.values())


@pytest.mark.parametrize(
    "uri", ["untitled:Untitled-1", "file:///no/such/file.py", "git:/a.py?x", "", "\x00", "a" * 9999]
)
async def test_a_document_that_is_not_open_is_never_looked_for_on_disk(uri: str) -> None:
    document = {"textDocument": {"uri": uri}}
    selection = {"start": at(0, 0), "end": at(1, 0)}
    async with connected(FakeApp().make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.notify("textDocument/didSave", document)
        wire.notify("textDocument/didClose", document)
        wire.notify(
            "textDocument/didChange", {**change(at(0, 0), at(0, 0), "x", 2), "textDocument": {"uri": uri, "version": 2}}
        )
        asked = {**document, "position": at(3, 4), "context": {"triggerKind": 2}}
        assert await wire.call("textDocument/inlineCompletion", asked) is None
        assert await wire.call("textDocument/completion", {**document, "position": at(0, 0)}) is None
        action = {**document, "range": selection, "context": {"diagnostics": []}}
        assert await wire.call("textDocument/codeAction", action) == []
        for method, params in (
            ("kibitz/edit", {**document, "instruction": "x"}),
            ("kibitz/chat", {"question": "x", "attachments": [document]}),
            ("kibitz/prompt", {"kind": "edit", "instruction": "x", **document}),
        ):
            with pytest.raises(Refused, match=r"-32803: The document .* is not open"):
                await wire.call(method, params)


async def test_no_log_of_any_library_holds_a_message(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with connected(FakeApp(pieces=("SECRET_ANSWER",)).make) as wire:
            await wire.initialize(rootUri=ROOT)
            wire.open(URI, "SECRET_TEXT")
            wire.notify("textDocument/didChange", change(at(0, 0), at(0, 0), "SECRET_KEY", 2))
            await wire.call("kibitz/chat", {"question": "SECRET_QUESTION"})
            await wire.call("kibitz/edit", {"textDocument": {"uri": URI}, "instruction": "SECRET_WISH", "apply": False})
            for body in (
                b'{"SECRET_BODY',
                b'{"jsonrpc": "2.0", "id": "x", "method": "kibitz/chat", "params": "SECRET"}',
            ):
                wire.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            await wire.call("kibitz/status")
    at_work = [record for record in caplog.records if record.levelno >= logging.WARNING or "kibitz" in record.name]
    assert "SECRET" not in "\n".join(record.getMessage() for record in at_work)
