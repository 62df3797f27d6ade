"""Accepting and rejecting the changes of an edit over the wire."""

from typing import Any

import pytest

from tests.fakes.app import FakeApp
from tests.fakes.wire import ROOT, URI, Refused, Wire, at, change, connected

CLIENT = {
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}, "codeLens": {"refreshSupport": True}}
}
TEXT = "one\n\ntwo\n\nthree\n"
EDITED = "ONE\n\nTWO\n\nTHREE\n"


class Editor:
    """Applies what it is sent to a document of its own, and tells the server so, as an editor does."""

    def __init__(self, wire: Wire, text: str) -> None:
        self.wire, self.text, self.version, self.refreshed = wire, text, 1, 0
        self.versions: list[int] = []  # those that edits were for
        wire.answers["workspace/applyEdit"] = self.apply
        wire.answers["workspace/codeLens/refresh"] = self.refresh
        wire.open(URI, text)

    def refresh(self, _: Any) -> None:
        self.refreshed += 1

    def apply(self, params: dict[str, Any]) -> dict[str, Any]:
        (document,) = params["edit"]["documentChanges"]
        self.versions.append(document["textDocument"]["version"])
        for edit in sorted(document["edits"], key=lambda each: -each["range"]["start"]["line"]):
            self.type(edit["range"]["start"]["line"], edit["range"]["end"]["line"], edit["newText"])
        return {"applied": True}

    def type(self, start: int, end: int, new: str) -> None:
        lines = self.text.splitlines(keepends=True)
        self.text = "".join([*lines[:start], new, *lines[end:]])
        self.version += 1
        self.wire.notify("textDocument/didChange", change(at(start, 0), at(end, 0), new, self.version))


async def begun(wire: Wire, edited: str = EDITED) -> Editor:
    """An edit is applied, of three places if nothing else is said, and waits."""
    await wire.initialize(CLIENT, rootUri=ROOT)
    editor = Editor(wire, TEXT)
    params = {"textDocument": {"uri": URI}, "instruction": "shout", "review": True}
    assert (await wire.call("kibitz/edit", params))["applied"] is True
    assert editor.text == edited
    return editor


async def waiting(wire: Wire) -> list[tuple[int, str]]:
    found = (await wire.call("kibitz/hunks", {"textDocument": {"uri": URI}}))["hunks"]
    return [(hunk["range"]["start"]["line"], hunk["new"]) for hunk in found]


def request(wire: Wire, name: str, **argument: Any) -> int:
    params = {"command": name, "arguments": [{"textDocument": {"uri": URI}, **argument}]}
    return wire.request("workspace/executeCommand", params)


async def run(wire: Wire, name: str, **argument: Any) -> Any:
    return await wire.answer_to(request(wire, name, **argument))


async def test_each_change_has_a_lens_and_is_decided_on_alone() -> None:
    async with connected(FakeApp().make) as wire:
        editor = await begun(wire)
        assert await waiting(wire) == [(0, "ONE\n"), (2, "TWO\n"), (4, "THREE\n")]
        lenses = await wire.call("textDocument/codeLens", {"textDocument": {"uri": URI}})
        titles = [(lens["range"]["start"]["line"], lens["command"]["title"]) for lens in lenses]
        assert titles[:4] == [(0, "Accept"), (0, "Reject"), (0, "Accept all 3"), (0, "Reject all")]
        assert titles[4:] == [(2, "Accept"), (2, "Reject"), (4, "Accept"), (4, "Reject")]
        reject = lenses[5]["command"]
        done = await wire.call("workspace/executeCommand", {name: reject[name] for name in ("command", "arguments")})
        assert done == {"rejected": [2]}
        assert editor.text == "ONE\n\ntwo\n\nTHREE\n"
        await run(wire, "kibitz.acceptHunk", position=at(0, 1))
        assert await waiting(wire) == [(4, "THREE\n")]
        assert editor.refreshed == 3


async def test_what_is_typed_meanwhile_moves_them_or_takes_them_over() -> None:
    async with connected(FakeApp().make) as wire:
        editor = await begun(wire)
        editor.type(1, 1, "typed\n")
        editor.type(3, 4, "mine\n")
        assert await waiting(wire) == [(0, "ONE\n"), (5, "THREE\n")]
        await run(wire, "kibitz.rejectAll")
        assert editor.text == "one\ntyped\n\nmine\n\nthree\n"
        with pytest.raises(Refused, match="No change waits here"):
            await run(wire, "kibitz.rejectHunk", id=1)


async def test_all_are_accepted_and_a_closed_document_forgets_its_own() -> None:
    async with connected(FakeApp().make) as wire:
        editor = await begun(wire)
        assert await run(wire, "kibitz.acceptAll") == {"accepted": [1, 2, 3]}
        assert editor.text == EDITED
        assert await waiting(wire) == []
        params = {"textDocument": {"uri": URI}, "instruction": "whisper", "review": True}
        again = await wire.call("kibitz/edit", params)
        assert again["failureReason"] == "The model proposed no change."
        wire.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
        with pytest.raises(Refused, match="not open"):
            await waiting(wire)


async def test_an_edit_that_the_user_undid_waits_no_longer() -> None:
    app = FakeApp(edits=lambda text: text.replace("two\n", "").replace("one", "ONE"))
    async with connected(app.make) as wire:
        editor = await begun(wire, "ONE\n\n\nthree\n")
        assert await waiting(wire) == [(0, "ONE\n"), (2, "")]
        editor.type(2, 2, "two\n")
        assert await waiting(wire) == [(0, "ONE\n")]
        editor.type(0, 1, "one\n")
        assert editor.text == TEXT
        assert await waiting(wire) == []


async def test_changes_that_are_rejected_at_once_go_one_after_the_other() -> None:
    async with connected(FakeApp(edits=lambda text: text.upper().replace("ONE\n", "ONE\nMORE\n")).make) as wire:
        editor = await begun(wire, "ONE\nMORE\n\nTWO\n\nTHREE\n")
        both = [request(wire, "kibitz.rejectHunk", id=number) for number in (1, 3)]
        assert [await wire.answer_to(each) for each in both] == [{"rejected": [1]}, {"rejected": [3]}]
        assert editor.versions == [1, 4, 5]
        assert editor.text == "one\n\nTWO\n\nthree\n"


async def test_an_editor_that_does_not_apply_leaves_the_change_waiting() -> None:
    async with connected(FakeApp().make) as wire:
        await begun(wire)
        wire.answers["workspace/applyEdit"] = lambda _: {"applied": False, "failureReason": "Read-only."}
        assert await run(wire, "kibitz.rejectHunk", id=1) == {"rejected": [], "failureReason": "Read-only."}
        assert len(await waiting(wire)) == 3


async def test_an_editor_may_tell_what_has_changed_after_it_said_so() -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize(CLIENT, rootUri=ROOT)
        editor = Editor(wire, TEXT)
        later: list[dict[str, Any]] = []

        def say_so(params: dict[str, Any]) -> dict[str, Any]:
            later.append(params)
            return {"applied": True}

        wire.answers["workspace/applyEdit"] = say_so
        await wire.call("kibitz/edit", {"textDocument": {"uri": URI}, "instruction": "shout", "review": True})
        assert await waiting(wire) == []
        editor.apply(later[0])  # one place after the other
        assert await waiting(wire) == [(0, "ONE\n"), (2, "TWO\n"), (4, "THREE\n")]
        await wire.until(lambda: editor.refreshed == 2)
