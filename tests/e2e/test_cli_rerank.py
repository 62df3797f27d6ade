"""The second stage of search from outside: a scripted reranker on loopback, and MiniLM for real where it is."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kibitz.server.config import load
from kibitz.server.errors import NoModelError
from kibitz.server.llm import model_store
from tests.e2e.conftest import new_user
from tests.fakes.openai_server import FakeOpenAI, Reply

QUESTION = "take money out of an account"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(shop: Path, tmp_path: Path) -> Run:
    def run(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "kibitz.server", *arguments]
        env = new_user(tmp_path / "home", **settings)
        return subprocess.run(command, cwd=shop, env=env, capture_output=True, text=True, timeout=120, check=False)

    return run


def reranked(server: FakeOpenAI, **more: str) -> dict[str, str]:
    settings = {"KIBITZ_RERANK": "fake", "KIBITZ_RERANK_URL": server.url, "KIBITZ_RERANK_WEIGHT": "1"}
    return settings | {"KIBITZ_RERANK_MS": "60000"} | more


def found(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def places(answer: dict[str, Any]) -> list[tuple[str, int]]:
    return [(hit["path"], hit["start_line"]) for hit in answer["results"]]


def asked(server: FakeOpenAI) -> list[str]:
    return [request.path for request in server.requests]


def test_search_is_ordered_by_the_reranker_and_says_so(run: Run) -> None:
    plain = found(run("search", "--json", QUESTION))
    assert (plain["reranked_by"], plain["notes"]) == ("", [])
    last = len(plain["results"]) - 1
    rows = [{"index": n, "relevance_score": float(n)} for n in range(last + 1)]
    with FakeOpenAI([Reply(at="rerank", body=json.dumps({"results": rows}))]) as server:
        answer = found(run("search", "--json", QUESTION, **reranked(server)))
        first = found(run("search", "--json", "--no-rerank", QUESTION, **reranked(server)))
    assert first | {"ms": 0} == plain | {"ms": 0}
    assert (answer["reranked_by"], answer["notes"]) == ("fake", [])
    assert places(answer) == places(plain)[::-1]
    assert asked(server) == ["/v1/rerank"]
    assert server.requests[0].body["query"] == QUESTION


def test_a_reranker_that_is_busy_costs_the_order_and_not_the_answer(run: Run) -> None:
    plain = found(run("search", "--json", QUESTION))
    with FakeOpenAI([Reply(at="rerank", status=429)]) as server:
        answer = found(run("search", "--json", QUESTION, **reranked(server)))
    assert places(answer) == places(plain)
    assert answer["reranked_by"] == ""
    (note,) = answer["notes"]
    assert "is over its rate limit" in note
    assert "the hits are in the order of the first stage" in note


def test_a_filter_holds_for_what_is_read_again_and_lines_are_not(run: Run, shop: Path) -> None:
    (shop / "bank.ts").write_text("// take money out of an account\n", "utf-8")
    with FakeOpenAI() as server:
        answer = found(run("search", "--json", "--language", "python", QUESTION, **reranked(server)))
        lines = found(run("search", "--json", "--regex", "account", **reranked(server)))
    read = {text.split()[0] for text in server.requests[0].body["documents"]}
    assert read == {path for path, _ in places(answer)} == {"bank.py", "shapes.py"}
    assert (answer["reranked_by"], lines["reranked_by"], asked(server)) == ("fake", "", ["/v1/rerank"])


def test_a_question_is_reranked_and_a_completion_never(run: Run, shop: Path) -> None:
    run("index")
    with FakeOpenAI([Reply(at="rerank", status=500)] * 2) as ranker, FakeOpenAI([Reply(pieces=("x",))] * 3) as model:
        settings = reranked(ranker, KIBITZ_BASE_URL=model.url, KIBITZ_CHAT_MODEL="fake")
        assert run("complete", "bank.py:14:9", **settings).returncode == 0
        assert asked(ranker) == []
        done = run("ask", QUESTION, **settings)
        assert (done.returncode, done.stdout[:1]) == (0, "x")
        assert "the hits are in the order of the first stage" in done.stderr
        assert set(asked(ranker)) == {"/v1/rerank"}
    assert set(asked(model)) <= {"/v1/models", "/v1/chat/completions", "/v1/completions"}


def test_asking_for_a_reranker_that_is_not_set_says_what_to_set(run: Run) -> None:
    done = run("search", "--rerank", QUESTION)
    assert done.returncode == 1
    assert done.stderr == "kibitz: There is no reranker: set rerank to minilm, or to a model of rerank_url.\n"


def test_the_doctor_tells_whether_the_reranker_answers(run: Run) -> None:
    with FakeOpenAI() as server:
        checks = {check["name"]: check for check in json.loads(run("doctor", "--json", **reranked(server)).stdout)}
    assert checks["reranker"] == {"name": "reranker", "state": "ok", "detail": "fake answers"}
    assert server.requests[0].body["documents"] == ["ready", "steady"]
    missing = {check["name"]: check for check in json.loads(run("doctor", "--json", KIBITZ_RERANK="minilm").stdout)}
    assert missing["reranker"]["state"] == "bad"


@pytest.mark.minilm
def test_minilm_reads_the_best_hits_again(run: Run) -> None:
    if importlib.util.find_spec("onnxruntime") is None:
        pytest.skip("ONNX Runtime is not installed: pip install 'kibitz[minilm]'")
    data_dir = load(None, os.environ).data_dir
    try:
        model_store.path_of("minilm", data_dir)
    except NoModelError as error:
        pytest.skip(str(error))
    settings = {"KIBITZ_RERANK": "minilm", "KIBITZ_RERANK_MS": "60000", "KIBITZ_DATA_DIR": str(data_dir)}
    answer = found(run("search", "--json", "withdraw cash", **settings))
    assert (answer["reranked_by"], answer["notes"]) == ("minilm", [])
    assert answer["results"][0]["path"] == "bank.py"
