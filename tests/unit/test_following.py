"""An index that keeps up by itself: when rounds start, and what is said when they fail."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kibitz.indexer.errors import IndexBusyError
from kibitz.server.following import keep_indexed
from tests.fakes.workspaces import OurApp, update, written

if TYPE_CHECKING:
    from kibitz.indexer.index import Progress, Report


class CountingApp(OurApp):
    """Counts its rounds, which do nothing but what they are told."""

    rounds: int = 0
    failure: Exception | None = None

    async def index(self, on_progress: "Callable[[Progress], None]", *, rebuild: bool = False) -> "Report":
        from kibitz.indexer.index import Report

        with self._unseen.round():
            self.rounds += 1
            if self.failure is not None:
                raise self.failure
        return Report(1, 1, 1, 1, 0, {}, 0.1, 1)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CountingApp:
    monkeypatch.setattr("kibitz.server.following.GATHER_S", 0.01)
    return CountingApp.of(written(tmp_path / "work", {"a.py": "a = 1\n"}))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - anything may be waited for
            await asyncio.sleep(0.01)


async def following(app: CountingApp, then: Callable[[], bool]) -> list[str]:
    """Follow until something holds; what was said."""
    said: list[str] = []
    task = asyncio.create_task(keep_indexed(app, said.append))
    try:
        await until(then)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return said


async def test_without_an_index_one_is_made_whatever_the_settings_say(app: CountingApp) -> None:
    app.config = replace(app.config, index_on_start=False)
    assert await following(app, lambda: app.rounds == 1) == []


async def test_an_index_is_left_alone_where_the_settings_say_so(app: CountingApp) -> None:
    update(app.root)
    app.config = replace(app.config, index_on_start=False)
    task = asyncio.create_task(keep_indexed(app, print))
    await asyncio.sleep(0.3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert app.rounds == 0


async def test_what_changes_starts_a_round_and_is_behind_until_it_has_ended(app: CountingApp) -> None:
    update(app.root)
    task = asyncio.create_task(keep_indexed(app, print))
    await until(lambda: app.rounds > 0 and app.freshness().behind == 0)
    before = app.rounds
    written(app.root, {"b.py": "b = 1\n"})
    await until(lambda: app.rounds > before and app.freshness().behind == 0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_round_that_fails_is_said_and_the_next_change_tries_again(app: CountingApp) -> None:
    app.failure = IndexBusyError("Another process is indexing.")
    said: list[str] = []
    task = asyncio.create_task(keep_indexed(app, said.append))
    await until(lambda: bool(said))
    app.failure = None
    before = app.rounds
    written(app.root, {"b.py": "b = 1\n"})
    await until(lambda: app.rounds > before)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert set(said) == {"Another process is indexing."}
