"""docs/protocol.md shows messages that the server takes and sends: each exchange is played and compared."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from kibitz.indexer.answer import Freshness
from kibitz.indexer.plan import Amount, Plan
from kibitz.indexer.round import Report
from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.prompts.nodes import fragment, reserve, scope, system, text, user
from kibitz.prompts.render import render
from kibitz.prompts.rendered import Rendered
from kibitz.prompts.tokens import TiktokenTokenizer
from kibitz.prompts.trace import explain
from kibitz.server.chat.question import Question
from kibitz.server.chat.sessions import Said, Session, Sessions
from kibitz.server.chat.suggestions import Offered
from kibitz.server.edit.change import Replacement
from kibitz.server.errors import NoModelError
from tests.fakes.app import FakeApp
from tests.fakes.wire import Message, Wire, connected

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not in the wheel")
BANK = "file:///home/me/shop/bank.py"
TEXT = '''\
"""Accounts."""


class Account:
    """Money of one person."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.balance = 0

    def withdraw(self, amount: int) -> int:
        """Take money out."""
        taken = min
        self.balance -= taken
        return taken
'''
COMPLETION = "min(amount, self.balance)"


def messages() -> list[Message]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)]


def shown(method: str) -> Message:
    """The message of a method that the page shows first."""
    return next(message for message in messages() if message.get("method") == method)


def result_of(request: Message) -> Any:
    return next(m["result"] for m in messages() if m.get("id") == request["id"] and "result" in m)


class Shop(FakeApp):
    """Plays what the page's examples are about."""

    async def ask_prompt(self, question: Question, session: str = "") -> Rendered:
        code = [scope(item.text, p=1, name=item.label, origin=item.origin) for item in question.attached]
        tree = fragment(system("You answer."), user(*code, scope(question.text, name="question")), reserve(1024))
        return render(tree, budget_tokens=8000, tokenizer=TiktokenTokenizer("o200k_base"))

    def sent_prompts(self, last: int) -> Sequence[Mapping[str, Any]]:
        (request,) = (message for message in messages() if "last" in message.get("params", {}))
        sent: list[Mapping[str, Any]] = result_of(request)["prompts"]
        return sent[:last]

    async def index(self, on_progress: Any, *, rebuild: bool = False) -> Report:
        await super().index(on_progress, rebuild=rebuild)
        report = result_of(shown("kibitz/index"))
        return Report(**{name: value for name, value in report.items() if name != "folders"})


def shop() -> Shop:
    (hit,) = result_of(shown("kibitz/search"))["hits"]
    place = Span(hit["start_line"] - 1, hit["end_line"])
    chunk = Chunk(hit["path"], place, hit["text"], hit["kind"], hit["language"], hit["symbol"])
    return Shop(
        hits=[Hit(chunk, hit["score"], tuple(hit["legs"]))],
        freshness=Freshness(**result_of(shown("kibitz/search"))["freshness"]),
        pieces=("Money is taken out ", "in `bank.py:11-15`."),
        edits=lambda text: text.replace("= 0", "= 100"),
        phases=(("parse", 120, 340),),
    )


async def open_shop(wire: Wire) -> None:
    params = shown("initialize")["params"]
    await wire.initialize(**{name: value for name, value in params.items() if name != "processId"})
    wire.open(BANK, TEXT, version=7)


async def play(wire: Wire, method: str) -> Any:
    request = shown(method)
    return await wire.call(method, request["params"])


def sent(wire: Wire, method: str) -> list[Message]:
    return [message for message in wire.received if message.get("method") == method]


async def test_ghost_text_and_the_list() -> None:
    app = shop()
    app.suggestion = COMPLETION
    async with connected(app.make) as wire:
        await open_shop(wire)
        assert await play(wire, "textDocument/inlineCompletion") == result_of(shown("textDocument/inlineCompletion"))
        app.suggestion = COMPLETION.removeprefix("min")
    async with connected(app.make) as wire:
        await wire.initialize(rootUri="file:///home/me/shop")
        wire.open(BANK, TEXT, version=7)
        assert await play(wire, "textDocument/completion") == result_of(shown("textDocument/completion"))


async def test_the_settings_of_a_folder_are_asked_for_as_shown() -> None:
    asked_for = shown("workspace/configuration")
    app = shop()
    async with connected(app.make) as wire:
        wire.answers["workspace/configuration"] = lambda _: result_of(asked_for)
        await wire.initialize({"workspace": {"configuration": True}}, rootUri="file:///home/me/shop")
        (asked,) = [await wire.message(lambda m: m.get("method") == "workspace/configuration")]
        await wire.until(lambda: bool(app.narrowed))
    assert asked == {**asked_for, "id": asked["id"]}
    assert app.narrowed == result_of(asked_for)[0]


async def test_chat_streams_as_shown_and_cites_as_shown() -> None:
    async with connected(shop().make) as wire:
        await open_shop(wire)
        assert await play(wire, "kibitz/chat") == result_of(shown("kibitz/chat"))
        assert sent(wire, "$/progress")[0] == shown("$/progress")
        by_command = await play(wire, "workspace/executeCommand")
    assert by_command.keys() == result_of(shown("kibitz/chat")).keys()


async def test_kept_sessions_are_listed_and_shown_as_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, asked = [each for each in messages() if each.get("method") == "kibitz/sessions"]
    said = result_of(asked)["session"]
    app = shop()
    app.sessions = Sessions(tmp_path, tmp_path)
    monkeypatch.setattr("kibitz.server.chat.sessions.time.time", lambda: said["at"])
    app.sessions.add(Session(said["id"]), [Said(**turn) for turn in said["turns"]])
    async with connected(app.make) as wire:
        await open_shop(wire)
        assert await wire.call("kibitz/sessions", listed["params"]) == result_of(listed)
        assert await wire.call("kibitz/sessions", asked["params"]) == result_of(asked)


async def test_what_may_follow_is_answered_as_shown() -> None:
    app = shop()
    (item,) = result_of(shown("kibitz/mentions"))["items"]
    app.offered = [Offered(item["label"], item["insertText"], item["kind"], item["detail"], item["replaces"])]
    async with connected(app.make) as wire:
        await open_shop(wire)
        assert await play(wire, "kibitz/mentions") == result_of(shown("kibitz/mentions"))


async def test_an_edit_is_sent_to_the_editor_as_shown_and_answered_as_shown() -> None:
    async with connected(shop().make) as wire:
        wire.answers["workspace/applyEdit"] = lambda _: {"applied": True}
        await open_shop(wire)
        assert await play(wire, "kibitz/edit") == result_of(shown("kibitz/edit"))
        (asked,) = sent(wire, "workspace/applyEdit")
    assert asked == {**shown("workspace/applyEdit"), "id": asked["id"]}


async def test_a_change_that_waits_is_listed_as_shown() -> None:
    (hunk,) = result_of(shown("kibitz/hunks"))["hunks"]
    async with connected(shop().make) as wire:
        await open_shop(wire)
        await wire.until(lambda: wire.server.session.documents.find(BANK) is not None)
        document = wire.server.session.documents.get(BANK)
        line = hunk["range"]["start"]["line"]
        before = document.text
        place = {"start": {"line": line, "character": 0}, "end": {"line": line + 1, "character": 0}}
        wire.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": BANK, "version": 8}, "contentChanges": [{"range": place, "text": hunk["new"]}]},
        )
        await wire.until(lambda: hunk["new"] in document.text)
        wire.server.session.reviews.begin(document, before, [Replacement(Span(line, line + 1), hunk["new"])])
        assert await play(wire, "kibitz/hunks") == result_of(shown("kibitz/hunks"))


PART = explain(render(text("a"), budget_tokens=9, tokenizer=TiktokenTokenizer("o200k_base")))[0]


def test_the_parts_of_a_prompt_are_documented_with_all_their_names() -> None:
    (result,) = (m["result"] for m in messages() if "parts" in m.get("result", {}))
    assert list(result["parts"][0]) == list(PART)
    told = (PAGE.parent / "cli.md").read_text(encoding="utf-8")
    assert f'"parts": [{{{", ".join(json.dumps(name) for name in PART)}}}]' in told


async def test_code_actions_and_search_are_answered_as_shown() -> None:
    async with connected(shop().make) as wire:
        await open_shop(wire)
        assert await play(wire, "textDocument/codeAction") == result_of(shown("textDocument/codeAction"))
        assert await play(wire, "kibitz/search") == result_of(shown("kibitz/search"))


async def test_an_index_round_reports_as_shown() -> None:
    async with connected(shop().make) as wire:
        await open_shop(wire)
        assert await play(wire, "kibitz/index") == result_of(shown("kibitz/index"))
        steps = [m for m in sent(wire, "$/progress") if m["params"]["token"] == "indexing-1"]
    documented = [message for message in messages() if message.get("method") == "$/progress"]
    assert steps[1] == documented[1]


async def test_files_and_symbols_are_told_as_shown() -> None:
    app = shop()
    app.planned = Plan(
        files=340,
        bytes=1_300_000,
        changed_files=2,
        removed_files=0,
        languages={"python": 340},
        skipped={"vendored": 1},
        total=Amount(340, 1_300_000),
        todo=Amount(2, 9_000),
        by_language={"python": Amount(340, 1_300_000)},
        by_rule={"vendored": Amount(folders=1)},
    )
    async with connected(app.make) as wire:
        await open_shop(wire)
        assert await play(wire, "kibitz/files") == result_of(shown("kibitz/files"))
        assert await play(wire, "kibitz/symbol") == result_of(shown("kibitz/symbol"))


async def test_a_prompt_is_told_with_the_names_that_are_shown() -> None:
    async with connected(shop().make) as wire:
        await open_shop(wire)
        prompt = await play(wire, "kibitz/prompt")
    documented = result_of(shown("kibitz/prompt"))
    assert prompt.keys() == documented.keys()
    assert [message["role"] for message in prompt["messages"]] == [m["role"] for m in documented["messages"]]
    assert documented["parts"][0].keys() <= prompt["parts"][-1].keys()
    for name in ("reserved", "budget", "tokenizer", "exact", "text", "cutoff"):
        assert prompt[name] == documented[name]
    for sizes in (prompt, documented):
        assert sizes["budget"] == sizes["tokens"] + sizes["reserved"] + sizes["unused"]


async def test_prompts_that_were_sent_are_told_as_shown() -> None:
    (request,) = (message for message in messages() if "last" in message.get("params", {}))
    async with connected(shop().make) as wire:
        await open_shop(wire)
        assert await wire.call(request["method"], request["params"]) == result_of(request)


async def test_the_state_is_answered_and_told_as_shown() -> None:
    notice = next(m for m in messages() if m.get("method") == "kibitz/status" and "id" not in m)
    app = shop()
    async with connected(app.make) as wire:
        await open_shop(wire)
        status = await play(wire, "kibitz/status")
        app.error = NoModelError(notice["params"]["message"])
        await play(wire, "textDocument/inlineCompletion")
        told = [message for message in sent(wire, "kibitz/status") if message["params"]["state"] == "no_model"]
    assert told == [notice]
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in status if name not in ("root", "model") and f"`{name}`" not in text] == []


def test_every_exchange_of_the_page_is_played_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    methods = {message["method"] for message in messages() if "method" in message}
    assert [method for method in methods if f'"{method}"' not in source] == []
    requests = [message for message in messages() if "method" in message and "id" in message]
    first = [message for message in requests if not {"last", "id"} & message["params"].keys()]
    assert len({message["method"] for message in first}) == len(first)  # `shown` finds each of them
    answered = {message["id"] for message in messages() if "result" in message}
    assert answered <= {message["id"] for message in requests}


def test_every_method_of_ours_is_documented() -> None:
    from kibitz.server.lsp.methods import CUSTOM_PARAMS

    text = PAGE.read_text(encoding="utf-8")
    assert [method for method in CUSTOM_PARAMS if f"`{method}`" not in text] == []
