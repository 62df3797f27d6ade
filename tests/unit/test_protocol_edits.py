"""kibitz/edit and code actions: what reaches the editor."""

from typing import Any

import pytest

from kibitz.server.edit.change import Edit
from kibitz.server.errors import EditError, UnfinishedEditError
from tests.fakes.app import FakeApp
from tests.fakes.wire import ROOT, URI, Refused, Wire, at, change, connected

VERSIONED = {"workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}}}


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
    thinking, finished = wire.notifications("$/progress")
    assert thinking == {"token": "p", "value": {"delta": "thinking"}}
    assert finished == {"token": "p", "value": {"delta": "", "diff": result["diff"]}}


async def test_annotations_and_plain_changes_follow_what_the_client_can_do() -> None:
    annotations = {"documentChanges": True, "changeAnnotationSupport": {}}
    async with connected(FakeApp().make) as wire:
        editor = Editor(wire)
        await wire.initialize({"workspace": {"applyEdit": True, "workspaceEdit": annotations}}, rootUri=ROOT)
        wire.open(URI, TEXT)
        await wire.call("kibitz/edit", edit_params(1, 2, confirm=True))
    (edit,) = editor.edits
    told = {"label": "Kibitz: shout", "needsConfirmation": True, "description": "src/a.py"}
    assert edit["changeAnnotations"] == {"src/a.py": told}
    assert edit["documentChanges"][0]["edits"][0]["annotationId"] == "src/a.py"
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


async def test_an_edit_is_found_again_between_two_places_that_were_typed_at() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        editor = Editor(wire)
        await wire.initialize(VERSIONED, rootUri=ROOT)
        text = "".join(f"line {number}\n" for number in range(20))
        wire.open(URI, text)
        app.gate.clear()
        asked = wire.request("kibitz/edit", edit_params(10, 11))
        await wire.until(lambda: bool(app.asked))
        wire.notify("textDocument/didChange", change(at(0, 0), at(0, 0), "zero\n", 2))
        wire.notify("textDocument/didChange", change(at(20, 0), at(20, 0), "last\n", 3))
        app.gate.set()
        assert (await wire.answer_to(asked))["applied"] is True
    (changed,) = editor.edits[0]["documentChanges"]
    assert changed["textDocument"]["version"] == 3
    assert changed["edits"] == [{"range": {"start": at(11, 0), "end": at(12, 0)}, "newText": "LINE 10\n"}]


async def test_what_was_finished_of_an_answer_that_was_cut_is_offered_and_not_applied() -> None:
    finished = Edit("src/a.py", TEXT, TEXT.replace("two", "TWO"))
    async with connected(FakeApp(error=UnfinishedEditError("It was cut.", (finished,))).make) as wire:
        editor = Editor(wire)
        await wire.initialize(VERSIONED, rootUri=ROOT)
        wire.open(URI, TEXT, version=5)
        result = await wire.call("kibitz/edit", edit_params(1, 2))
    assert editor.edits == []
    assert (result["applied"], result["failureReason"]) == (False, "It was cut.")
    assert result["diff"] == finished.diff()
    assert result["edit"]["documentChanges"][0]["edits"][0]["newText"] == "TWO\n"


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
    assert result == {"applied": False, "diff": "", "files": [], "failureReason": "The model proposed no change."}


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


# -- several files ---------------------------------------------------------------------------------------------

OTHER = "file:///code/src/b.py"
FULL = {
    "workspace": {
        "applyEdit": True,
        "workspaceEdit": {
            "documentChanges": True,
            "resourceOperations": ["create", "rename"],
            "changeAnnotationSupport": {},
        },
    }
}


async def test_one_edit_changes_several_files_makes_one_and_renames_one() -> None:
    made = Edit("src/new.py", "", "x = 1\n", is_new=True)
    renamed = Edit("src/c.py", "c\n", "C\n", new_path="lib/d.py")
    app = FakeApp(more_edits=(made, renamed), files={"src/c.py": "c\n"})
    async with connected(app.make) as wire:
        editor = Editor(wire)
        await wire.initialize(FULL, rootUri=ROOT)
        wire.open(URI, TEXT, version=5)
        wire.open(OTHER, "b\n", version=2)
        more = {"files": [{"uri": OTHER}, {"uri": URI}], "newFiles": True, "renames": True}
        result = await wire.call("kibitz/edit", edit_params(1, 2, **more))
    assert result["applied"] is True
    assert result["files"] == [URI, OTHER, "file:///code/src/new.py", "file:///code/src/c.py"]
    (edit,) = editor.edits
    told = [
        (change.get("kind", "edit"), change.get("uri") or change.get("oldUri") or change["textDocument"])
        for change in edit["documentChanges"]
    ]
    assert told == [
        ("edit", {"uri": URI, "version": 5}),
        ("edit", {"uri": OTHER, "version": 2}),
        ("create", "file:///code/src/new.py"),
        ("edit", {"uri": "file:///code/src/new.py", "version": None}),
        ("edit", {"uri": "file:///code/src/c.py", "version": None}),
        ("rename", "file:///code/src/c.py"),
    ]
    confirmed = {path: told["needsConfirmation"] for path, told in edit["changeAnnotations"].items()}
    assert confirmed == {"src/a.py": False, "src/b.py": False, "src/new.py": True, "src/c.py": True}
    assert [change["annotationId"] for change in edit["documentChanges"] if "kind" in change] == [
        "src/new.py",
        "src/c.py",
    ]


async def test_a_file_that_changed_on_disk_meanwhile_refuses_all() -> None:
    app = FakeApp(files={"src/b.py": "b\n"})
    async with connected(app.make) as wire:
        editor = Editor(wire)
        await wire.initialize(FULL, rootUri=ROOT)
        wire.open(URI, TEXT)
        app.gate.clear()
        asked = wire.request("kibitz/edit", edit_params(1, 2, files=[{"uri": OTHER}]))
        await wire.until(lambda: bool(app.asked))
        app.files = {"src/b.py": "since\n"}
        app.gate.set()
        with pytest.raises(Refused, match="changed on disk"):
            await wire.answer_to(asked)
    assert editor.edits == []


async def test_a_file_that_was_opened_and_typed_in_meanwhile_is_edited_as_the_editor_has_it() -> None:
    app = FakeApp(files={"src/b.py": "b\n"})
    async with connected(app.make) as wire:
        editor = Editor(wire)
        await wire.initialize(FULL, rootUri=ROOT)
        wire.open(URI, TEXT)
        app.gate.clear()
        asked = wire.request("kibitz/edit", edit_params(1, 2, files=[{"uri": OTHER}]))
        await wire.until(lambda: bool(app.asked))
        wire.open(OTHER, "not saved\nb\n", version=3)
        app.gate.set()
        assert (await wire.answer_to(asked))["applied"] is True
    (_, other) = editor.edits[0]["documentChanges"]
    assert other["textDocument"] == {"uri": OTHER, "version": 3}
    assert other["edits"][0]["range"] == {"start": at(1, 0), "end": at(2, 0)}


async def test_a_further_file_that_is_open_under_another_spelling_counts_as_the_editor_has_it() -> None:
    async with connected(FakeApp(files={"src/b.py": "disk\n"}).make) as wire:
        editor = Editor(wire)
        await wire.initialize(FULL, rootUri=ROOT)
        wire.open(URI, TEXT)
        wire.open("file:///code/src/%62.py", "typed\n", version=4)
        await wire.call("kibitz/edit", edit_params(1, 2, files=[{"uri": OTHER}]))
    (_, other) = editor.edits[0]["documentChanges"]
    assert other["textDocument"] == {"uri": "file:///code/src/%62.py", "version": 4}
    assert other["edits"][0]["newText"] == "TYPED\n"


@pytest.mark.parametrize(
    "edit", [Edit("src/b.py", "", "x\n", is_new=True), Edit("src/c.py", "c\n", "c\n", new_path="src/b.py")]
)
async def test_no_file_is_put_where_one_is_open(edit: Edit) -> None:
    app = FakeApp(more_edits=(edit,), files={"src/c.py": "c\n"})
    async with connected(app.make) as wire:
        editor = Editor(wire)
        await wire.initialize(FULL, rootUri=ROOT)
        wire.open(URI, TEXT)
        wire.open(OTHER, "never saved\n")
        with pytest.raises(Refused, match="open in the editor already"):
            await wire.call("kibitz/edit", edit_params(1, 2, newFiles=True, renames=True))
    assert editor.edits == []


async def test_an_editor_that_applied_a_part_only_is_not_asked_again_and_the_user_is_told() -> None:
    async with connected(FakeApp().make) as wire:
        asked: list[Any] = []

        def half(params: dict[str, Any]) -> dict[str, Any]:
            asked.append(params)
            wire.notify("textDocument/didChange", change(at(1, 0), at(2, 0), "TWO\n", 2))
            return {"applied": False, "failureReason": "b.py is read-only.", "failedChange": 1}

        wire.answers["workspace/applyEdit"] = half
        await wire.initialize(FULL, rootUri=ROOT)
        wire.open(URI, TEXT)
        wire.open(OTHER, "b\n")
        result = await wire.call("kibitz/edit", edit_params(1, 2, files=[{"uri": OTHER}]))
    assert len(asked) == 1
    said = "The editor applied the edit to src/a.py alone: undo it there. b.py is read-only."
    assert (result["applied"], result["failureReason"]) == (False, said)


async def test_a_document_that_moved_on_in_an_edit_of_several_is_found_again_or_refuses_all() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        editor = Editor(wire)
        await wire.initialize(FULL, rootUri=ROOT)
        wire.open(URI, TEXT)
        wire.open(OTHER, "b\n")
        for typed, applied in ((change(at(0, 0), at(0, 0), "zero\n", 2, uri=OTHER), True), (None, False)):
            app.gate.clear()
            app.asked.clear()
            asked = wire.request("kibitz/edit", edit_params(1, 2, files=[{"uri": OTHER}]))
            await wire.until(lambda: bool(app.asked))
            if typed is not None:
                wire.notify("textDocument/didChange", typed)
            else:
                wire.notify("textDocument/didClose", {"textDocument": {"uri": OTHER}})
            app.gate.set()
            if applied:
                assert (await wire.answer_to(asked))["applied"] is True
            else:
                with pytest.raises(Refused, match="was closed"):
                    await wire.answer_to(asked)
    (edit,) = editor.edits
    (other,) = [each for each in edit["documentChanges"] if each["textDocument"]["uri"] == OTHER]
    assert other["edits"][0]["range"]["start"]["line"] == 1


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"newFiles": True}, "create files"),
        ({"renames": True}, "rename files"),
        ({"files": [{"uri": "file:///elsewhere/x.py"}]}, "the document's folder"),
    ],
)
async def test_what_the_editor_cannot_do_is_not_asked_of_a_model(more: dict[str, Any], says: str) -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        await wire.initialize(VERSIONED, rootUri=ROOT)
        wire.open(URI, TEXT)
        with pytest.raises(Refused, match=says):
            await wire.call("kibitz/edit", edit_params(1, 2, **more))
    assert app.asked == []
