"""Ghost text, chat and edits: a real server, a scripted model on loopback, and a client that checks the wire."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import BANK, SHAPES, StartServer
from tests.e2e.lsp_client import ErrorAnswer, LspClient
from tests.fakes.openai_server import FakeOpenAI, Reply

FIM_MODEL = "qwen2.5-coder:1.5b-base"
EDITOR = {
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}},
    "textDocument": {"inlineCompletion": {}},
}
SLOW = 30.0  # never waited for: the tests cancel


@pytest.fixture
def model() -> Iterator[FakeOpenAI]:
    with FakeOpenAI(models=(FIM_MODEL,)) as server:
        yield server


@pytest.fixture
def client(start_server: StartServer, shop: Path, model: FakeOpenAI) -> LspClient:
    """A client with bank.py open, as on disk."""
    client = start_server(OPENAI_BASE_URL=model.url)
    client.initialize(shop, EDITOR)
    client.open((shop / "bank.py").as_uri(), BANK)
    return client


def bank(shop: Path, **more: Any) -> dict[str, Any]:
    return {"textDocument": {"uri": (shop / "bank.py").as_uri()}, **more}


def ghost(shop: Path, line: int, character: int) -> dict[str, Any]:
    return bank(shop, position={"line": line, "character": character}, context={"triggerKind": 1})


def test_ghost_text_comes_from_the_model_that_sees_both_sides(client: LspClient, shop: Path, model: FakeOpenAI) -> None:
    model.replies = [Reply(("min(amount,", " self.balance)"))]
    line = BANK.splitlines().index("        taken = min(amount, self.balance)")
    client.notify(
        "textDocument/didChange",
        {
            "textDocument": {"uri": (shop / "bank.py").as_uri(), "version": 2},
            "contentChanges": [
                {
                    "range": {"start": {"line": line, "character": 16}, "end": {"line": line, "character": 99}},
                    "text": "",
                }
            ],
        },
    )
    result = client.call("textDocument/inlineCompletion", ghost(shop, line, 16))
    where = {"line": line, "character": 16}
    (item,) = result["items"]
    assert (item["insertText"], item["range"]) == ("min(amount, self.balance)", {"start": where, "end": where})
    prompt = model.requests[-1].prompt
    before, _, after = prompt.partition("<|fim_suffix|>")
    assert before.endswith("        taken = ")
    assert after.startswith("\n        self.balance -= taken\n")
    assert client.shutdown() == 0


def test_an_answer_streams_and_cites_what_was_attached(client: LspClient, shop: Path, model: FakeOpenAI) -> None:
    model.replies = [Reply(("Money is taken out ", "in bank.py:11-15", "."))]
    selection = {"start": {"line": 10, "character": 0}, "end": {"line": 15, "character": 0}}
    answer = client.call(
        "kibitz/chat",
        {
            "question": "Where is money taken out?",
            "attachments": [bank(shop, range=selection)],
            "partialResultToken": "answer",
        },
    )
    deltas = [p["value"]["delta"] for p in client.notifications("$/progress") if p["token"] == "answer"]
    assert "".join(deltas) == answer["text"] == "Money is taken out in bank.py:11-15."
    assert len(deltas) > 1
    assert answer["citations"] == [
        {"path": "bank.py", "start_line": 11, "end_line": 15, "uri": (shop / "bank.py").as_uri()}
    ]
    assert answer["finish_reason"] == "stop"
    assert "def withdraw" in model.requests[-1].prompt


def test_an_edit_arrives_in_the_document(client: LspClient, shop: Path, model: FakeOpenAI) -> None:
    model.replies = [Reply(("```python\n", "        self.balance = 100\n", "```\n"))]
    line = BANK.splitlines().index("        self.balance = 0")
    edits: list[Any] = []

    def apply(params: Any) -> dict[str, bool]:
        edits.append(params["edit"])
        return {"applied": True}

    client.answers["workspace/applyEdit"] = apply
    selection = {"start": {"line": line, "character": 0}, "end": {"line": line + 1, "character": 0}}
    result = client.call("kibitz/edit", bank(shop, instruction="Start with 100.", range=selection))
    assert result["applied"] is True
    assert "-        self.balance = 0\n+        self.balance = 100\n" in result["diff"]
    (change,) = edits[0]["documentChanges"]
    assert change["textDocument"] == {"uri": (shop / "bank.py").as_uri(), "version": 1}
    assert change["edits"] == [{"range": selection, "newText": "        self.balance = 100\n"}]
    assert (shop / "bank.py").read_text(encoding="utf-8") == BANK  # the editor's to write


SPREAD = """\
bank.py
<<<<<<< SEARCH
    def withdraw(self, amount: int) -> int:
