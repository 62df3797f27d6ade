"""Several workspace folders: which app answers, how answers become one, and folders and files that come and go."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.answer import Answer, Freshness
from kibitz.indexer.round import Report
from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.server.chat.question import Question
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.config import Config
from kibitz.server.errors import ConfigError
from kibitz.server.lsp.folders import Folder, Folders
from kibitz.server.lsp.merge import best_hits, freshness_of, notes_of, total
from tests.fakes.app import FakeApp
from tests.fakes.wire import Refused, at, connected

ONE, TWO, INNER = "file:///code/one", "file:///code/two", "file:///code/one/inner"
BAR = {"window": {"workDoneProgress": True}}


class Apps:
    """A fake app for each root, by the folder's name."""

    def __init__(self, config: Config | None = None, wrong: str = "") -> None:
        self.of: dict[str, FakeApp] = {}
        self.made: list[str] = []
        self._config = config or Config(index_on_start=False)
        self._wrong = wrong

    def make(self, root: Path, options: Mapping[str, Any], narrowed: Mapping[str, Any]) -> FakeApp:
        if root.name == self._wrong:
            raise ConfigError("kibitz.toml names an unknown setting: x.")
        app = FakeApp(config=self._config, hits=[hit(f"{root.name}.py", 1.0)]).make(root, options, narrowed)
        self.of[root.name] = app
        self.made.append(root.name)
        return app


def hit(path: str, score: float) -> Hit:
    return Hit(Chunk(path, Span(0, 1), "x"), score, ("lexical",))


def folders(*uris: str) -> list[dict[str, str]]:
    return [{"uri": uri, "name": uri.rpartition("/")[2]} for uri in uris]


def moved(*, removed: list[str] | None = None, added: list[str] | None = None) -> dict[str, Any]:
    return {"event": {"removed": folders(*removed or ()), "added": folders(*added or ())}}


# -- which app answers -----------------------------------------------------------------------------------------


async def test_a_document_is_answered_by_the_innermost_folder_that_holds_it() -> None:
    apps = Apps()
    wanted = {
        f"{ONE}/a.py": ("one", "a.py"),
        f"{INNER}/b.py": ("inner", "b.py"),
        f"{TWO}/c/d.py": ("two", "c/d.py"),
        "file:///code/onestop/e.py": ("one", "e.py"),  # outside of all: the first, by its name alone
        "untitled:Untitled-1": ("one", "Untitled-1"),
    }
    async with connected(apps.make) as wire:
        await wire.initialize(workspaceFolders=folders(ONE, TWO, INNER))
        for uri, (name, path) in wanted.items():
            wire.open(uri, "x = \n")
            asked = {"textDocument": {"uri": uri}, "position": at(0, 4), "context": {"triggerKind": 2}}
            await wire.call("textDocument/inlineCompletion", asked)
            assert apps.of[name].asked.pop() == ("suggest", Snapshot(path, 1, "x = ", "\n", "python"))
            await wire.call("kibitz/edit", {"textDocument": {"uri": uri}, "instruction": "x", "apply": False})
            assert apps.of[name].asked.pop()[1][1].path == path
    assert [app.asked for app in apps.of.values()] == [[], [], []]
    assert all(app.closed for app in apps.of.values())


async def test_a_question_is_about_the_folder_it_names_or_that_of_its_attachments_or_the_first() -> None:
    apps = Apps()
    document = {"textDocument": {"uri": f"{TWO}/c.py"}}
    async with connected(apps.make) as wire:
        await wire.initialize(workspaceFolders=folders(ONE, TWO))
        wire.open(f"{TWO}/c.py", "x\n")
        for params, name in (
            ({}, "one"),
            ({"attachments": [document]}, "two"),
            ({"folder": TWO}, "two"),
            ({"folder": f"{ONE}/any.py", "attachments": [document]}, "one"),
        ):
            await wire.call("kibitz/chat", {"question": "?", **params})
            assert [name for name, app in apps.of.items() if app.asked] == [name]
            await wire.call("kibitz/prompt", {"kind": "ask", "question": "?", **params})
            assert len([asked for asked in apps.of[name].asked if isinstance(asked[1], Question)]) == 2
            apps.of[name].asked.clear()
        with pytest.raises(Refused, match="-32602: folder is not"):
            await wire.call("kibitz/chat", {"question": "?", "folder": "file:///elsewhere"})


