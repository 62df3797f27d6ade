"""Notebooks: each cell is a document, which stands where its notebook stands."""

from typing import Any

from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.config import Config
from tests.fakes.app import FakeApp
from tests.fakes.wire import ROOT, Wire, at, connected

BOOK = f"{ROOT}/notes/a.ipynb"
CELLS = [f"vscode-notebook-cell:/code/notes/a.ipynb#{number}" for number in range(3)]


def cell(number: int, text: str) -> dict[str, Any]:
    return {"uri": CELLS[number], "languageId": "python", "version": 1, "text": text}


def opened(*cells: dict[str, Any]) -> dict[str, Any]:
    kinds = [{"kind": 2, "document": one["uri"]} for one in cells]
    book = {"uri": BOOK, "notebookType": "jupyter-notebook", "version": 1, "cells": kinds}
    return {"notebookDocument": book, "cellTextDocuments": list(cells)}


def changed(version: int, **cells: Any) -> dict[str, Any]:
    return {"notebookDocument": {"uri": BOOK, "version": version}, "change": {"cells": cells}}


async def prefix(wire: Wire, app: FakeApp, number: int) -> Snapshot:
    asked = {"textDocument": {"uri": CELLS[number]}, "position": at(9, 9), "context": {"triggerKind": 2}}
    await wire.call("textDocument/inlineCompletion", asked)
    snapshot: Snapshot = app.asked[-1][1]
    return snapshot


async def test_cells_are_opened_edited_moved_and_closed() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        result = await wire.initialize({"notebookDocument": {"synchronization": {}}}, rootUri=ROOT)
        assert result["capabilities"]["notebookDocumentSync"]["notebookSelector"] == [{"notebook": "*"}]
        wire.notify("notebookDocument/didOpen", opened(cell(0, "a = 1\f\n"), cell(1, "b\n")))
        assert await prefix(wire, app, 0) == Snapshot("notes/a.ipynb", 1, "a = 1\f\n", "", "python")
        edit = {"range": {"start": at(0, 6), "end": at(0, 6)}, "text": "😀"}
        text = [{"document": {"uri": CELLS[0], "version": 2}, "changes": [edit]}]
        array = {"start": 1, "deleteCount": 1, "cells": [{"kind": 2, "document": CELLS[2]}]}
        structure = {"array": array, "didOpen": [cell(2, "c\n")], "didClose": [{"uri": CELLS[1]}]}
        wire.notify("notebookDocument/didChange", changed(2, structure=structure, textContent=text))
        assert await prefix(wire, app, 0) == Snapshot("notes/a.ipynb", 2, "a = 1\f😀\n", "", "python")
        assert (await prefix(wire, app, 2)).prefix == "c\n"
        assert (await wire.call("kibitz/status"))["open_documents"] == 2
        wire.notify("notebookDocument/didClose", {"notebookDocument": {"uri": BOOK}, "cellTextDocuments": []})
        assert (await wire.call("kibitz/status"))["open_documents"] == 0
    assert wire.notifications("window/showMessage") == []


async def test_a_saved_notebook_is_looked_at_on_disk_and_its_cells_never_stand_for_the_file() -> None:
    app = FakeApp(config=Config(watch=False))
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        in_file = {**cell(0, "SECRET\n"), "uri": f"{BOOK}#one"}
        wire.notify("notebookDocument/didOpen", opened(in_file))
        wire.notify("notebookDocument/didSave", {"notebookDocument": {"uri": BOOK}})
        await wire.until(lambda: bool(app.seen))
    assert app.seen == [{"notes/a.ipynb": None}]


async def test_what_makes_no_sense_of_a_notebook_harms_nothing() -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize(rootUri=ROOT)
        for method in ("didOpen", "didChange", "didSave", "didClose"):
            for params in (None, {}, {"notebookDocument": 5}, changed(1), {"notebookDocument": {"uri": BOOK}}):
                wire.notify(f"notebookDocument/{method}", params)
        text = [{"document": {"uri": CELLS[0], "version": 2}, "changes": [{"text": "x"}]}]
        wire.notify("notebookDocument/didChange", changed(2, textContent=text))
        assert (await wire.call("kibitz/status"))["open_documents"] == 0
