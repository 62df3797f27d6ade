"""What was open and changed lately is known to the app of the folder, and to no other."""

from tests.fakes.app import FakeApp
from tests.fakes.wire import ROOT, at, connected


def opened(uri: str, text: str) -> dict[str, object]:
    return {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": text}}


async def test_documents_and_changes_of_a_folder_are_remembered_and_those_of_elsewhere_not() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.notify("textDocument/didOpen", opened(f"{ROOT}/a.py", "one\ntwo\n"))
        wire.notify("textDocument/didOpen", opened("file:///elsewhere/b.py", "three\n"))
        for version, (column, text) in enumerate([(3, "!"), (4, "?")], start=2):
            change = {"range": {"start": at(1, column), "end": at(1, column)}, "text": text}
            document = {"uri": f"{ROOT}/a.py", "version": version}
            wire.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        await wire.call("kibitz/status")
        assert app.recent.documents("") == [("a.py", "one\ntwo!?\n")]
        assert [(one.path, one.text) for one in app.recent.edits()] == [("a.py", "-two\n+two!?\n")]
        wire.notify("textDocument/didClose", {"textDocument": {"uri": f"{ROOT}/a.py"}})
        await wire.call("kibitz/status")
        assert app.recent.documents("") == [("a.py", None)]