async def test_a_search_asks_all_folders_or_the_one_that_it_names() -> None:
    apps = Apps()
    async with connected(apps.make) as wire:
        await wire.initialize(workspaceFolders=folders(ONE, TWO))
        apps.of["two"].hits = [hit("two.py", 3.0), hit("last.py", 0.5)]
        apps.of["two"].notes = ("A note.",)
        both = await wire.call("kibitz/search", {"query": "x"})
        most = await wire.call("kibitz/search", {"query": "x", "k": 2})
        one = await wire.call("kibitz/search", {"query": "x", "folder": ONE})
        with pytest.raises(Refused, match="-32602"):
            await wire.call("kibitz/search", {"query": "x", "folder": "nonsense"})
    assert [h["uri"] for h in both["hits"]] == [f"{TWO}/two.py", f"{ONE}/one.py", f"{TWO}/last.py"]
    assert both["notes"] == ["two: A note."]
    assert [h["path"] for h in most["hits"]] == ["two.py", "one.py"]
    assert [h["path"] for h in one["hits"]] == ["one.py"]


async def test_indexing_all_folders_sums_what_was_done_and_tells_of_each() -> None:
    apps = Apps()
    async with connected(apps.make) as wire:
        await wire.initialize(workspaceFolders=folders(ONE, TWO))
        report = await wire.call("kibitz/index")
        one = await wire.call("kibitz/index", {"folder": TWO})
        status = await wire.call("kibitz/status")
    assert (report["files"], report["skipped"]) == (4, {"binary": 2})
    assert [(each["uri"], each["files"]) for each in report["folders"]] == [(ONE, 2), (TWO, 2)]
    assert [each["uri"] for each in one["folders"]] == [TWO]
    assert {name: app.index_rounds for name, app in apps.of.items()} == {"one": 1, "two": 2}
    assert [(each["uri"], each["root"]) for each in status["folders"]] == [(ONE, "/code/one"), (TWO, "/code/two")]
    assert status["root"] == "/code/one"


async def test_the_folders_are_indexed_in_turn_each_with_a_bar_of_its_own() -> None:
    class Apart(Apps):
        working = 0

        def make(self, root: Path, options: Mapping[str, Any], narrowed: Mapping[str, Any]) -> FakeApp:
            app = super().make(root, options, narrowed)
            index = app.index

            async def alone(on_progress: Any, *, rebuild: bool = False) -> Report:
                Apart.working += 1
                assert Apart.working == 1
                await asyncio.sleep(0.02)
                report = await index(on_progress, rebuild=rebuild)
                Apart.working -= 1
                return report

            app.index = alone  # type: ignore[method-assign]
            return app

    apps = Apart(Config(watch=False))
    async with connected(apps.make) as wire:
        await wire.initialize(BAR, workspaceFolders=folders(ONE, TWO, INNER))
        await wire.message(lambda m: m.get("params", {}).get("state") == "ready")
        ends = wire.notifications("$/progress")
    titles = [p["value"]["title"] for p in ends if p["value"]["kind"] == "begin"]
    assert titles == ["Kibitz: indexing one", "Kibitz: indexing two", "Kibitz: indexing inner"]
    assert len({p["token"] for p in ends}) == 3
    states = [note["state"] for note in wire.notifications("kibitz/status")]
    assert states == ["indexing", "ready"]  # ready only when all are


# -- folders that come and go ----------------------------------------------------------------------------------


async def test_folders_are_opened_and_closed_without_touching_the_others() -> None:
    apps = Apps()
    async with connected(apps.make) as wire:
        await wire.initialize(workspaceFolders=folders(ONE, TWO))
        one, two = apps.of["one"], apps.of["two"]
        wire.notify("workspace/didChangeWorkspaceFolders", moved(removed=[ONE], added=[INNER, TWO, "git:/x"]))
        await wire.until(lambda: one.closed)
        status = await wire.call("kibitz/status")
        assert [each["uri"] for each in status["folders"]] == [TWO, INNER]
        assert apps.made == ["one", "two", "inner"]
        assert not two.closed
        wire.notify("workspace/didChangeWorkspaceFolders", moved(removed=[TWO, INNER, ONE]))
        await wire.until(lambda: two.closed)
        assert (await wire.call("kibitz/status"))["folders"] == []
        with pytest.raises(Refused, match="No folder is open"):
            await wire.call("kibitz/search", {"query": "x"})
        nowhere = apps.of[apps.made[-1]]
        wire.notify("workspace/didChangeWorkspaceFolders", moved(added=[ONE]))
        await wire.until(lambda: nowhere.closed)
        assert (await wire.call("kibitz/search", {"query": "x"}))["hits"]
    assert nowhere.root is not None
    assert not nowhere.root.exists()


