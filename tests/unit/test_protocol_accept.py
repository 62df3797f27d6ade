"""Ghost text over the wire once it is there: typed through, taken whole or in part, asked for several at a time."""

from typing import Any

import pytest

from tests.fakes.app import FakeApp
from tests.fakes.wire import ROOT, URI, Refused, Wire, at, change, connected


def ghost_params(line: int, character: int, kind: int = 2) -> dict[str, Any]:
    return {"textDocument": {"uri": URI}, "position": at(line, character), "context": {"triggerKind": kind}}


async def ghost(wire: Wire, character: int, kind: int = 2) -> list[dict[str, Any]]:
    result = await wire.call("textDocument/inlineCompletion", ghost_params(0, character, kind))
    return result["items"] if result else []


async def command(wire: Wire, name: str, *arguments: Any) -> Any:
    return await wire.call("workspace/executeCommand", {"command": name, "arguments": list(arguments)})


async def test_what_is_typed_of_a_suggestion_is_not_asked_for_again() -> None:
    app = FakeApp(suggestion="call(1)")
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "x = \ny\n")
        await ghost(wire, 4)
        wire.notify("textDocument/didChange", change(at(0, 4), at(0, 4), "ca", 2))
        (item,) = await ghost(wire, 6)
        wire.notify("textDocument/didChange", change(at(0, 5), at(0, 6), "", 3))
        (back,) = await ghost(wire, 5)
    assert (item["insertText"], back["insertText"]) == ("ll(1)", "all(1)")
    assert len(app.asked) == 1


async def test_a_question_by_hand_gets_several_items() -> None:
    app = FakeApp(suggestion="one()", others=["two()"])
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "x = ")
        assert [item["insertText"] for item in await ghost(wire, 4, kind=1)] == ["one()", "two()"]


async def test_after_an_acceptance_the_next_suggestion_is_on_its_way() -> None:
    app = FakeApp(suggestion="call(1)")
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "x = \ny\n")
        (item,) = await ghost(wire, 4)
        wire.notify("textDocument/didChange", change(at(0, 4), at(0, 4), "call(1)", 2))
        assert await command(wire, item["command"]["command"], *item["command"]["arguments"]) is None
        await wire.until(lambda: len(app.asked) == 2)
        (following,) = await ghost(wire, 11)
    asked = app.asked[1][1]
    assert (asked.prefix, asked.suffix) == ("x = call(1)", "\ny\n")
    assert following["insertText"] == "call(1)"
    assert len(app.asked) == 2


@pytest.mark.parametrize(("name", "part"), [("kibitz.acceptWord", "call"), ("kibitz.acceptLine", "call(1)")])
async def test_a_part_is_inserted_by_the_editor(name: str, part: str) -> None:
    app = FakeApp(suggestion="call(1)\nmore()")
    async with connected(app.make) as wire:
        edits: list[Any] = []

        def apply(params: Any) -> Any:
            edits.append(params["edit"])
            return {"applied": True}

        wire.answers["workspace/applyEdit"] = apply
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "x = \ny\n")
        await ghost(wire, 4)
        where = {"textDocument": {"uri": URI}, "position": at(0, 4)}
        assert await command(wire, name, where) == {"applied": True, "text": part}
        nowhere = {"textDocument": {"uri": URI}, "position": at(1, 0)}
        assert (await command(wire, name, nowhere))["applied"] is False
    assert edits == [{"changes": {URI: [{"range": {"start": at(0, 4), "end": at(0, 4)}, "newText": part}]}}]


async def test_a_part_that_the_editor_does_not_insert_is_said() -> None:
    async with connected(FakeApp(suggestion="call(1)").make) as wire:
        wire.answers["workspace/applyEdit"] = lambda _: {"applied": False, "failureReason": "read-only"}
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, "x = ")
        await ghost(wire, 4)
        where = {"textDocument": {"uri": URI}, "position": at(0, 4)}
        said = await command(wire, "kibitz.acceptWord", where)
    assert said == {"applied": False, "failureReason": "read-only"}


@pytest.mark.parametrize("arguments", [[], ["1"], [True], [None]])
async def test_an_acceptance_needs_its_number(arguments: list[Any]) -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize(rootUri=ROOT)
        for name in ("kibitz.accepted", "kibitz.acceptedPart"):
            with pytest.raises(Refused, match="number"):
                await command(wire, name, *arguments)
            await command(wire, name, 4711)  # one that is forgotten is no error
