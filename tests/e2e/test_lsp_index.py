"""Indexing through the language server: on opening, on saving, on request, and called off."""

import contextlib
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import StartServer, new_user
from tests.e2e.lsp_client import WAIT_S, ErrorAnswer, LspClient, Message

BAR = {"window": {"workDoneProgress": True}}


def is_ready(files: int) -> Any:
    state = {"state": "ready", "message": f"Indexed {files} files."}
    return lambda message: message.get("method") == "kibitz/status" and message.get("params") == state


def paths(client: LspClient, query: str) -> list[str]:
    return [hit["path"] for hit in client.call("kibitz/search", {"query": query, "k": 2})["hits"]]


def children(client: LspClient) -> list[str]:
    """The server's child processes, whichever of its threads started them."""
    found: list[str] = []
    for task in Path(f"/proc/{client.process.pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended meanwhile
            found += (task / "children").read_text(encoding="ascii").split()
    return found


def test_an_opened_workspace_is_indexed_with_a_bar_and_can_be_searched(start_server: StartServer, shop: Path) -> None:
    client = start_server(KIBITZ_INDEX_ON_START="true")
    client.initialize(shop, BAR)
    client.wait_for(is_ready(2))
    client.wait_for(
        lambda message: message.get("method") == "$/progress" and message["params"]["value"]["kind"] == "end"
    )
    kinds = [params["value"]["kind"] for params in client.notifications("$/progress")]
    assert (kinds[0], kinds[-1]) == ("begin", "end")
    assert "report" in kinds
    assert len({params["token"] for params in client.notifications("$/progress")}) == 1
    assert paths(client, "take money out of the account")[0] == "bank.py"
    assert paths(client, "circle_area")[0] == "shapes.py"
    (hit,) = client.call("kibitz/search", {"query": "withdraw", "k": 1})["hits"]
    lines = (shop / "bank.py").read_text(encoding="utf-8").splitlines(keepends=True)
    assert hit["text"] == "".join(lines[hit["start_line"] - 1 : hit["end_line"]])
    status = client.call("kibitz/status")
    assert (status["indexing"], status["index"]["files"]) == (False, 2)
    assert client.shutdown() == 0


def test_a_server_that_shuts_the_users_modules_out_indexes_without_them_too(tmp_path: Path, shop: Path) -> None:
    planted = tmp_path / "planted" / "lancedb.py"
    planted.parent.mkdir()
    planted.write_text("raise SystemExit('imported')\n", encoding="utf-8")
    env = new_user(tmp_path, KIBITZ_INDEX_ON_START="true", PYTHONPATH=str(planted.parent))
    with LspClient(env=env, cwd=tmp_path, python=("-I", "-m", "kibitz.server", "serve", "--stdio")) as client:
        client.initialize(shop)
        client.wait_for(is_ready(2))
        assert client.shutdown() == 0


def test_two_folders_are_indexed_searched_opened_and_closed(start_server: StartServer, shop: Path) -> None:
    zoo = shop.parent / "zoo"
    zoo.mkdir()
    (zoo / "zoo.py").write_text("def feed_the_crocodile() -> None:\n    ...\n", encoding="utf-8")
    (zoo / "notes.py").write_text("def count_the_penguins() -> None:\n    ...\n", encoding="utf-8")
    (zoo / ".kibitz.toml").write_text('ignore = ["notes.py"]\n', encoding="utf-8")
    folders = [{"uri": root.as_uri(), "name": root.name} for root in (shop, zoo)]
    client = start_server(KIBITZ_INDEX_ON_START="true")
    client.initialize(workspaceFolders=folders, capabilities=BAR)
    client.wait_for(lambda m: m.get("method") == "kibitz/status" and m["params"]["message"].startswith("Indexed"))
    titles = [p["value"]["title"] for p in client.notifications("$/progress") if p["value"]["kind"] == "begin"]
    assert sorted(titles) == ["Kibitz: indexing shop", "Kibitz: indexing zoo"]
    status = client.call("kibitz/status")
    # What a folder's own file leaves out is left out there alone.
    assert [folder["index"]["files"] for folder in status["folders"]] == [2, 2]  # the second has its settings
    hits = client.call("kibitz/search", {"query": "feed the crocodile", "k": 3})["hits"]
    assert hits[0]["uri"] == (zoo / "zoo.py").as_uri()
    assert client.call("kibitz/search", {"query": "circle_area", "k": 3})["hits"][0]["path"] == "shapes.py"
    client.notify("workspace/didChangeWorkspaceFolders", {"event": {"removed": folders[:1], "added": []}})
    hits = client.call("kibitz/search", {"query": "circle_area", "k": 3})["hits"]
    assert all(hit["uri"].startswith(zoo.as_uri()) for hit in hits)
    assert client.shutdown() == 0


def test_a_saved_file_is_found_as_it_is_now(start_server: StartServer, shop: Path) -> None:
    client = start_server(KIBITZ_INDEX_ON_START="true")
    client.initialize(shop, BAR)
    client.wait_for(is_ready(2))
    new = shop / "zoo.py"
    new.write_text("def feed_the_crocodile() -> None:\n    ...\n", encoding="utf-8")
    client.notify("textDocument/didSave", {"textDocument": {"uri": new.as_uri()}})
    client.wait_for(is_ready(3))
    assert paths(client, "feed the crocodile")[0] == "zoo.py"
    assert client.shutdown() == 0


def test_a_file_that_another_program_writes_is_found(start_server: StartServer, shop: Path) -> None:
    client = start_server(KIBITZ_INDEX_ON_START="true")
    client.initialize(shop, BAR)
    client.wait_for(is_ready(2))
    assert client.call("kibitz/status")["watching"] == "events"
    (shop / "new").mkdir()
    (shop / "new" / "zoo.py").write_text("def feed_the_crocodile() -> None:\n    ...\n", encoding="utf-8")
    client.wait_for(is_ready(3))
    assert paths(client, "feed the crocodile")[0] == "new/zoo.py"
    assert client.shutdown() == 0


def test_a_workspace_is_searched_before_its_first_round_has_ended_and_by_all_legs_after_it(
    start_server: StartServer, shop: Path
) -> None:
    client = start_server(KIBITZ_INDEX_ON_START="true")
    client.initialize(shop, BAR)
    first = client.call("kibitz/search", {"query": "take money out of the account", "k": 2})
    assert first["hits"][0]["path"] == "bank.py"
    assert first["legs"] in (["scan"], ["lexical", "vector"])  # a machine may be quick
    client.wait_for(is_ready(2))
    answer = client.call("kibitz/search", {"query": "take money out of the account", "k": 2})
    assert (answer["legs"], answer["notes"]) == (["lexical", "vector"], [])
    assert answer["freshness"]["indexed_at"] > 0
    assert answer["freshness"]["behind"] == 0
    assert client.shutdown() == 0


def test_filters_and_regular_expressions(start_server: StartServer, shop: Path) -> None:
    client = start_server()
    client.initialize(shop, BAR)
    for indexed in (False, True):
        if indexed:
            client.call("kibitz/index")
        (hit,) = client.call("kibitz/search", {"query": "money radius", "filters": {"globs": ["sh*"]}})["hits"]
        assert hit["path"] == "shapes.py"
        answer = client.call("kibitz/search", {"query": r"def \w+_area", "regex": True})
        assert ([hit["start_line"] for hit in answer["hits"]], answer["legs"]) == ([4], ["regex"])
    kinds = client.call("kibitz/search", {"query": "money radius", "filters": {"kinds": ["function"]}})["hits"]
    assert [(hit["path"], hit["kind"]) for hit in kinds] == [("shapes.py", "function")]
    with pytest.raises(ErrorAnswer, match="did you mean 'python'"):
        client.call("kibitz/search", {"query": "money", "filters": {"languages": ["pyton"]}})
    with pytest.raises(ErrorAnswer, match="is not a regular expression"):
        client.call("kibitz/search", {"query": "(", "regex": True})
    assert client.shutdown() == 0


@pytest.mark.parametrize("query", ["", "?!", "close\0account\x1b[31m", "word " * 20_000, "数据库连接在哪里关闭"])
def test_any_question_is_answered(start_server: StartServer, shop: Path, query: str) -> None:
    client = start_server()
    client.initialize(shop, BAR)
    assert set(client.call("kibitz/search", {"query": query})) == {"hits", "legs", "freshness", "notes", "reranked_by"}
    client.call("kibitz/index")
    assert set(client.call("kibitz/search", {"query": query})) == {"hits", "legs", "freshness", "notes", "reranked_by"}
    assert client.shutdown() == 0


def test_indexing_on_request_reports_to_the_clients_token(start_server: StartServer, shop: Path) -> None:
    client = start_server()
    client.initialize(shop, BAR)
    without = client.call("kibitz/search", {"query": "withdraw"})
    assert (without["hits"][0]["path"], without["legs"]) == ("bank.py", ["scan"])
    assert "is not indexed yet" in without["notes"][0]
    report = client.call("kibitz/index", {"workDoneToken": "mine"})
    assert (report["files"], report["parsed_files"]) == (2, 2)
    kinds = [params["value"]["kind"] for params in client.notifications("$/progress") if params["token"] == "mine"]
    assert (kinds[0], kinds[-1]) == ("begin", "end")
    again = client.call("workspace/executeCommand", {"command": "kibitz.index"})
    assert (again["files"], again["parsed_files"]) == (2, 0)
    assert client.shutdown() == 0


@pytest.mark.parametrize("way", ["the bar", "$/cancelRequest", "shutdown"])
def test_a_round_that_is_called_off_ends_its_process(start_server: StartServer, shop: Path, way: str) -> None:
    client = start_server()
    client.initialize(shop, BAR)
    asked = client.request("kibitz/index", {"workDoneToken": "mine"})
    client.wait_for(is_begin)
    if way == "the bar":
        client.notify("window/workDoneProgress/cancel", {"token": "mine"})
    elif way == "$/cancelRequest":
        client.notify("$/cancelRequest", {"id": asked})
    else:
        client.request("shutdown")
    with pytest.raises(ErrorAnswer, match="-32800"):
        client.answer_to(asked)
    deadline = time.monotonic() + WAIT_S
    while children(client) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert children(client) == []
    if way != "shutdown":
        assert client.call("kibitz/index")["files"] == 2
        assert client.shutdown() == 0
    else:
        client.notify("exit")
        assert client.wait_for_exit() == 0


def is_begin(message: Message) -> bool:
    return message.get("method") == "$/progress" and message["params"]["value"]["kind"] == "begin"
