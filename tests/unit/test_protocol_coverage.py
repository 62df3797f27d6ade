"""kibitz/files and kibitz/symbol: what is in the index and what is out, and what a cursor is in."""

import pytest

from kibitz.indexer.explain import FileStatus
from kibitz.indexer.plan import Amount, Plan
from tests.fakes.app import FakeApp
from tests.fakes.wire import ROOT, URI, Refused, at, connected

PLANNED = Plan(
    files=3,
    bytes=900,
    changed_files=1,
    removed_files=0,
    languages={"python": 3},
    skipped={"vendored": 1, "ignored:.gitignore": 2},
    total=Amount(3, 900, 225, 0.1),
    todo=Amount(1, 300, 75, 0.0),
    by_language={"python": Amount(3, 900, 225, 0.1)},
    by_rule={"vendored": Amount(folders=1), "ignored:.gitignore": Amount(2, 50, 12)},
    warning="Most source files here are Zig.",
)


async def test_sums_tell_what_is_in_and_what_is_out_and_why() -> None:
    app = FakeApp(planned=PLANNED)
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        (sums,) = (await wire.call("kibitz/files"))["folders"]
    assert sums == {
        "uri": ROOT,
        "name": "code",
        "total": {"files": 3, "folders": 0, "bytes": 900},
        "to_do": {"files": 1, "folders": 0, "bytes": 300},
        "in": [{"language": "python", "files": 3, "folders": 0, "bytes": 900}],
        "out": [
            {
                "rule": "vendored",
                "reason": "it is in a folder that a tool fetched or made",
                "files": 0,
                "folders": 1,
                "bytes": 0,
            },
            {
                "rule": "ignored:.gitignore",
                "reason": "an ignore file or the settings leave it out",
                "files": 2,
                "folders": 0,
                "bytes": 50,
            },
        ],
        "warning": "Most source files here are Zig.",
    }


async def test_the_paths_of_a_rule_or_of_a_language_are_told_up_to_a_bound() -> None:
    app = FakeApp(paths={"vendored": ["node_modules/", "venv/", "x/vendor/"], "python": ["a.py"], "": ["LICENSE"]})
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        out = await wire.call("kibitz/files", {"rule": "vendored", "most": 2})
        inside = await wire.call("kibitz/files", {"language": "python"})
        others = await wire.call("kibitz/files", {"language": ""})
        with pytest.raises(Refused, match="-32602: most must be from 1 to 10000, not 0"):
            await wire.call("kibitz/files", {"rule": "vendored", "most": 0})
    assert out == {
        "paths": [{"path": path, "uri": f"{ROOT}/{path[:-1]}"} for path in ("node_modules/", "venv/")],
        "more": 1,
    }
    assert inside == {"paths": [{"path": "a.py", "uri": f"{ROOT}/a.py"}], "more": 0}
    assert [each["path"] for each in others["paths"]] == ["LICENSE"]


async def test_one_file_is_explained() -> None:
    status = FileStatus("lib/x.js", indexed=False, rule="minified", reason="it is minified, or the map of such a file")
    app = FakeApp(statuses={"lib/x.js": status})
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        told = (await wire.call("kibitz/files", {"uri": f"{ROOT}/lib/x.js"}))["file"]
        with pytest.raises(Refused, match="-32803: There is no file y"):
            await wire.call("kibitz/files", {"uri": f"{ROOT}/y.js"})
        with pytest.raises(Refused, match="-32602: folder is not"):
            await wire.call("kibitz/files", {"uri": "file:///elsewhere/x.js"})
    assert (told["path"], told["indexed"], told["rule"], told["reason"]) == (
        "lib/x.js",
        False,
        "minified",
        status.reason,
    )


async def test_an_index_is_made_anew_once_the_round_under_way_has_ended() -> None:
    app = FakeApp()
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        app.gate.clear()
        first = wire.request("kibitz/index")
        await wire.until(lambda: bool(app.asked))
        anew = wire.request("kibitz/index", {"rebuild": True})
        await wire.call("kibitz/status")
        assert (app.index_rounds, app.rebuilds) == (1, 0)
        app.gate.set()
        await wire.answer_to(first)
        await wire.answer_to(anew)
    assert (app.index_rounds, app.rebuilds) == (2, 1)


CODE = "import os\n\n\nclass Shop:\n    # Sells.\n    def sell(self):\n        return 1\n\n\nx = 2\n"


@pytest.mark.parametrize(
    ("line", "symbol"),
    [
        (6, {"name": "Shop.sell", "kind": "method", "range": {"start": at(4, 0), "end": at(7, 0)}}),
        (3, {"name": "Shop", "kind": "class", "range": {"start": at(3, 0), "end": at(7, 0)}}),
        (9, None),
    ],
)
async def test_the_innermost_definition_around_a_cursor_is_told(line: int, symbol: object) -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open(URI, CODE)
        asked = {"textDocument": {"uri": URI}, "position": at(line, 0)}
        assert await wire.call("kibitz/symbol", asked) == {"symbol": symbol}
