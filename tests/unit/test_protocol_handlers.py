import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.config import Config
from kibitz.server.errors import ConfigError, EditError, ModelError
from kibitz.server.rerank import SecondStage
from tests.fakes.app import FakeApp
from tests.fakes.reranker import Scripted
from tests.fakes.wire import Refused, Wire, connected

ROOT = "file:///code"
URI = "file:///code/src/a.py"
VERSIONED = {"workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}}}


def at(line: int, character: int) -> dict[str, int]:
    return {"line": line, "character": character}


def ghost_params(line: int, character: int, **context: Any) -> dict[str, Any]:
    return {
        "textDocument": {"uri": URI},
        "position": at(line, character),
        "context": {"triggerKind": 1, **context},
    }


def change(start: dict[str, int], end: dict[str, int], text: str, version: int) -> dict[str, Any]:
    return {
        "textDocument": {"uri": URI, "version": version},
        "contentChanges": [{"range": {"start": start, "end": end}, "text": text}],
    }


# -- ghost text ------------------------------------------------------------------------------------------------


async def test_ghost_text_is_inserted_at_the_cursor() -> None:
    app = FakeApp(suggestion="call()")
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "x = \ny\n", version=3)
        result = await wire.call("textDocument/inlineCompletion", ghost_params(0, 4))
    assert result == {"items": [{"insertText": "call()", "range": {"start": at(0, 4), "end": at(0, 4)}}]}
    assert app.asked == [("suggest", Snapshot("src/a.py", 3, "x = ", "\ny\n", "python"))]


async def test_ghost_text_extends_what_the_editors_list_has_selected() -> None:
    app = FakeApp(suggestion="(1)")
    chosen = {"range": {"start": at(0, 4), "end": at(0, 6)}, "text": "print"}
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "x = pr\n")
        result = await wire.call("textDocument/inlineCompletion", ghost_params(0, 6, selectedCompletionInfo=chosen))
    assert result["items"] == [{"insertText": "print(1)", "range": chosen["range"]}]
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


# -- chat, search, status --------------------------------------------------------------------------------------


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
    _, question, history, (attached,) = app.asked[0]
    assert (question, history) == ("Where?", (("user", "Hi"), ("assistant", "Hello")))
    assert (attached.label, attached.text) == ("src/a.py:1-1", "def f():\n")


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


async def test_model_trouble_in_chat_is_the_answer() -> None:
    async with connected(FakeApp(error=ModelError("The endpoint is asleep.")).make) as wire:
        await wire.initialize(rootUri=ROOT)
        with pytest.raises(Refused) as caught:
            await wire.call("kibitz/chat", {"question": "Where?"})
    assert (caught.value.code, caught.value.message) == (-32803, "The endpoint is asleep.")


async def test_only_a_search_that_asks_for_it_is_reranked() -> None:
    hits = [Hit(Chunk(f"{n}.py", Span(0, 1), f"={n}"), 3.0 - n, ("lexical",)) for n in range(3)]
    app = FakeApp(hits=hits)
    app.second_stage = SecondStage(Config(rerank="scripted", rerank_weight=1.0), Scripted())
    async with connected(app.make) as wire:
        await wire.initialize(rootUri="file:///code")
        typed = await wire.call("kibitz/search", {"query": "f", "k": 2})
        whole = await wire.call("kibitz/search", {"query": "f", "k": 2, "rerank": True})
    assert [hit["path"] for hit in typed["hits"]][:2] == ["0.py", "1.py"]
    assert [hit["path"] for hit in whole["hits"]] == ["2.py", "1.py"]
    assert (typed["reranked_by"], whole["reranked_by"]) == ("", "scripted")


async def test_hits_name_their_file_and_lines() -> None:
    chunk = Chunk("src/a b.py", Span(4, 6), "def f():\n    pass\n", "function", "python", "f")
    app = FakeApp(hits=[Hit(chunk, 1.5, ("lexical", "vector"))])
    async with connected(app.make) as wire:
        await wire.initialize(workspaceFolders=[{"uri": ROOT, "name": "work"}])
        (hit,) = (await wire.call("kibitz/search", {"query": "f", "k": 5, "within": "src/"}))["hits"]
    assert app.asked == [("search", ("f", 5, "src/"))]
    assert hit == {
        "path": "src/a b.py",
        "uri": "file:///code/src/a%20b.py",
        "start_line": 5,
        "end_line": 6,
        "range": {"start": at(4, 0), "end": at(6, 0)},
        "symbol": "f",
        "kind": "function",
        "language": "python",
        "score": 1.5,
        "legs": ["lexical", "vector"],
        "stale": False,
        "text": "def f():\n    pass\n",
    }


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


