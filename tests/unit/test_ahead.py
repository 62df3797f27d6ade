"""Search ahead of the index: which files the app is shown, and when."""

import asyncio

import pytest

from kibitz.server.errors import KibitzError
from kibitz.server.lsp import ahead
from kibitz.server.lsp.ahead import Ahead
from kibitz.server.lsp.documents import Document
from tests.fakes.app import FakeApp


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "TYPING_REST_S", 0.02)
    monkeypatch.setattr(ahead, "IDLE_S", 0.05)


def document(text: str) -> Document:
    return Document("file:///w/a.py", text, version=1)


async def until_at_rest(app: FakeApp) -> None:
    async with asyncio.timeout(5):
        while not app.rests:  # noqa: ASYNC110 - the app rings no bell
            await asyncio.sleep(0.005)


async def test_a_saved_document_is_shown_at_once_and_the_process_rests_afterwards() -> None:
    app = FakeApp()
    looking = Ahead(app)
    looking.saved("a.py", document("x = 1\n"))
    await until_at_rest(app)
    assert app.seen == [{"a.py": "x = 1\n"}]
    assert app.rests == 1


async def test_typing_is_looked_at_once_it_pauses() -> None:
    app = FakeApp()
    looking = Ahead(app)
    for letters in range(1, 6):
        looking.typed("a.py", document("x" * letters))
        await asyncio.sleep(0)
    await until_at_rest(app)
    assert app.seen == [{"a.py": "xxxxx"}]


async def test_typing_that_never_pauses_is_looked_at_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "TYPING_REST_S", 60.0)
    monkeypatch.setattr(ahead, "TYPING_MOST_S", 0.03)
    app = FakeApp()
    looking = Ahead(app)
    looking.typed("a.py", document("x"))
    await until_at_rest(app)
    assert app.seen == [{"a.py": "x"}]


async def test_files_on_disk_are_looked_at_together_and_a_flood_is_left_to_the_round() -> None:
    app = FakeApp()
    looking = Ahead(app)
    looking.changed([f"{number}.py" for number in range(ahead.MOST_PATHS + 1)])
    looking.changed(["a.py", "b.py"])
    await until_at_rest(app)
    assert app.seen == [{"a.py": None, "b.py": None}]


async def test_trouble_does_not_end_the_watch() -> None:
    class Troubled(FakeApp):
        async def see(self, documents: object) -> None:
            if not self.seen:
                self.seen.append({})
                raise KibitzError("no process")
            await super().see(documents)  # type: ignore[arg-type]

    app = Troubled()
    looking = Ahead(app)
    looking.saved("a.py", document("1"))
    await asyncio.sleep(0.02)
    looking.saved("b.py", document("2"))
    await until_at_rest(app)
    assert app.seen == [{}, {"b.py": "2"}]


async def test_closing_calls_off_what_was_to_be_looked_at() -> None:
    app = FakeApp()
    looking = Ahead(app)
    looking.typed("a.py", document("x"))
    await looking.close()
    await asyncio.sleep(0.05)
    assert app.seen == []
