"""`kibitz search`: filters, what an answer says of itself, and questions of every sort."""

import json
from pathlib import Path
from typing import Any

import pytest

from kibitz.indexer.errors import IndexBusyError
from kibitz.server.cli import run
from tests.fakes.workspaces import written

FILES = {
    "src/bank.py": "def withdraw(amount):\n    '''Take money out.'''\n    return amount\n",
    "src/bank.ts": "export function withdraw(amount: number) {\n  return amount;\n}\n",
    "tests/test_bank.py": "def test_withdraw():\n    assert withdraw(3) == 3\n",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("search") / "work", FILES)


@pytest.fixture(autouse=True)
def own_folders(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIBITZ_CONFIG", str(root.parent / "none.toml"))
    monkeypatch.setenv("KIBITZ_CACHE_DIR", str(root.parent / "cache"))
    monkeypatch.setenv("KIBITZ_WORKERS", "1")


def found(root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(["search", "--path", str(root), "--json", *arguments]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def paths(answer: dict[str, Any]) -> set[str]:
    return {hit["path"] for hit in answer["results"]}


def test_an_answer_says_which_legs_ran_and_how_fresh_it_is(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = found(root, capsys, "withdraw")
    assert paths(answer) == set(FILES)
    assert (answer["legs"], answer["notes"], answer["lacking"]) == (["lexical", "vector"], [], 0)
    freshness = answer["freshness"]
    assert freshness.pop("indexed_at") > 0
    assert freshness == {"indexing": False, "behind": None, "ahead": 0, "lacking": 0}
    assert (answer["results"][0]["kind"], answer["results"][0]["stale"]) == ("function", False)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--language", "py"], {"src/bank.py", "tests/test_bank.py"}),
        (["--language", "python", "--language", "typescript", "--glob", "src/**"], {"src/bank.py", "src/bank.ts"}),
        (["--glob", "!tests/**", "--glob", "!*.ts"], {"src/bank.py"}),
        (["--kind", "function", "--in", "tests"], {"tests/test_bank.py"}),
        (["--kind", "class"], set()),
        (["--regex", "--glob", "*.ts"], {"src/bank.ts"}),
    ],
)
def test_filters_narrow(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: set[str]
) -> None:
    assert paths(found(root, capsys, *arguments, "withdraw")) == expected


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--language", "pyhton", "x"], "There is no language 'pyhton': did you mean 'python'?"),
        (["--kind", "functions", "x"], "There is no kind 'functions': did you mean 'function'?"),
        (["--glob", "", "x"], "'' is no glob"),
        ([""], "Give a question"),
        (["  ", "\t"], "Give a question"),
    ],
)
def test_wrong_usage_is_a_sentence(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert run(["search", "--path", str(root), *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert sentence in shown.err


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?!", "There are no words in the question: a regular expression finds punctuation."),
        ("withdraw " * 12_000, "Only the first 4000 characters of the question were looked at."),
        ("with\x1b[31mdraw\x07", ""),
        ("数据库连接在哪里关闭", ""),
        ("Geldbeträge überweisen", ""),
    ],
)
def test_any_question_has_an_answer(root: Path, capsys: pytest.CaptureFixture[str], query: str, said: str) -> None:
    assert run(["search", "--path", str(root), "-k", "1", query]) == 0
    shown = capsys.readouterr()
    assert shown.err.replace("Nothing found.\n", "") == (f"kibitz: {said}\n" if said else "")


def test_an_index_that_another_process_is_making_is_not_waited_for_without_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def busy(app: object) -> None:
        raise IndexBusyError("Another process is indexing.")

    monkeypatch.setattr("kibitz.server.cli.search.ensure_indexed", busy)
    answer = found(written(tmp_path / "work", FILES), capsys, "take money out")
    assert (answer["results"][0]["path"], answer["legs"]) == ("src/bank.py", ["scan"])
    assert "Until then words are looked for in the files themselves, here in 3." in answer["notes"][0]