@pytest.mark.parametrize("watch", [True, False])
async def test_closing_a_folder_stops_its_round_and_lets_the_next_have_its_turn(tmp_path: Path, watch: bool) -> None:
    apps = Apps(Config(watch=watch))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = ((tmp_path / name).as_uri() for name in ("one", "two"))
    async with connected(apps.make) as wire:
        await wire.initialize(workspaceFolders=folders(one))
        apps.of["one"].gate.clear()
        await wire.until(lambda: apps.of["one"].index_rounds == 1)
        wire.notify("workspace/didChangeWorkspaceFolders", moved(added=[two]))
        await wire.until(lambda: "two" in apps.of)
        await wire.call("kibitz/status")
        assert apps.of["two"].index_rounds == 0
        wire.notify("workspace/didChangeWorkspaceFolders", moved(removed=[one]))
        await wire.until(lambda: apps.of["two"].index_rounds == 1)
        await wire.message(lambda m: m.get("params", {}).get("state") == "ready")
    assert apps.of["one"].cancelled == ["index"]


async def test_a_folder_with_a_wrong_setting_is_told_of_and_not_opened() -> None:
    apps = Apps(wrong="two")
    async with connected(apps.make) as wire:
        await wire.initialize(workspaceFolders=folders(ONE))
        wire.notify("workspace/didChangeWorkspaceFolders", moved(added=[TWO]))
        await wire.message(lambda m: m.get("method") == "window/showMessage")
        assert [each["uri"] for each in (await wire.call("kibitz/status"))["folders"]] == [ONE]


async def test_settings_reach_the_apps_of_all_folders() -> None:
    apps = Apps()
    async with connected(apps.make) as wire:
        await wire.initialize(workspaceFolders=folders(ONE, TWO), initializationOptions={"a": 1})
        wire.notify("workspace/didChangeConfiguration", {"settings": {"kibitz": {"b": 2}}})
        await wire.until(lambda: len(apps.made) == 4)
        await wire.call("kibitz/status")
    assert [dict(app.options) for app in apps.of.values()] == [{"a": 1, "b": 2}] * 2


