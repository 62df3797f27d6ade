import json
from typing import Any

import pytest

from kibitz.prompts.templates.context import Turn
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.errors import ConfigError, ModelError
from tests.fakes.app import FakeApp
from tests.fakes.wire import ROOT, URI, Refused, at, change, connected

VERSIONED = {"workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}}}


def ghost_params(line: int, character: int, **context: Any) -> dict[str, Any]:
    return {
        "textDocument": {"uri": URI},
        "position": at(line, character),
        "context": {"triggerKind": 1, **context},
    }


# -- ghost text ------------------------------------------------------------------------------------------------


async def test_ghost_text_is_inserted_at_the_cursor() -> None:
    app = FakeApp(suggestion="call()")
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "x = \ny\n", version=3)
        result = await wire.call("textDocument/inlineCompletion", ghost_params(0, 4))
    accepted = {"title": "Accepted", "command": "kibitz.accepted", "arguments": [1]}
    where = {"start": at(0, 4), "end": at(0, 4)}
    assert result == {"items": [{"insertText": "call()", "range": where, "command": accepted}]}
    assert app.asked == [("suggest", Snapshot("src/a.py", 3, "x = ", "\ny\n", "python"))]


async def test_ghost_text_extends_what_the_editors_list_has_selected() -> None:
    app = FakeApp(suggestion="(1)")
    chosen = {"range": {"start": at(0, 4), "end": at(0, 6)}, "text": "print"}
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "x = pr\n")
        result = await wire.call("textDocument/inlineCompletion", ghost_params(0, 6, selectedCompletionInfo=chosen))
    (item,) = result["items"]
    assert (item["insertText"], item["range"]) == ("print(1)", chosen["range"])
    assert app.asked == [("suggest", Snapshot("src/a.py", 1, "x = print", "\n", "python"))]


async def test_no_suggestion_and_no_open_document_are_null() -> None:
    async with connected(FakeApp(suggestion=None).make) as wire:
        await wire.initialize(rootUri=ROOT)
        assert await wire.call("textDocument/inlineCompletion", ghost_params(0, 4)) is None
        wire.open(URI, "x")
        assert await wire.call("textDocument/inlineCompletion", ghost_params(0, 1)) is None


async def test_a_newer_completion_cancels_the_older_of_the_same_document_only() -> None:
    app = FakeApp()
    other = "file:///code/src/b.py"
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "a")
        wire.open(other, "b")
        app.gate.clear()
        elsewhere = wire.request(
            "textDocument/inlineCompletion", {**ghost_params(0, 1), "textDocument": {"uri": other}}
        )
        first = wire.request("textDocument/inlineCompletion", ghost_params(0, 1))
        await wire.until(lambda: len(app.asked) == 2)
        second = wire.request("textDocument/inlineCompletion", ghost_params(0, 1))
        with pytest.raises(Refused, match="-32800"):
            await wire.answer_to(first)
        app.gate.set()
        assert (await wire.answer_to(second))["items"]
        assert (await wire.answer_to(elsewhere))["items"]
    assert app.cancelled == ["suggest"]


async def test_the_snapshot_is_the_document_at_the_request_and_not_at_the_next_key() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "ab")
        asked = wire.request("textDocument/inlineCompletion", ghost_params(0, 1, triggerKind=2))
        # All in one piece of bytes: nothing may be looked at before the request has taken its snapshot.
        wire.notify("textDocument/didChange", change(at(0, 0), at(0, 2), "later", 2))
        await wire.answer_to(asked)
    assert app.asked == [("suggest", Snapshot("src/a.py", 1, "a", "b", "python"))]


async def test_model_trouble_in_ghost_text_is_told_once_and_not_popped_up() -> None:
    app = FakeApp(error=ModelError("The endpoint is asleep."))
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "x")
        for _ in range(3):
            assert await wire.call("textDocument/inlineCompletion", ghost_params(0, 1)) is None
        app.error = None
        assert (await wire.call("textDocument/inlineCompletion", ghost_params(0, 1)))["items"]
    assert wire.notifications("kibitz/status") == [
        {"state": "error", "message": "The endpoint is asleep."},
        {"state": "ready", "message": "The model answers again."},
    ]
    assert len(wire.notifications("window/logMessage")) == 1
    assert wire.notifications("window/showMessage") == []


async def test_the_list_completion_is_one_plain_item_that_the_word_before_the_cursor_finds() -> None:
    app = FakeApp(suggestion="t($x, ${1:y})\nnext")
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "😀 = prin\n")
        result = await wire.call("textDocument/completion", {"textDocument": {"uri": URI}, "position": at(0, 9)})
    (item,) = result["items"]
    assert item["label"] == "print($x, ${1:y})…"
    assert item["filterText"] == "prin"
    assert item["insertTextFormat"] == 1
    assert item["textEdit"] == {
        "range": {"start": at(0, 5), "end": at(0, 9)},
        "newText": "print($x, ${1:y})\nnext",
    }


# -- chat, status --------------------------------------------------------------------------------------


async def test_an_answer_streams_as_deltas_and_comes_whole_at_the_end() -> None:
    app = FakeApp(pieces=("It is in ", "a.py."))
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "def f():\n    pass\n")
        selection = {"start": at(0, 0), "end": at(1, 0)}
        params = {
            "question": "Where?",
            "history": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
            "attachments": [{"textDocument": {"uri": URI}, "range": selection}],
            "partialResultToken": "t1",
        }
        result = await wire.call("kibitz/chat", params)
    assert (result["text"], result["finish_reason"], result["citations"]) == ("It is in a.py.", "stop", [])
    assert wire.notifications("$/progress") == [
        {"token": "t1", "value": {"delta": "It is in "}},
        {"token": "t1", "value": {"delta": "a.py."}},
    ]
    _, question = app.asked[0]
    (attached,) = question.attached
    assert (question.text, question.history) == ("Where?", [Turn("user", "Hi"), Turn("assistant", "Hello")])
    assert (attached.label, attached.text, attached.kind) == ("src/a.py:1-1", "def f():\n", "selection")


