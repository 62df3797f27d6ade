"""kibitz/chat over the wire: sessions that are kept, answers that are stopped and gone on with, mentions."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from kibitz.prompts.nodes import fragment, scope
from kibitz.prompts.render import Rendered, render
from kibitz.prompts.templates.context import Turn
from kibitz.prompts.tokens import TiktokenTokenizer
from kibitz.server.chat.go_on import GO_ON
from kibitz.server.chat.question import Question
from kibitz.server.chat.sessions import Sessions
from kibitz.server.errors import ModelError
from tests.fakes.app import FakeApp
from tests.fakes.wire import Refused, connected

ROOT = "file:///code"


@pytest.fixture
def app(tmp_path: Path) -> FakeApp:
    made = FakeApp(pieces=("First the pool is drained, ", "then"))
    made.sessions = Sessions(tmp_path, Path("/code"))
    return made


def questions(app: FakeApp) -> list[Any]:
    return [asked[1] for asked in app.asked if asked[0] == "ask" and hasattr(asked[1], "history")]


async def test_a_session_goes_on_where_it_was(app: FakeApp) -> None:
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        first = await wire.call("kibitz/chat", {"question": "How does it end?", "session": "new"})
    async with connected(app.make) as wire:  # a restart
        await wire.initialize(rootUri=ROOT)
        again = await wire.call("kibitz/chat", {"question": "And why?", "session": first["session"]})
        (listed,) = (await wire.call("kibitz/sessions", {}))["sessions"]
        whole = (await wire.call("kibitz/sessions", {"id": first["session"]}))["session"]
        await wire.call("kibitz/sessions", {"id": first["session"], "title": "The end"})
        renamed = (await wire.call("kibitz/sessions", {}))["sessions"][0]["title"]
        deleted = await wire.call("kibitz/sessions", {"id": first["session"], "delete": True})
        left = (await wire.call("kibitz/sessions", {}))["sessions"]
    assert again["session"] == first["session"]
    assert questions(app)[1].history == [
        Turn("user", "How does it end?"),
        Turn("assistant", "First the pool is drained, then"),
    ]
    assert (listed["title"], listed["turns"]) == ("How does it end?", 4)
    assert [turn["role"] for turn in whole["turns"]] == ["user", "assistant"] * 2
    assert (renamed, deleted, left) == ("The end", {"deleted": first["session"]}, [])


async def test_a_stopped_answer_is_kept_and_gone_on_with(app: FakeApp) -> None:
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        app.gate.clear()
        asked = wire.request("kibitz/chat", {"question": "How?", "session": "new", "partialResultToken": 1})
        await wire.message(lambda m: m.get("method") == "$/progress")
        wire.notify("$/cancelRequest", {"id": asked})
        with pytest.raises(Refused, match="-32800"):
            await wire.answer_to(asked)
        (session,) = [each async for each in _kept(app)]
        app.gate.set()
        app.pieces = ("the pool is drained, ", "then all is well.")
        rest = await wire.call("kibitz/chat", {"goOn": True, "session": session})
    assert questions(app)[-1].text == GO_ON
    assert rest["text"] == "then all is well."  # without what was said already
    assert app.sessions.get(session).turns[-1].text == "First the pool is drained, then all is well."
    assert len(app.sessions.get(session).turns) == 2


async def test_a_stopped_answer_is_gone_on_with_at_once(app: FakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    session = "00c0ffee00c0ffee"
    may_write = threading.Event()
    add = app.sessions.add

    def slow_disk(*said: Any, **how: Any) -> Any:
        may_write.wait(5)
        return add(*said, **how)

    monkeypatch.setattr(app.sessions, "add", slow_disk)
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        app.gate.clear()
        asked = wire.request("kibitz/chat", {"question": "How?", "session": session, "partialResultToken": 1})
        await wire.message(lambda m: m.get("method") == "$/progress")
        wire.notify("$/cancelRequest", {"id": asked})
        app.pieces = ("the pool is drained, ", "then all is well.")
        app.gate.set()
        rest = wire.request("kibitz/chat", {"goOn": True, "session": session})
        await asyncio.sleep(0.05)
        may_write.set()
        assert (await wire.answer_to(rest))["text"] == "then all is well."


async def _kept(app: FakeApp) -> Any:
    for _ in range(200):  # it is answered before it has let go
        if found := await asyncio.to_thread(app.sessions.all):
            yield found[0].id
            return
        await asyncio.sleep(0.01)


async def test_a_finished_answer_is_not_gone_on_with(app: FakeApp) -> None:
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        first = await wire.call("kibitz/chat", {"question": "How?", "session": "new"})
        with pytest.raises(Refused, match="The last answer is finished"):
            await wire.call("kibitz/chat", {"goOn": True, "session": first["session"]})
        with pytest.raises(Refused, match="The last answer is finished"):
            await wire.call("kibitz/chat", {"goOn": True})


async def test_an_answer_goes_on_from_the_history_that_is_given(app: FakeApp) -> None:
    history = [
        {"role": "user", "content": "How?"},
        {"role": "assistant", "content": "Well, First the pool is drained, "},
    ]
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        rest = await wire.call("kibitz/chat", {"goOn": True, "history": history})
    assert (rest["text"], rest["session"]) == ("then", None)


async def test_a_failure_is_a_sentence_and_nothing_that_came_is_lost(app: FakeApp) -> None:
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        app.error = ModelError("The endpoint is asleep.")
        with pytest.raises(Refused, match="The endpoint is asleep"):
            await wire.call("kibitz/chat", {"question": "How?", "session": "new"})
        with pytest.raises(Refused, match="is no chat session"):
            await wire.call("kibitz/chat", {"question": "How?", "session": "none"})


async def test_a_client_may_name_its_sessions(app: FakeApp) -> None:
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        result = await wire.call("kibitz/chat", {"question": "How?", "session": "0123456789abcdef"})
        again = await wire.call("kibitz/chat", {"question": "Why?", "session": "0123456789abcdef"})
    assert result["session"] == again["session"] == "0123456789abcdef"
    assert len(app.sessions.get("0123456789abcdef").turns) == 4


async def test_no_key_is_written_to_disk(app: FakeApp, tmp_path: Path) -> None:
    key = "AKIA" + "QWERTYUIOPASDFGH"
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        await wire.call("kibitz/chat", {"question": f"Is token = '{key}' good?", "session": "new"})
    (file,) = tmp_path.rglob("*.json")
    assert key not in file.read_text()
    assert "SECRET_" in file.read_text()


class Showing(FakeApp):
    """Its prompts show what is attached."""

    async def ask_prompt(self, question: Question, session: str = "") -> Rendered:
        shown = [scope(item.text, name=item.label, origin=item.origin) for item in question.attached]
        return render(fragment(*shown), budget_tokens=1000, tokenizer=TiktokenTokenizer("o200k_base"))


async def test_a_citation_of_a_document_from_elsewhere_names_that_document() -> None:
    async with connected(Showing(pieces=("See `far.py:1`.",)).make) as wire:
        await wire.initialize(rootUri=ROOT)
        wire.open("file:///elsewhere/far.py", "x = 1\n")
        document = {"textDocument": {"uri": "file:///elsewhere/far.py"}}
        result = await wire.call("kibitz/chat", {"question": "What?", "attachments": [document], "folder": ROOT})
    assert [each["uri"] for each in result["citations"]] == ["file:///elsewhere/far.py"]
