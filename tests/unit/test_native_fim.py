"""Filling in the middle by a server's own route: whether it is one is asked once, and its answers are compared."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.config import Config, load
from kibitz.server.llm.endpoint import Endpoint
from kibitz.server.llm.line import Line
from kibitz.server.llm.native_fim import FILE, NATIVE, native_form
from kibitz.server.models import Models, choose, settled
from tests.fakes.openai_server import FakeOpenAI, Reply

AT = Snapshot("a.py", 1, "def add(a, b):\n    return ", "\n\nprint(add(1, 2))\n", "python")


def config(server: FakeOpenAI, folder: Path, **settings: str) -> Config:
    environ = {"KIBITZ_CACHE_DIR": str(folder), "KIBITZ_BASE_URL": server.url, **settings}
    return load(None, environ, user_file=folder / "none.toml")


@asynccontextmanager
async def chosen(server: FakeOpenAI, folder: Path, **settings: str) -> AsyncIterator[Models]:
    asked = config(server, folder, **settings)
    models = await settled(await choose(asked), asked)
    try:
        yield models
    finally:
        await models.close()


async def completed(models: Models, prompt: str) -> str:
    deltas = [d async for d in models.completer.complete(prompt, max_tokens=5, stop=("\n",))]  # type: ignore[union-attr]
    assert deltas[-1].finish_reason in ("stop", "length")
    return "".join(delta.text for delta in deltas)


async def test_a_server_that_heeds_a_suffix_is_sent_one(tmp_path: Path) -> None:
    with FakeOpenAI([Reply(pieces=("a + b",))], fim="suffix") as server:
        async with chosen(server, tmp_path) as models:
            assert models.family is NATIVE
            assert await completed(models, f"before{NATIVE.suffix}after") == "a + b"
    sent = server.requests[-1]
    assert (sent.path, sent.body["prompt"], sent.body["suffix"]) == ("/v1/completions", "before", "after")


@pytest.mark.parametrize("fim", ["", "ignored", "random"])
async def test_a_server_that_refuses_ignores_or_guesses_is_asked_by_chat(fim: str, tmp_path: Path) -> None:
    with FakeOpenAI(fim=fim) as server:
        async with chosen(server, tmp_path) as models:
            assert (models.family, models.untried) == (None, False)
    assert server.probes


async def test_llama_cpp_fills_in_the_middle_where_its_model_can(tmp_path: Path) -> None:
    def event(content: str, **more: object) -> str:
        return f"data: {json.dumps({'content': content, 'stop': False, **more})}\n\n"

    body = event("a + ") + event("b") + event("", stop=True, stop_type="limit")
    with FakeOpenAI([Reply(at="infill", body=body)], llama_cpp=True, fim="infill") as server:
        async with chosen(server, tmp_path) as models:
            assert await completed(models, f"before{NATIVE.suffix}after") == "a + b"
    sent = server.requests[-1]
    assert sent.path == "/infill"
    assert sent.body | {"model": "fake"} == {
        "model": "fake",
        "input_prefix": "before",
        "input_suffix": "after",
        "n_predict": 5,
        "temperature": 0.0,
        "stop": ["\n"],
        "stream": True,
    }
    assert [probe.path for probe in server.probes] == ["/infill"]


async def test_llama_cpp_whose_model_cannot_is_asked_whether_it_heeds_a_suffix(tmp_path: Path) -> None:
    with FakeOpenAI(llama_cpp=True, fim="ignored") as server:
        async with chosen(server, tmp_path) as models:
            assert models.family is None
    assert [probe.path for probe in server.probes] == ["/infill", *["/v1/completions"] * 3]


async def test_what_was_found_out_is_remembered(tmp_path: Path) -> None:
    with FakeOpenAI(fim="suffix") as server:
        for _ in range(2):
            async with chosen(server, tmp_path) as models:
                assert models.family is NATIVE
        assert len(server.probes) == 3
        (tmp_path / FILE).write_text("{damaged")
        async with chosen(server, tmp_path):
            assert len(server.probes) == 6


async def test_a_server_that_fails_is_asked_another_time(tmp_path: Path) -> None:
    with FakeOpenAI(fim="broken") as server:
        assert await native_form(Endpoint(server.url), "fake", Line(), tmp_path) is None
    assert not (tmp_path / FILE).exists()


async def test_a_known_family_and_a_setting_ask_nothing(tmp_path: Path) -> None:
    with FakeOpenAI(models=("qwen2.5-coder",), fim="suffix") as server:
        async with chosen(server, tmp_path) as models:
            assert models.family is not NATIVE
        async with chosen(server, tmp_path, KIBITZ_FIM_FAMILY="none") as models:
            assert models.family is None
        assert server.probes == []
        async with chosen(server, tmp_path, KIBITZ_FIM_FAMILY="native") as models:
            assert models.family is NATIVE


async def test_the_prompt_keeps_what_is_before_and_after_the_cursor_apart(tmp_path: Path) -> None:
    from kibitz.server.app import build_app

    with FakeOpenAI([Reply(pieces=("a + b",))], fim="suffix") as server:
        environ = {
            "KIBITZ_CACHE_DIR": str(tmp_path),
            "KIBITZ_CONFIG": str(tmp_path / "none"),
            "KIBITZ_BASE_URL": server.url,
        }
        app = build_app(tmp_path, environ=environ)
        shown = await app.suggest(AT)
        await app.close()
    assert shown is not None
    assert shown.text == "a + b"
    sent = server.requests[-1].body
    assert sent["prompt"].endswith("def add(a, b):\n    return ")
    assert sent["suffix"] == AT.suffix
