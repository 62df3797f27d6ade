"""A conversation over a real server: mentions, rules, a restart, a stop, and the rest of an answer."""

import json
from pathlib import Path
from typing import Any

from tests.e2e.conftest import StartServer
from tests.e2e.lsp_client import LspClient
from tests.fakes.openai_server import FakeOpenAI, Reply


def test_a_conversation_survives_a_restart_and_a_stop(shop: Path, start_server: StartServer) -> None:
    (shop / "AGENTS.md").write_text("Balances are never negative.\n", encoding="utf-8")
    replies = [
        Reply(("It is in `bank.py:", "11-15`."), when="Where is it taken"),
        Reply(("One, ", "two, ", "three, ", "four."), when="Count", delay_s=0.4),
        Reply(("two, three, ", "four."), when="Go on exactly"),
    ]
    with FakeOpenAI(replies) as model:
        server = start_server(OPENAI_BASE_URL=model.url)
        server.initialize(shop)
        asked = {"question": "Where is it taken in @file:bank.py:11-15?", "session": "new"}
        first = server.call("kibitz/chat", asked)
        assert (first["notes"], len(first["citations"])) == ([], 1)
        prompt = model.requests[-1].prompt
        assert "Balances are never negative." in prompt
        assert "bank.py:11-15 (selected by the user)" in prompt
        session = first["session"]
        server.shutdown()

        server = start_server(OPENAI_BASE_URL=model.url)
        server.initialize(shop)
        counting = server.request("kibitz/chat", {"question": "Count.", "session": session, "partialResultToken": "t"})
        server.wait_for(lambda m: m.get("params", {}).get("value") == {"delta": "two, "})
        server.notify("$/cancelRequest", {"id": counting})
        server.wait_for(lambda m: m.get("id") == counting)
        assert "It is in `bank.py:11-15`." in model.requests[-1].prompt
        kept = _turns(server, session, 4)
        assert kept[-1]["finish_reason"] == "stopped"
        rest = server.call("kibitz/chat", {"session": session, "goOn": True})
        turns = _turns(server, session, 4)
    assert turns[-1]["text"] == kept[-1]["text"] + rest["text"]
    assert json.dumps(turns).count("four.") == 1


def _turns(server: LspClient, session: str, count: int) -> list[Any]:
    """The turns of a session, once there are so many: a stopped answer is written a moment after its refusal."""
    for _ in range(100):
        turns: list[Any] = server.call("kibitz/sessions", {"id": session})["session"]["turns"]
        if len(turns) >= count:
            return turns
    raise AssertionError(turns)
