"""`kibitz pack`: where the prompt goes, what is said of it, and what it costs."""

import json
import stat
from pathlib import Path

import pytest

from kibitz.indexer.errors import IndexBusyError
from kibitz.server.cli import run
from tests.fakes.workspaces import written

FILES = {
    "src/bank.py": "def withdraw(amount):\n    '''Take money out.'''\n    return amount\n",
    "src/bank.ts": "export function withdraw(amount: number) {\n  return amount;\n}\n",
    "notes.txt": "```\nnothing closes this\n```",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIBITZ_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("KIBITZ_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("KIBITZ_WORKERS", "1")
    return written(tmp_path / "work", FILES)


def test_the_prompt_alone_goes_to_stdout(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pack", str(root)]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("# Repository: work\n")
    assert "### notes.txt\n````txt\n```\nnothing closes this\n```\n````\n" in shown.out
    assert "3 texts, 0 files cut, 0 not shown" in shown.err
    assert run(["pack", str(root)]) == 0
    assert capsys.readouterr().out == shown.out


def test_it_is_written_whole_with_the_rights_of_any_file(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = root / "pack.md"
    beside = root / "beside.txt"
    beside.write_text("any")
    for _ in range(2):
        assert run(["pack", str(root), "--out", str(out)]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"{out}: " in shown.err
    assert out.read_text().count("# Repository: work") == 1
    assert "### pack.md" not in out.read_text()
    assert stat.S_IMODE(out.stat().st_mode) == stat.S_IMODE(beside.stat().st_mode)
    assert sorted(one.name for one in root.iterdir()) == ["beside.txt", "notes.txt", "pack.md", "src"]


def test_an_interrupt_leaves_the_file_as_it_was(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    out = root.parent / "pack.md"
    out.write_text("as it was")
    monkeypatch.setattr("pathlib.Path.replace", interrupted)
    monkeypatch.setattr("kibitz.server.cli.pack.ensure_indexed", lambda _: None)
    assert run(["pack", str(root), "--out", str(out)]) == 130
    assert out.read_text() == "as it was"
    assert [one.name for one in root.parent.glob("pack.md*")] == ["pack.md"]
    assert capsys.readouterr().out == ""


def test_json_says_what_is_in_it_and_what_it_costs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = []
    for _ in range(2):
        assert run(["pack", str(root), "--json", "--price", "2", "--cached-price", "0.5"]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    first, second = answers
    assert [one["path"] for one in first["files"]] == sorted(FILES)
    assert (first["total"], first["budget"], first["tokenizer"], first["exact"]) == (3, 1_000_000, "o200k_base", True)
    assert (first["shared_tokens"], first["cached_cost"]) == (None, None)
    assert first["cost"] == pytest.approx(first["tokens"] * 2e-6)
    assert second["text"] == first["text"]
    assert second["cached_cost"] == pytest.approx(second["cost"] - second["shared_tokens"] * 1.5e-6)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--budget", "5"], 1, "Not one file fits 5 tokens: give a larger budget."),
        (["--budget", "0"], 2, "0 is not in the range"),
        (["--price", "-1"], 2, "-1.0 is not in the range"),
        (["--cached-price", "1"], 2, "--cached-price needs --price"),
        (["--out", "/"], 1, "Is a directory"),
    ],
)
def test_a_failure_is_one_sentence(
    root: Path, arguments: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["pack", str(root), *arguments]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert sentence in shown.err


def test_there_must_be_something_to_pack(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "empty").mkdir()
    assert run(["pack", str(root / "empty")]) == 1
    assert "kibitz: There is nothing to pack in " in capsys.readouterr().err


def test_an_index_that_another_process_is_making_is_not_waited_for(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def busy(app: object) -> None:
        raise IndexBusyError("Another process is indexing.")

    monkeypatch.setattr("kibitz.server.cli.pack.ensure_indexed", busy)
    assert run(["pack", str(root)]) == 0
    shown = capsys.readouterr()
    assert shown.out.count("### ") == 3
    assert "packed without a map: Another process is indexing." in shown.err


def test_a_question_stands_last(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pack", str(root), "--question", "how is money taken out?"]) == 0
    assert capsys.readouterr().out.endswith("## Question\n\nhow is money taken out?\n")
