"""`kibitz symbol`, `kibitz outline` and `kibitz map`."""

import json
from pathlib import Path

import pytest

from kibitz.indexer import index
from kibitz.indexer.embed.static import load_static
from kibitz.server.cli import run
from tests.fakes.parsing import InProcessPool

FILES = {
    "src/session.py": (
        "from src.pool import Pool\n\n\nclass Session:\n    def close(self):\n        Pool().give_back()\n"
    ),
    "src/pool.py": "class Pool:\n    def give_back(self):\n        pass\n",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIBITZ_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("KIBITZ_CACHE_DIR", str(tmp_path / "cache"))
    for path, text in FILES.items():
        (tmp_path / "work" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "work" / path).write_text(text, "utf-8")
    root = tmp_path / "work"
    index.update(root, cache_dir=tmp_path / "cache", embedder=load_static(), pool=InProcessPool())
    monkeypatch.chdir(root)
    return root


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(arguments) == 0
    return capsys.readouterr().out


@pytest.mark.usefixtures("root")
def test_a_symbol_is_shown_with_its_head_and_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "symbol", "giveBack") == "src/pool.py:2  method  Pool.give_back\n    def give_back(self)\n"
    assert said(capsys, "symbol", "give_back", "--references") == (
        "src/session.py:6  call  Session.close\n    Pool().give_back()\n"
    )
    assert said(capsys, "symbol", "give_back", "--callers") == (
        "src/session.py:6  method  Session.close\n    def close(self)\n"
    )


@pytest.mark.usefixtures("root")
def test_places_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(said(capsys, "symbol", "Session.close", "--json")) == [
        {
            "path": "src/session.py",
            "start_line": 5,
            "end_line": 6,
            "lines": [5],
            "kind": "method",
            "symbol": "Session.close",
            "text": "def close(self)",
        }
    ]
    assert json.loads(said(capsys, "symbol", "nothing", "--json")) == []


@pytest.mark.usefixtures("root")
def test_what_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["symbol", "nothing"]) == 0
    assert capsys.readouterr().err == "Nothing of this name is defined.\n"
    assert run(["symbol", "Session", "--in", "src/pool.py", "--callers"]) == 0
    assert capsys.readouterr().err == "Nothing calls it.\n"


@pytest.mark.usefixtures("root")
def test_an_outline_has_lines_and_heads(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "outline", "src/pool.py") == "     1 class Pool\n     2   def give_back(self)\n"
    assert [one["symbol"] for one in json.loads(said(capsys, "outline", "src/pool.py", "--json"))] == [
        "Pool",
        "Pool.give_back",
    ]


@pytest.mark.usefixtures("root")
def test_a_map_has_files_and_their_definitions(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "map") == "src/pool.py\n     1 class Pool\n     2   def give_back(self)\n"
    assert said(capsys, "map", "--lines", "2") == "src/pool.py\n     1 class Pool\n"
    shown = json.loads(said(capsys, "map", "src/session.py", "--focus", "Pool", "--json"))
    assert [file["path"] for file in shown["files"]] == ["src/pool.py"]
    assert shown["total"] == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["map", "none.py"], "none.py is not in the index: `kibitz status none.py` says why."),
        (["outline", "none.py"], "There is no file none.py."),
        (["outline", "data"], "data is no text."),
    ],
)
def test_a_wrong_file_is_one_sentence(
    arguments: list[str], sentence: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "data").write_bytes(bytes(range(256)))
    assert run(arguments) == 1
    assert capsys.readouterr().err == f"kibitz: {sentence}\n"