@pytest.mark.parametrize(
    ("method", "params", "told"),
    [
        ("workspace/didCreateFiles", {"files": [{"uri": f"{ONE}/n.py"}]}, {"one": ["n.py"]}),
        ("workspace/didDeleteFiles", {"files": [{"uri": f"{TWO}/n.py"}, {"uri": "file:///no"}]}, {"two": ["n.py"]}),
        (
            "workspace/didRenameFiles",
            {"files": [{"oldUri": f"{ONE}/a.py", "newUri": f"{TWO}/b/c.py"}]},
            {"one": ["a.py"], "two": ["b/c.py"]},
        ),
        (
            "workspace/didChangeWatchedFiles",
            {"changes": [{"uri": f"{ONE}/a.py", "type": 2}, {"uri": f"{ONE}/b.py", "type": 3}]},
            {"one": ["a.py", "b.py"]},
        ),
    ],
)
async def test_files_that_the_editor_tells_of_reach_the_folder_they_are_in(
    method: str, params: dict[str, Any], told: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kibitz.server.lsp.handlers.follow._GATHER_S", 0.01)
    apps = Apps(Config(watch=False))
    async with connected(apps.make) as wire:
        await wire.initialize(workspaceFolders=folders(ONE, TWO))
        await wire.until(lambda: all(app.index_rounds == 1 for app in apps.of.values()))
        wire.notify(method, params)
        await wire.until(lambda: all(apps.of[name].index_rounds == 2 for name in told))
        await wire.until(lambda: all(apps.of[name].seen for name in told))
    assert {name: app.told[-1] for name, app in apps.of.items() if app.told} == told
    assert {name: sorted(app.seen[0]) for name, app in apps.of.items() if app.seen} == told


async def test_a_client_that_tells_of_files_is_asked_to() -> None:
    operations = {"didCreate": True, "didDelete": True, "didRename": True}
    async with connected(Apps().make) as wire:
        result = await wire.initialize({"workspace": {"fileOperations": operations}})
    workspace = result["capabilities"]["workspace"]
    assert workspace["workspaceFolders"] == {"supported": True, "changeNotifications": True}
    assert set(workspace["fileOperations"]) == set(operations)


# -- one answer from several -----------------------------------------------------------------------------------

scores = st.lists(st.floats(-2, 2, width=16), max_size=6)


def some_folders(count: int) -> list[Folder]:
    """Folders one beside the other."""

    async def make() -> list[Folder]:
        return list(Folders(FakeApp().make, [Path(f"/w/{number}") for number in range(count)], {}))

    return asyncio.run(make())


@given(st.lists(scores, min_size=1, max_size=4), st.integers(1, 12))
def test_merging_keeps_each_folders_order_and_takes_the_better_head(each: list[list[float]], k: int) -> None:
    some = some_folders(len(each))
    found = [
        (folder, Answer(tuple(hit(f"{n}.py", score) for n, score in enumerate(of_one)), ("lexical",)))
        for folder, of_one in zip(some, each, strict=True)
    ]
    merged = best_hits(found, "zzz", k)
    assert len(merged) == min(k, sum(map(len, each)))
    taken = {folder: [h for one, h in merged if one is folder] for folder in some}
    for folder, answer in found:
        assert taken[folder] == list(answer.hits[: len(taken[folder])])
    left = {folder: list(answer.hits) for folder, answer in found}
    for folder, chosen in merged:
        assert chosen.score == max(hits[0].score for hits in left.values() if hits)
        left[folder].pop(0)


def test_a_folder_that_has_nothing_fitting_does_not_come_first_whatever_its_scores() -> None:
    one, two = some_folders(2)
    unfit = Hit(Chunk("a.py", Span(0, 1), "def area(radius): ..."), 9.0, ("vector",))
    fit = Hit(Chunk("b.py", Span(0, 1), "def feed_the_crocodile(): ..."), 0.1, ("lexical",))
    found = [(one, Answer((unfit,), ("vector",))), (two, Answer((fit,), ("lexical",)))]
    assert [h for _, h in best_hits(found, "feed the crocodiles", 2)] == [fit, unfit]


def test_a_hit_that_two_folders_hold_comes_once() -> None:
    async def make() -> list[Folder]:
        return list(Folders(FakeApp().make, [Path("/w"), Path("/w/in")], {}))

    outer, inner = asyncio.run(make())
    found = [
        (outer, Answer((hit("in/a.py", 2.0), hit("b.py", 1.0)), ("lexical",))),
        (inner, Answer((hit("a.py", 3.0),), ("lexical",))),
    ]
    assert [(folder, h.chunk.path) for folder, h in best_hits(found, "zzz", 9)] == [(inner, "a.py"), (outer, "b.py")]


def test_the_oldest_answer_says_how_near_all_are() -> None:
    one, two = some_folders(2)
    near = Answer((), ("scan",), Freshness(9.0, False, 2, 1, 3), ("N.",))
    far = Answer((), ("scan",), Freshness(5.0, True, 1, 1, 0))
    assert freshness_of([(one, near), (two, far)]) == Freshness(5.0, True, 3, 2, 3)
    unknown = Answer((), ("scan",), Freshness(0.0))
    assert freshness_of([(one, near), (two, unknown)]) == Freshness(0.0, False, None, 1, 3)
    assert (notes_of([(one, near)]), notes_of([(one, near), (two, far)])) == (["N."], ["0: N."])


def test_reports_are_summed() -> None:
    one = Report(2, 5, 2, 5, 0, {"binary": 1}, 0.5, 1, lacking=2, warning="W.")
    two = Report(1, 1, 0, 0, 3, {"binary": 2, "size": 1}, 0.25, 7, rebuilt="R.")
    summed = Report(3, 6, 2, 5, 3, {"binary": 3, "size": 1}, 0.75, 7, lacking=2, warning="W.", rebuilt="R.")
    assert total([one, two]) == summed
    assert total([one]) == one