async def test_a_cancelled_chat_closes_the_models_stream() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        app.gate.clear()
        asked = wire.request("kibitz/ask", {"question": "Where?", "partialResultToken": 7, "workDoneToken": "w"})
        await wire.message(lambda m: m.get("params", {}).get("value") == {"delta": "Hel"})
        wire.notify("window/workDoneProgress/cancel", {"token": "w"})
        with pytest.raises(Refused, match="-32800"):
            await wire.answer_to(asked)
    assert app.cancelled == ["ask"]
    kinds = [p["value"]["kind"] for p in wire.notifications("$/progress") if p["token"] == "w"]
    assert kinds == ["begin", "end"]


async def test_an_empty_question_is_refused() -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize(rootUri=ROOT)
        with pytest.raises(Refused, match="The question is empty"):
            await wire.call("kibitz/chat", {"question": " \n"})


async def test_model_trouble_in_chat_is_the_answer() -> None:
    async with connected(FakeApp(error=ModelError("The endpoint is asleep.")).make) as wire:
        await wire.initialize(rootUri=ROOT)
        with pytest.raises(Refused) as caught:
            await wire.call("kibitz/chat", {"question": "Where?"})
    assert (caught.value.code, caught.value.message) == (-32803, "The endpoint is asleep.")


async def test_status_joins_the_apps_state_and_the_sessions() -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "x")
        status = await wire.call("kibitz/status")
        by_command = await wire.call("workspace/executeCommand", {"command": "kibitz.status"})
    assert status == by_command
    assert status == {
        "root": "/code",
        "model": "fake",
        "indexing": False,
        "state": "ready",
        "message": "",
        "open_documents": 1,
        "watching": "off",
        "folders": [{"root": "/code", "model": "fake", "uri": ROOT, "watching": "off", "indexing": False}],
    }


async def test_a_prompt_is_shown_without_a_model() -> None:
    app = FakeApp(error=ModelError("There is no model."))
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "ab")
        asked = await wire.call("kibitz/prompt", {"kind": "ask", "question": "Where is it?", "html": True})
        completed = await wire.call(
            "kibitz/prompt", {"kind": "complete", "textDocument": {"uri": URI}, "position": at(0, 1)}
        )
    assert asked["messages"] == [{"role": "user", "content": "Where is it?"}]
    assert (asked["tokens"], asked["reserved"], asked["budget"]) == (3, 10, 1000)
    assert asked["html"].startswith("<!")
    assert completed["messages"][0]["content"] == "a<cursor>b"


async def test_the_prompts_that_were_sent_last_are_told() -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize(rootUri=ROOT)
        sent = await wire.call("kibitz/prompt", {"last": 1})
        assert [prompt["text"] for prompt in sent["prompts"]] == ["prompt 2"]
        with pytest.raises(Refused, match="last must be 1 or more"):
            await wire.call("kibitz/prompt", {"last": 0})


# -- settings and folders --------------------------------------------------------------------------------------


async def test_settings_that_change_make_a_new_app_and_wrong_ones_are_shown() -> None:
    apps: list[FakeApp] = []

    def make(root: Any, options: Any, narrowed: Any) -> FakeApp:
        if "wrong" in options:
            raise ConfigError("editor names an unknown setting: wrong.")
        apps.append(FakeApp().make(root, options, narrowed))
        return apps[-1]

    async with connected(make) as wire:
        await wire.initialize(rootUri=ROOT, initializationOptions={"a": 1})
        wire.notify("workspace/didChangeConfiguration", {"settings": {"kibitz": {"b": 2}}})
        wire.notify("workspace/didChangeConfiguration", {"settings": {"kibitz": {"wrong": 2}}})
        wire.notify("workspace/didChangeConfiguration", {"settings": None})
        await wire.message(lambda m: m.get("method") == "window/showMessage")
        assert (await wire.call("kibitz/status"))["model"] == "fake"
    assert [dict(app.options) for app in apps] == [{"a": 1}, {"a": 1, "b": 2}]
    assert [app.closed for app in apps] == [True, True]


async def test_a_folder_that_is_opened_later_is_taken() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        await wire.initialize()
        event = {"added": [{"uri": ROOT, "name": "work"}], "removed": []}
        wire.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        await wire.until(lambda: str(app.root) == "/code")
        assert (await wire.call("kibitz/search", {"query": "x"}))["hits"] == []


async def test_the_log_never_holds_the_document(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", logger="kibitz"):
        async with connected(FakeApp(error=RuntimeError("a bug")).make) as wire:
            await wire.initialize(rootUri=ROOT)
            wire.open(URI, "SECRET_TEXT")
            wire.notify("textDocument/didChange", {"textDocument": {"uri": URI}, "contentChanges": "SECRET_TEXT"})
            unopened = {"textDocument": {"uri": "file:///no", "version": 1}}
            wire.notify("textDocument/didChange", {**change(at(9, 9), at(9, 9), "SECRET_TEXT", 2), **unopened})
            with pytest.raises(Refused):
                await wire.call("kibitz/edit", {"textDocument": {"uri": URI}, "instruction": "SECRET_TEXT"})
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("kibitz"))
    assert "SECRET_TEXT" not in ours
    assert "SECRET_TEXT" not in json.dumps([m for m in wire.received if "error" in m])
