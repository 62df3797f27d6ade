"""Settings that the editor is asked for, folder by folder: they may only narrow; what differs alone is built anew."""

from pathlib import Path
from typing import Any

import pytest

from kibitz.server.config import load
from kibitz.server.errors import ConfigError
from tests.fakes.app import FakeApp
from tests.fakes.wire import Refused, Wire, connected
from tests.unit.test_protocol_folders import ONE, TWO, Apps, folders, moved

ASKS = {"workspace": {"configuration": True}}


def answering(wire: Wire, settings: dict[str, Any]) -> list[Any]:
    """Let the wire answer with settings by folder; the params of what it is asked are kept."""
    asked: list[Any] = []

    def answer(params: Any) -> list[Any]:
        asked.append(params)
        return [settings.get(item.get("scopeUri", "")) for item in params["items"]]

    wire.answers["workspace/configuration"] = answer
    return asked


async def test_each_folder_is_asked_for_and_only_what_narrows_is_taken() -> None:
    apps = Apps()
    async with connected(apps.make) as wire:
        own = {"ignore": ["*.sql"], "answer_tokens": None, "base_url": "http://evil", "server": {"command": ["rm"]}}
        asked = answering(wire, {ONE: own, TWO: {}})
        await wire.initialize(ASKS, workspaceFolders=folders(ONE, TWO), initializationOptions={"a": 1})
        await wire.until(lambda: apps.made == ["one", "two", "one"])
        await wire.call("kibitz/status")
        (told,) = wire.notifications("window/logMessage")
    assert asked == [{"items": [{"scopeUri": ONE, "section": "kibitz"}, {"scopeUri": TWO, "section": "kibitz"}]}]
    assert apps.of["one"].narrowed == {"ignore": ["*.sql"]}
    assert apps.of["one"].options == {"a": 1}
    assert apps.of["two"].narrowed == {}
    assert "base_url" in told["message"] and "http://evil" not in told["message"] and "server" not in told["message"]


@pytest.mark.parametrize("settings", [None, {}, {"other": {"x": 1}}, [], "kibitz"])
async def test_a_bell_without_settings_is_an_occasion_to_ask(settings: Any) -> None:
    apps, now = Apps(), {ONE: {"max_file_bytes": 9}}
    async with connected(apps.make) as wire:
        asked = answering(wire, now)
        await wire.initialize(ASKS, workspaceFolders=folders(ONE))
        await wire.until(lambda: len(apps.made) == 2)
        wire.notify("workspace/didChangeConfiguration", {"settings": settings})
        await wire.until(lambda: len(asked) == 2)
        now[ONE] = {"max_file_bytes": 8}
        wire.notify("workspace/didChangeConfiguration", {"settings": settings})
        await wire.until(lambda: len(apps.made) == 3)  # nothing was built anew for what had not changed
        now[ONE] = {}
        wire.notify("workspace/didChangeConfiguration", {"settings": settings})
        await wire.until(lambda: len(apps.made) == 4)
    assert apps.of["one"].narrowed == {}


async def test_what_narrows_a_folder_stays_when_settings_are_sent_for_all() -> None:
    apps = Apps()
    async with connected(apps.make) as wire:
        answering(wire, {ONE: {"ignore": ["x"]}})
        await wire.initialize(ASKS, workspaceFolders=folders(ONE))
        await wire.until(lambda: len(apps.made) == 2)
        wire.notify("workspace/didChangeConfiguration", {"settings": {"kibitz": {"b": 2}}})
        await wire.until(lambda: len(apps.made) == 3)
    assert (apps.of["one"].options, apps.of["one"].narrowed) == ({"b": 2}, {"ignore": ["x"]})


async def test_a_folder_that_is_added_is_asked_for() -> None:
    apps = Apps()
    async with connected(apps.make) as wire:
        answering(wire, {TWO: {"ignore": ["x"]}})
        await wire.initialize(ASKS, workspaceFolders=folders(ONE))
        wire.notify("workspace/didChangeWorkspaceFolders", moved(added=[TWO]))
        await wire.until(lambda: apps.made == ["one", "two", "two"])
    assert apps.of["two"].narrowed == {"ignore": ["x"]}


@pytest.mark.parametrize("answer", [None, [], [1, 2], {"ignore": ["x"]}, ["x"], [{"ignore": None}]])
async def test_an_answer_that_says_nothing_changes_nothing(answer: Any) -> None:
    apps = Apps()
    async with connected(apps.make) as wire:
        wire.answers["workspace/configuration"] = lambda _: answer
        await wire.initialize(ASKS, workspaceFolders=folders(ONE))
        await wire.message(lambda m: m.get("method") == "workspace/configuration")
        await wire.call("kibitz/status")
        assert wire.notifications("window/showMessage") == []
    assert apps.made == ["one"]


async def test_a_client_that_refuses_to_answer_is_served_all_the_same() -> None:
    def refuse(_: Any) -> Any:
        raise Refused({"code": -32601, "message": "What?"})

    apps = Apps()
    async with connected(apps.make) as wire:
        wire.answers["workspace/configuration"] = refuse
        await wire.initialize(ASKS, workspaceFolders=folders(ONE))
        await wire.message(lambda m: m.get("method") == "workspace/configuration")
        await wire.call("kibitz/search", {"query": "x"})
    assert apps.made == ["one"]


async def test_a_wrong_value_is_shown_and_the_folder_goes_on_as_it_is() -> None:
    class Strict(Apps):
        def make(self, root: Path, options: Any, narrowed: Any) -> FakeApp:
            if narrowed:
                raise ConfigError("ignore in the editor's settings of the folder must be a list of strings.")
            return super().make(root, options, narrowed)

    apps = Strict()
    async with connected(apps.make) as wire:
        answering(wire, {ONE: {"ignore": 7}})
        await wire.initialize(ASKS, workspaceFolders=folders(ONE))
        await wire.message(lambda m: m.get("method") == "window/showMessage")
        await wire.call("kibitz/search", {"query": "x"})
    assert not any(m.get("error") for m in wire.received)


async def test_a_client_that_wants_to_be_asked_for_changes_is_asked() -> None:
    async with connected(Apps().make) as wire:
        await wire.initialize({"workspace": {"didChangeConfiguration": {"dynamicRegistration": True}}})
        asked = await wire.message(lambda m: m.get("method") == "client/registerCapability")
    (registered,) = asked["params"]["registrations"]
    assert registered["method"] == "workspace/didChangeConfiguration"
    assert registered.get("registerOptions") is None  # with a section some clients would send all of it


async def test_a_client_that_can_do_neither_is_asked_nothing() -> None:
    async with connected(Apps().make) as wire:
        await wire.initialize()
        wire.notify("workspace/didChangeConfiguration", {"settings": None})
        await wire.call("kibitz/status")
    assert not any("id" in message and "method" in message for message in wire.received)


def test_the_settings_of_a_folder_narrow_those_of_the_editor(tmp_path: Path) -> None:
    def loaded(narrowed: dict[str, Any]) -> Any:
        return load(None, {}, options={"ignore": ["a"], "workers": 2}, narrowed=narrowed, user_file=tmp_path / "none")

    config = loaded({"ignore": ["b"], "workers": 9, "max_file_bytes": 10})
    assert (config.ignore, config.workers, config.max_file_bytes) == (("a", "b"), 2, 10)
    with pytest.raises(ConfigError, match="may only narrow, so it cannot set base_url"):
        loaded({"base_url": "http://evil"})