# -- edits -----------------------------------------------------------------------------------------------------

TEXT = "one\ntwo\nthree\nfour\n"


class Editor:
    """The client's half of workspace/applyEdit: it remembers the edits and answers as it is told."""

    def __init__(self, wire: Wire, answer: Any = None) -> None:
        self.edits: list[dict[str, Any]] = []
        self.answer = {"applied": True} if answer is None else answer
        wire.answers["workspace/applyEdit"] = self.apply

    def apply(self, params: dict[str, Any]) -> Any:
        self.edits.append(params["edit"])
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def edit_params(first: int, last: int, **more: Any) -> dict[str, Any]:
    return {
        "textDocument": {"uri": URI},
        "instruction": "shout",
        "range": {"start": at(first, 0), "end": at(last, 0)},
        **more,
    }


async def test_an_edit_is_applied_as_the_lines_that_change_at_the_version_it_is_for() -> None:
    async with connected(FakeApp().make) as wire:
        editor = Editor(wire)
        await wire.initialize(VERSIONED, rootUri=ROOT)
        wire.open(URI, TEXT, version=5)
        result = await wire.call("kibitz/edit", edit_params(1, 2, partialResultToken="p"))
    assert result["applied"] is True
    assert "-two\n+TWO" in result["diff"]
    assert editor.edits == [
        {
            "documentChanges": [
                {
                    "textDocument": {"uri": URI, "version": 5},
                    "edits": [{"range": {"start": at(1, 0), "end": at(2, 0)}, "newText": "TWO\n"}],
                }
            ]
        }
    ]
    assert wire.notifications("$/progress") == [{"token": "p", "value": {"delta": "thinking"}}]


async def test_annotations_and_plain_changes_follow_what_the_client_can_do() -> None:
    annotations = {"documentChanges": True, "changeAnnotationSupport": {}}
    async with connected(FakeApp().make) as wire:
        editor = Editor(wire)
        await wire.initialize({"workspace": {"applyEdit": True, "workspaceEdit": annotations}}, rootUri=ROOT)
        wire.open(URI, TEXT)
        await wire.call("kibitz/edit", edit_params(1, 2, confirm=True))
    (edit,) = editor.edits
    assert edit["changeAnnotations"] == {"kibitz": {"label": "Kibitz: shout", "needsConfirmation": True}}
    assert edit["documentChanges"][0]["edits"][0]["annotationId"] == "kibitz"
    async with connected(FakeApp().make) as wire:
        editor = Editor(wire)
        await wire.initialize({"workspace": {"applyEdit": True}}, rootUri=ROOT)
        wire.open(URI, TEXT)
        await wire.call("kibitz/edit", edit_params(1, 2))
    assert list(editor.edits[0]) == ["changes"]


async def test_an_edit_follows_what_was_typed_elsewhere_meanwhile() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        editor = Editor(wire)
        await wire.initialize(VERSIONED, rootUri=ROOT)
        wire.open(URI, TEXT)
        app.gate.clear()
        asked = wire.request("kibitz/edit", edit_params(2, 3))
        await wire.until(lambda: bool(app.asked))
        wire.notify("textDocument/didChange", change(at(0, 0), at(0, 0), "zero\nhalf\n", 2))
        app.gate.set()
        assert (await wire.answer_to(asked))["applied"] is True
    (changed,) = editor.edits[0]["documentChanges"]
    assert changed["textDocument"]["version"] == 2
    assert changed["edits"] == [{"range": {"start": at(4, 0), "end": at(5, 0)}, "newText": "THREE\n"}]


@pytest.mark.parametrize("meanwhile", ["typed", "closed"])
async def test_an_edit_that_no_longer_fits_is_refused_and_nothing_is_sent(meanwhile: str) -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        editor = Editor(wire)
        await wire.initialize(VERSIONED, rootUri=ROOT)
        wire.open(URI, TEXT)
        app.gate.clear()
        asked = wire.request("kibitz/edit", edit_params(2, 3))
        await wire.until(lambda: bool(app.asked))
        if meanwhile == "typed":
            wire.notify("textDocument/didChange", change(at(2, 0), at(2, 1), "T", 2))
        else:
            wire.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
        app.gate.set()
        with pytest.raises(Refused, match="-32803"):
            await wire.answer_to(asked)
    assert editor.edits == []