=======
    def take(self, amount: int) -> int:
>>>>>>> REPLACE

bank.py
<<<<<<< SEARCH
        self.balance = 0
=======
        self.balance = 100
>>>>>>> REPLACE

shapes.py
<<<<<<< SEARCH
    return 3.14159 * radius * radius
=======
    return 3.14159 * radius**2
>>>>>>> REPLACE
"""


def test_two_files_are_edited_at_once_and_one_of_the_changes_is_rejected(
    client: LspClient, shop: Path, model: FakeOpenAI
) -> None:
    model.replies = [Reply((SPREAD,))]
    bank_uri, shapes_uri = ((shop / name).as_uri() for name in ("bank.py", "shapes.py"))
    texts, versions = {bank_uri: BANK, shapes_uri: SHAPES}, {bank_uri: 1, shapes_uri: 1}
    client.open(shapes_uri, SHAPES)

    def apply(params: Any) -> dict[str, bool]:
        for changed in params["edit"]["documentChanges"]:
            uri = changed["textDocument"]["uri"]
            assert changed["textDocument"]["version"] == versions[uri]
            events = sorted(changed["edits"], key=lambda each: -each["range"]["start"]["line"])
            for event in events:
                lines, span = texts[uri].splitlines(keepends=True), event["range"]
                lines[span["start"]["line"] : span["end"]["line"]] = [event["newText"]]
                texts[uri] = "".join(lines)
            versions[uri] += 1
            told = [{"range": event["range"], "text": event["newText"]} for event in events]
            document = {"uri": uri, "version": versions[uri]}
            client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": told})
        return {"applied": True}

    client.answers["workspace/applyEdit"] = apply
    files = [{"uri": shapes_uri}]
    result = client.call("kibitz/edit", bank(shop, instruction="Begin with 100.", files=files, review=True))
    assert (result["applied"], result["files"]) == (True, [bank_uri, shapes_uri])
    edited = BANK.replace("= 0", "= 100").replace("def withdraw", "def take")
    assert texts == {bank_uri: edited, shapes_uri: SHAPES.replace("radius * radius", "radius**2")}
    assert client.call("textDocument/codeLens", {"textDocument": {"uri": shapes_uri}})
    first, second = client.call("kibitz/hunks", bank(shop))["hunks"]
    assert (first["old"], second["old"]) == (
        "        self.balance = 0\n",
        "    def withdraw(self, amount: int) -> int:\n",
    )
    argument = bank(shop, id=first["id"])
    rejected = client.call("workspace/executeCommand", {"command": "kibitz.rejectHunk", "arguments": [argument]})
    assert rejected == {"rejected": [first["id"]]}
    assert texts[bank_uri] == BANK.replace("def withdraw", "def take")
    assert client.call("kibitz/hunks", bank(shop))["hunks"] == [second]
    assert (shop / "bank.py").read_text(encoding="utf-8") == BANK
    assert client.shutdown() == 0


def test_an_answer_without_an_edit_is_refused_in_a_sentence(client: LspClient, shop: Path, model: FakeOpenAI) -> None:
    model.replies = [Reply(("I would rather not.",))]
    with pytest.raises(ErrorAnswer) as caught:
        client.call("kibitz/edit", bank(shop, instruction="Start with 100."))
    assert caught.value.code == -32803
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("textDocument/inlineCompletion", {"position": {"line": 8, "character": 28}, "context": {"triggerKind": 1}}),
        ("kibitz/chat", {"question": "Where?"}),
        ("kibitz/edit", {"instruction": "Start with 100."}),
        ("workspace/executeCommand", {"command": "kibitz.ask", "arguments": ["Where?"]}),
    ],
)
def test_a_cancelled_request_closes_the_models_connection(
    client: LspClient, shop: Path, model: FakeOpenAI, method: str, params: dict[str, Any]
) -> None:
    model.replies = [Reply(("one ", "two ", "three"), delay_s=SLOW)]
    asked = client.request(method, {**bank(shop), **params})
    assert model.wait_until("body", timeout_s=30)
    client.notify("$/cancelRequest", {"id": asked})
    with pytest.raises(ErrorAnswer) as caught:
        client.answer_to(asked)
    assert caught.value.code == -32800
    assert model.wait_until("cancelled", timeout_s=30)
    model.replies = [Reply(("fine",))]
    assert client.call("kibitz/chat", {"question": "Still there?"})["text"] == "fine"


def test_shutdown_closes_the_models_connection(client: LspClient, model: FakeOpenAI) -> None:
    model.replies = [Reply(("one ", "two "), delay_s=SLOW)]
    client.request("kibitz/chat", {"question": "Where?"})
    assert model.wait_until("body", timeout_s=30)
    assert client.shutdown() == 0
    assert model.wait_until("cancelled", timeout_s=30)


def test_without_a_model_ghost_text_is_silent_and_chat_says_what_to_do(start_server: StartServer, shop: Path) -> None:
    client = start_server()
    client.initialize(shop, EDITOR)
    client.open((shop / "bank.py").as_uri(), BANK)
    for _ in range(3):
        assert client.call("textDocument/inlineCompletion", ghost(shop, 8, 28)) is None
    with pytest.raises(ErrorAnswer, match="There is no model to ask"):
        client.call("kibitz/chat", {"question": "Where?"})
    assert [state["state"] for state in client.notifications("kibitz/status")] == ["no_model"]
    assert client.notifications("window/showMessage") == []
    assert client.call("kibitz/prompt", {"kind": "ask", "question": "Where is money?"})["tokens"] > 0
    assert client.shutdown() == 0


def test_without_a_folder_documents_are_served(start_server: StartServer, model: FakeOpenAI) -> None:
    model.replies = [Reply(("42",), at="/completions", when="fim"), Reply(("Hello.",))]
    client = start_server(OPENAI_BASE_URL=model.url)
    client.initialize(None, EDITOR)
    client.open("untitled:Untitled-1", "answer = \n")
    asked = {
        "textDocument": {"uri": "untitled:Untitled-1"},
        "position": {"line": 0, "character": 9},
        "context": {"triggerKind": 2},
    }
    assert client.call("textDocument/inlineCompletion", asked)["items"][0]["insertText"] == "42"
    assert client.call("kibitz/chat", {"question": "Hello?"})["text"] == "Hello."
    assert client.shutdown() == 0


def test_nothing_of_the_document_or_the_key_reaches_the_log(
    start_server: StartServer, shop: Path, model: FakeOpenAI
) -> None:
    model.replies = [Reply(status=500)]
    client = start_server(OPENAI_BASE_URL=model.url, OPENAI_API_KEY="sk-not-to-be-seen")
    client.initialize(shop, EDITOR)
    client.open((shop / "bank.py").as_uri(), "NOT_TO_BE_SEEN = \n")
    client.call("textDocument/inlineCompletion", ghost(shop, 0, 17))
    with pytest.raises(ErrorAnswer):
        client.call("kibitz/chat", {"question": "NOT_TO_BE_SEEN?"})
    assert client.shutdown() == 0
    assert "NOT_TO_BE_SEEN" not in client.stderr
    assert "sk-not" not in client.stderr
