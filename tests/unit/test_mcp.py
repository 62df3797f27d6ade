"""The tools as an agent sees them, over the SDK's own client in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.fakes.workspaces import OurApp, update, written

pytest.importorskip("mcp", reason="needs kibitz[mcp]")

from mcp import Client

from kibitz.server.errors import ModelError
from kibitz.server.mcp import TOOLS, answer, build_server

FILES = {"bank.py": "class Account:\n    def withdraw(self, amount):\n        return amount\n"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> OurApp:
    root = written(tmp_path_factory.mktemp("mcp") / "work", FILES)
    update(root)
    return OurApp.of(root)


@asynccontextmanager
async def client(app: OurApp) -> AsyncIterator[Client]:
    async with Client(build_server(app)) as connected:
        yield connected


async def call(app: OurApp, tool: str, **arguments: Any) -> tuple[str, bool]:
    async with client(app) as asking:
        result = await asking.call_tool(tool, arguments)
    (content,) = result.content
    assert content.type == "text"
    return content.text, bool(result.is_error)


async def test_each_tool_says_what_it_takes(app: OurApp) -> None:
    async with client(app) as asking:
        listed = (await asking.list_tools()).tools
    assert [tool.name for tool in listed] == [tool.name for tool in TOOLS]
    for tool in listed:
        assert tool.description
        assert tool.input_schema["additionalProperties"] is False
        assert all("description" in part for part in tool.input_schema["properties"].values())
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint


async def test_each_tool_answers(app: OurApp) -> None:
    arguments: dict[str, dict[str, Any]] = {
        "search": {"query": "withdraw", "languages": ["python"]},
        "regex": {"pattern": "def w"},
        "definition": {"name": "withdraw"},
        "references": {"name": "withdraw"},
        "outline": {"path": "bank.py"},
        "repository_map": {"about": ["Account"]},
        "read_lines": {"path": "bank.py", "end_line": 2},
    }
    assert set(arguments) == {tool.name for tool in TOOLS}
    for name, given in arguments.items():
        text, is_error = await call(app, name, **given)
        assert not is_error, text
        assert ("Nothing found." in text) == (name == "references")
        assert ("withdraw" in text) == (name != "references")


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("search", {}, "query: Field required."),
        ("search", {"query": "x", "k": 51}, "k: Input should be less than or equal to 50."),
        ("search", {"query": "x", "where": "src"}, "where: Extra inputs are not permitted."),
        ("search", {"query": ["x"]}, "query: Input should be a valid string."),
        ("search", {"query": "x", "kinds": ["clas"]}, "There is no kind 'clas': did you mean 'class'?"),
        ("regex", {"pattern": "("}, "is not a regular expression"),
        ("read_lines", {"path": "/etc/passwd"}, "is no path inside the workspace"),
        ("read_lines", {"path": "bank.py", "start_line": 0}, "start_line: Input should be greater than or equal to 1."),
        ("definition", {"name": ""}, "name: String should have at least 1 character."),
        ("format_disk", {}, "There is no tool 'format_disk': there are search, "),
    ],
)
async def test_what_is_wrong_is_one_sentence(app: OurApp, name: str, arguments: dict[str, Any], sentence: str) -> None:
    text, is_error = await call(app, name, **arguments)
    assert is_error
    assert sentence in text
    assert "\n" not in text


@pytest.mark.parametrize("query", ["", "?!", "a" * 100_000, "close\0session", "数据库连接在哪里关闭"])
async def test_any_question_has_an_answer(app: OurApp, query: str) -> None:
    _, is_error = await call(app, "search", query=query)
    assert not is_error


async def test_trouble_is_a_sentence_and_a_bug_no_traceback(
    app: OurApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(error: Exception) -> Any:
        def search_now(*_: Any, **__: Any) -> None:
            raise error

        return search_now

    monkeypatch.setattr(app, "search_now", failing(ModelError("It is asleep.")))
    assert await answer(app, "search", {"query": "x"}) == ("It is asleep.", True)
    monkeypatch.setattr(app, "search_now", failing(ZeroDivisionError("SECRET")))
    text, is_error = await answer(app, "search", {"query": "x"})
    assert is_error
    assert "SECRET" not in text
    assert "failed unexpectedly" in caplog.text


async def test_a_first_round_under_way_is_said(tmp_path_factory: pytest.TempPathFactory) -> None:
    app = OurApp.of(written(tmp_path_factory.mktemp("first") / "work", FILES))
    assert (await answer(app, "definition", {"name": "withdraw"}))[0].endswith("run `kibitz index` there first.")
    with app._unseen.round():
        text, is_error = await answer(app, "definition", {"name": "withdraw"})
    assert is_error
    assert text.startswith("The first index round is under way: ask again in a moment")
