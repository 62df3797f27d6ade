"""`kibitz prompt --explain-latency`: which model and device are meant, and the table."""

import json
from typing import Any

import pytest

from kibitz.server.cli import run

FLAG = "--explain-latency"


def told(capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    assert run(["prompt", FLAG, "--json", *options]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return rows


def test_one_key_value_head_is_as_fast_at_256k_as_all_heads_at_8k(capsys: pytest.CaptureFixture[str]) -> None:
    rows = told(capsys, "--model", "llama-2-7b", "--model", "7b-mqa", "--prompts", "8k,256k", "--batches", "1,15")
    by = {(row["model"], row["prompt"], row["batch"]): row for row in rows}
    for batch in (1, 15):
        short, long = by["llama-2-7b", 8192, batch], by["7b-mqa", 262_144, batch]
        assert long["tokens_per_second"] == short["tokens_per_second"]
        assert long["bytes_per_step"] == short["bytes_per_step"]
    assert [by["llama-2-7b", length, 1]["fits"] for length in (8192, 262_144)] == [True, False]


def test_the_option_may_stand_anywhere_and_each_figure_can_be_overridden(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prompt", "--model", "llama-3-8b", "--kv-heads", "1", "--bandwidth", "100", FLAG, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)[0]
    assert (row["model"], row["device"], row["kv_bytes_per_token"]) == ("llama-3-8b, changed", "given", 16_384)
    assert row["memory_bound_tokens_per_second"] == pytest.approx(100e9 / row["bytes_per_step"])


def test_a_model_is_described_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    dimensions = ["--layers", "32", "--hidden", "4096", "--heads", "32", "--parameters", "7"]
    rows = told(capsys, *dimensions, "--prompts", "100", "--batches", "1")
    assert [(row["weight_bytes"], row["kv_bytes_per_token"]) for row in rows] == [(14e9, 524_288)]


def test_shared_tokens_bring_the_first_token_forward(capsys: pytest.CaptureFixture[str]) -> None:
    cold, warm = (told(capsys, "--prompts", "8k", "--shared", shared)[0] for shared in ("0", "8000"))
    assert warm["first_token_ms"] < cold["first_token_ms"] / 10
    assert warm["tokens_per_second"] == cold["tokens_per_second"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--layers", "3"], "needs --heads, --head-size, --parameters too"),
        (["--prompts", "1k,none"], "'none' is not a number above 0"),
        (["--model", "7b-mqa", "--model", "llama-2-7b", "--layers", "3"], "Dimensions describe one model"),
        (["--model", "gpt-9"], "'gpt-9' is not one of"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(
    options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["prompt", FLAG, *options]) == 2
    assert sentence in capsys.readouterr().err


def test_a_table_marks_what_does_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prompt", FLAG, "--prompts", "8k", "--batches", "15,16"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "llama-2-7b on a100-80g: 13.5 GB of weights, 512 KiB of cache a token"
    assert [line.split()[:3] for line in lines[2:4]] == [["8,192", "15", "15"], ["8,192", "16*", "15"]]


def test_a_question_may_name_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prompt", "ask", FLAG]) == 2
    assert "No such option" in capsys.readouterr().err
