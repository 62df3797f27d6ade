"""`kibitz prompt replay`: exit codes, sentences, JSON."""

import json
from pathlib import Path

import pytest

from kibitz.prompts.dump import dump
from kibitz.prompts.nodes import fragment, scope, system, user
from kibitz.prompts.render import render
from kibitz.prompts.tokens import TiktokenTokenizer
from kibitz.server.cli import run


@pytest.fixture
def dumped(tmp_path: Path) -> Path:
    tree = fragment(system("Be brief."), user(scope("notes\n", p=1, name="notes"), "Why?"))
    rendered = render(tree, budget_tokens=50, tokenizer=TiktokenTokenizer("o200k_base"))
    file = tmp_path / "prompt.json"
    file.write_text(dump(rendered, version="0.0.1"), encoding="utf-8")
    return file


def test_the_same_prompt_exits_with_0(dumped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prompt", "replay", str(dumped)]) == 0
    assert capsys.readouterr().out == "The same prompt.\n"


def test_another_prompt_exits_with_1_and_shows_the_difference(dumped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prompt", "replay", str(dumped), "--budget", "16"]) == 1
    shown = capsys.readouterr()
    assert "--- then\n+++ now\n" in shown.out
    assert "\n-notes\n" in shown.out
    assert shown.err == ""


def test_a_budget_that_nothing_fits_is_a_difference(dumped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = dumped.with_name("page.html")
    assert run(["prompt", "replay", str(dumped), "--budget", "2", "--html", str(page)]) == 1
    assert "+The prompt does not fit 2 tokens" in capsys.readouterr().out
    assert not page.exists()


def test_json_tells_the_prompt_and_the_difference(dumped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = dumped.with_name("page.html")
    assert run(["prompt", "replay", str(dumped), "--json", "--html", str(page)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["same"], told["diff"], told["dumped_by"]) == (True, "", "0.0.1")
    assert [part["enters"] for part in told["parts"]] == [16, 18, 16]
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe\x00", b"import os"])
def test_what_is_no_dump_is_one_sentence(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "other.json"
    file.write_bytes(content)
    assert run(["prompt", "replay", str(file)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"kibitz: {file}: This is no dump of a prompt: ")
    assert said.count("\n") == 1


def test_a_dump_that_is_not_there_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prompt", "replay", str(tmp_path / "none.json")]) == 1
    assert "No such file" in capsys.readouterr().err