async def test_an_editor_that_refuses_is_believed() -> None:
    for answer, reason in [
        ({"applied": False, "failureReason": "read-only"}, "read-only"),
        ({"applied": False}, "The editor did not apply the edit."),
        (Refused({"code": -1, "message": "stale version"}), "stale version"),
        ("nonsense", "The editor's answer was not understood."),
    ]:
        async with connected(FakeApp().make) as wire:
            editor = Editor(wire, answer)
            await wire.initialize(VERSIONED, rootUri=ROOT)
            wire.open(URI, TEXT)
            result = await wire.call("kibitz/edit", edit_params(1, 2))
        assert (result["applied"], result["failureReason"]) == (False, reason)
        assert len(editor.edits) == 1


async def test_an_edit_that_crossed_a_key_is_sent_once_more_for_the_new_version() -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize(VERSIONED, rootUri=ROOT)
        wire.open(URI, TEXT)
        versions: list[int] = []

        def refuse_the_first(params: dict[str, Any]) -> dict[str, Any]:
            versions.append(params["edit"]["documentChanges"][0]["textDocument"]["version"])
            if len(versions) == 1:
                wire.notify("textDocument/didChange", change(at(0, 0), at(0, 0), "zero\n", 2))
            return {"applied": len(versions) > 1}

        wire.answers["workspace/applyEdit"] = refuse_the_first
        assert (await wire.call("kibitz/edit", edit_params(1, 2)))["applied"] is True
    assert versions == [1, 2]


async def test_an_edit_is_only_proposed_when_asked_so_or_when_the_editor_cannot_apply() -> None:
    async with connected(FakeApp().make) as wire:
        editor = Editor(wire)
        await wire.initialize(VERSIONED, rootUri=ROOT)
        wire.open(URI, TEXT)
        proposed = await wire.call("kibitz/edit", edit_params(1, 2, apply=False))
    assert editor.edits == []
    assert proposed["applied"] is False
    assert proposed["edit"]["documentChanges"][0]["edits"][0]["newText"] == "TWO\n"
    async with connected(FakeApp().make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, TEXT)
        result = await wire.call("kibitz/edit", edit_params(1, 2))
    assert result["failureReason"] == "The editor does not let a server apply edits."
    assert result["edit"]["changes"][URI]


async def test_edit_trouble_is_a_sentence() -> None:
    async with connected(FakeApp(error=EditError("The answer holds no edit.")).make) as wire:
        await wire.initialize(VERSIONED, rootUri=ROOT)
        wire.open(URI, TEXT, version=4)
        for params, says in [
            (edit_params(1, 2), "The answer holds no edit."),
            ({**edit_params(1, 2), "textDocument": {"uri": "file:///code/not-open.py"}}, "not open"),
            ({**edit_params(1, 2), "textDocument": {"uri": URI, "version": 3}}, "version 4, not 3"),
        ]:
            with pytest.raises(Refused, match="-32803") as caught:
                await wire.call("kibitz/edit", params)
            assert says in caught.value.message


async def test_an_edit_that_changes_nothing_says_so() -> None:
    async with connected(FakeApp(edits=lambda text: text).make) as wire:
        await wire.initialize(VERSIONED, rootUri=ROOT)
        wire.open(URI, TEXT)
        result = await wire.call("kibitz/edit", edit_params(1, 2))
    assert result == {"applied": False, "diff": "", "failureReason": "The model proposed no change."}


# -- the index -------------------------------------------------------------------------------------------------

BAR = {"window": {"workDoneProgress": True}}


def progress_of(wire: Wire) -> list[dict[str, Any]]:
    return [params["value"] for params in wire.notifications("$/progress")]


async def test_opening_a_workspace_indexes_it_with_a_progress_bar() -> None:
    app = FakeApp(config=Config())
    async with connected(app.make) as wire:
        await wire.initialize(BAR, rootUri=ROOT)
        await wire.message(lambda m: m.get("params") == {"state": "ready", "message": "Indexed 2 files."})
    assert [m["method"] for m in wire.received if "id" in m and "method" in m] == ["window/workDoneProgress/create"]
    begin, *reports, end = progress_of(wire)
    assert (begin["kind"], begin["cancellable"], end["kind"]) == ("begin", True, "end")
    assert [(report["message"], report["percentage"]) for report in reports] == [
        ("reading files 1/2", 50),
        ("embedding 2/2", 100),
    ]


async def test_a_client_without_progress_bars_gets_none() -> None:
    app = FakeApp(config=Config())
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        await wire.message(lambda m: m.get("params") == {"state": "ready", "message": "Indexed 2 files."})
    assert progress_of(wire) == []


