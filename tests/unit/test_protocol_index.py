"""kibitz/index, and the rounds that start by themselves."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kibitz.server.config import Config
from kibitz.server.errors import ModelError
from tests.fakes.app import FakeApp
from tests.fakes.wire import ROOT, URI, Refused, Wire, connected

VERSIONED = {"workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}}}


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