async def test_indexing_reports_to_the_clients_own_token_and_answers_with_the_report() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        await wire.initialize(BAR, rootUri=ROOT)
        report = await wire.call("kibitz/index", {"workDoneToken": "mine"})
        by_command = await wire.call("workspace/executeCommand", {"command": "kibitz.index"})
    assert report == by_command
    assert (report["files"], report["chunks"], report["skipped"]) == (2, 5, {"binary": 1})
    assert [p["value"]["kind"] for p in wire.notifications("$/progress") if p["token"] == "mine"] == [
        *("begin", "report", "report", "end")
    ]


async def test_a_second_request_joins_the_round_under_way() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        app.gate.clear()
        one, two = wire.request("kibitz/index"), wire.request("kibitz/index")
        await wire.until(lambda: bool(app.asked))
        assert (await wire.call("kibitz/status"))["indexing"] is True
        wire.notify("$/cancelRequest", {"id": one})
        with pytest.raises(Refused, match="-32800"):
            await wire.answer_to(one)
        app.gate.set()
        assert (await wire.answer_to(two))["files"] == 2
    assert (app.index_rounds, app.cancelled) == (1, [])


async def test_the_users_cancel_stops_the_round() -> None:
    app = FakeApp(config=Config())
    app.gate.clear()
    async with connected(app.make) as wire:
        await wire.initialize(BAR, rootUri=ROOT)
        begin = await wire.message(lambda m: m.get("method") == "$/progress")
        wire.notify("window/workDoneProgress/cancel", {"token": begin["params"]["token"]})
        await wire.until(lambda: app.cancelled == ["index"])
        await wire.message(lambda m: m.get("params", {}).get("message") == "Indexing was stopped.")
    assert progress_of(wire)[-1] == {"kind": "end", "message": "Cancelled"}


async def test_indexing_trouble_in_the_background_is_a_state_and_not_a_popup() -> None:
    app = FakeApp(config=Config(), error=ModelError("The embedding endpoint is asleep."))
    async with connected(app.make) as wire:
        await wire.initialize(BAR, rootUri=ROOT)
        await wire.message(lambda m: m.get("params", {}).get("state") == "error")
        with pytest.raises(Refused, match="The embedding endpoint is asleep"):
            await wire.call("kibitz/index")
    assert wire.notifications("window/showMessage") == []


async def test_saving_brings_the_index_up_to_date_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kibitz.server.lsp.handlers.follow._GATHER_S", 0.01)
    app = FakeApp(config=Config())
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        await wire.until(lambda: app.index_rounds == 1)
        for _ in range(5):
            wire.notify("textDocument/didSave", {"textDocument": {"uri": URI}})
        await wire.until(lambda: app.index_rounds == 2)
        await asyncio.sleep(0.05)
    assert app.index_rounds == 2


async def test_what_changes_on_disk_starts_a_round(tmp_path: Path) -> None:
    app = FakeApp(config=Config())
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=tmp_path.as_uri())
        await wire.until(lambda: app.index_rounds == 1)
        assert (await wire.call("kibitz/status"))["watching"] == "events"
        (tmp_path / "a.py").write_text("a\n", encoding="utf-8")
        await wire.until(lambda: app.index_rounds == 2)


async def test_changes_while_a_round_runs_make_one_further_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kibitz.server.lsp.handlers.follow._GATHER_S", 0.01)
    app = FakeApp(config=Config())
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=tmp_path.as_uri())
        await wire.until(lambda: app.index_rounds == 1)
        app.gate.clear()
        (tmp_path / "a.py").write_text("a\n", encoding="utf-8")
        await wire.until(lambda: app.index_rounds == 2)
        for number in range(3):
            wire.notify("textDocument/didSave", {"textDocument": {"uri": (tmp_path / "a.py").as_uri()}})
            (tmp_path / f"{number}.py").write_text("x\n", encoding="utf-8")
            await asyncio.sleep(0.2)
        assert app.index_rounds == 2
        app.gate.set()
        await wire.until(lambda: app.index_rounds == 3)
        await asyncio.sleep(0.3)
    assert app.index_rounds == 3


@pytest.mark.parametrize(("config", "rounds"), [(Config(watch=False), 1), (Config(index_on_start=False), 0)])
async def test_a_workspace_is_only_followed_where_that_is_wanted(tmp_path: Path, config: Config, rounds: int) -> None:
    app = FakeApp(config=config)
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=tmp_path.as_uri())
        await wire.call("kibitz/status")
        (tmp_path / "a.py").write_text("a\n", encoding="utf-8")
        await asyncio.sleep(0.6)
        assert (await wire.call("kibitz/status"))["watching"] == "off"
    assert app.index_rounds == rounds


async def test_it_is_said_why_a_workspace_is_polled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kibitz.indexer.watch._is_deaf", lambda root: True)
    monkeypatch.setattr("kibitz.indexer.watch.POLL_S", 0.05)
    app = FakeApp(config=Config())
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=tmp_path.as_uri())
        await wire.until(lambda: app.index_rounds == 1)
        said = (await wire.call("kibitz/status"))["watching"]
        assert said.startswith("Watching by polling, because ")
        assert [note["message"] for note in wire.notifications("window/logMessage")] == [said]
        (tmp_path / "a.py").write_text("a\n", encoding="utf-8")
        await wire.until(lambda: app.index_rounds == 2)


async def test_another_folder_is_followed_instead(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    app = FakeApp(config=Config())
    folder = {"uri": one.as_uri(), "name": "one"}
    async with connected(app.make) as wire:
        await wire.initialize(workspaceFolders=[folder])
        await wire.until(lambda: app.index_rounds == 1)
        event = {"removed": [folder], "added": [{"uri": two.as_uri(), "name": "two"}]}
        wire.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        await wire.until(lambda: app.index_rounds == 2)
        (one / "a.py").write_text("a\n", encoding="utf-8")
        await asyncio.sleep(0.6)
        assert app.index_rounds == 2
        (two / "a.py").write_text("a\n", encoding="utf-8")
        await wire.until(lambda: app.index_rounds == 3)


# -- settings and folders --------------------------------------------------------------------------------------


async def test_settings_that_change_make_a_new_app_and_wrong_ones_are_shown() -> None:
    apps: list[FakeApp] = []

    def make(root: Any, options: Any) -> FakeApp:
        if "wrong" in options:
            raise ConfigError("editor names an unknown setting: wrong.")
        apps.append(FakeApp().make(root, options))
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
        assert await wire.call("kibitz/search", {"query": "x"}) == {"hits": [], "reranked_by": "", "note": ""}


async def test_the_log_never_holds_the_document(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", logger="kibitz"):
        async with connected(FakeApp(error=RuntimeError("a bug")).make) as wire:
            await wire.initialize(rootUri=ROOT)
            wire.open(URI, "SECRET_TEXT")
            wire.notify("textDocument/didChange", {"textDocument": {"uri": URI}, "contentChanges": "SECRET_TEXT"})
            unopened = {"textDocument": {"uri": "file:///no", "version": 1}}
            wire.notify("textDocument/didChange", {**change(at(9, 9), at(9, 9), "SECRET_TEXT", 2), **unopened})
            with pytest.raises(Refused):
                await wire.call("kibitz/edit", edit_params(0, 1, instruction="SECRET_TEXT"))
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("kibitz"))
    assert "SECRET_TEXT" not in ours
    assert "SECRET_TEXT" not in json.dumps([m for m in wire.received if "error" in m])


# -- code actions ----------------------------------------------------------------------------------------------


async def test_a_code_action_is_an_edit_that_the_editor_can_run_as_it_is() -> None:
    app = FakeApp()
    selection = {"start": at(1, 0), "end": at(2, 0)}
    problem = {"range": selection, "message": "two is too small"}
    async with connected(app.make) as wire:
        editor = Editor(wire)
        await wire.initialize(VERSIONED, rootUri=ROOT)
        wire.open(URI, TEXT)
        params = {"textDocument": {"uri": URI}, "range": selection, "context": {"diagnostics": [problem]}}
        fix, document = await wire.call("textDocument/codeAction", params)
        assert (fix["kind"], document["kind"]) == ("quickfix", "refactor.rewrite")
        assert "two is too small" in fix["title"]
        command = {name: fix["command"][name] for name in ("command", "arguments")}
        assert (await wire.call("workspace/executeCommand", command))["applied"] is True
    ((_, (instruction, _)),) = app.asked
    assert instruction == "Fix this problem: two is too small"
    assert len(editor.edits) == 1


@pytest.mark.parametrize(
    ("only", "kinds"),
    [(["quickfix"], ["quickfix"]), (["refactor"], ["refactor.rewrite"]), (["source"], [])],
)
async def test_only_the_wanted_kinds_are_offered(only: list[str], kinds: list[str]) -> None:
    selection = {"start": at(1, 0), "end": at(2, 0)}
    async with connected(FakeApp().make) as wire:
        await wire.initialize(VERSIONED, rootUri=ROOT)
        wire.open(URI, TEXT)
        context = {"diagnostics": [{"range": selection, "message": "no"}], "only": only}
        params = {"textDocument": {"uri": URI}, "range": selection, "context": context}
        assert [a["kind"] for a in await wire.call("textDocument/codeAction", params)] == kinds
