"""The embedded model's process: what is refused before it starts, and what is said when it does not."""

import asyncio
import importlib.util
from pathlib import Path

import pytest

from kibitz.server.errors import ModelError, NoModelError
from kibitz.server.llm import embedded
from kibitz.server.llm.embedded import EmbeddedModel
from kibitz.server.llm.ports import ChatMessage
from tests.fakes.openai_server import FakeOpenAI, Reply


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "check_engine", lambda: None)


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"GGUF")
    return path


def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Put a program in the engine's place."""
    script = tmp_path / "engine.py"
    script.write_text("import json, sys\nwish = json.loads(sys.stdin.readline())\n" + "\n".join(lines))
    monkeypatch.setattr(embedded, "ENGINE", script)


async def appears(path: Path) -> None:
    """Wait for a file that another process makes."""
    while not path.exists():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NoModelError, match=r"There is no model file .*none\.gguf: add one with: kibitz model add"):
        EmbeddedModel(tmp_path / "none.gguf")


@pytest.mark.parametrize("content", [b"", b"GG", b"PK\3\4", b"<!DOCTYPE html>"])
def test_a_file_that_is_no_gguf_is_refused_before_the_engine_sees_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "page.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"page\.gguf is not a GGUF model file\."):
        EmbeddedModel(path)


def test_a_missing_engine_says_how_to_install_it(gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NoModelError, match=r"Install the embedded engine with: pip install 'kibitz\[local\]'"):
        EmbeddedModel(gguf)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("print(json.dumps({'error': 'engine'}))", "does not load on this machine"),
        ("print(json.dumps({'error': 'model'}))", "is not a model that the embedded engine can run"),
        ("raise SystemExit(1)", "ended while it loaded"),
        ("import os; os.abort()", "ended while it loaded"),
        ("print('llama.cpp says hello')", "ended while it loaded"),
        ("print('[]')", "ended while it loaded"),
    ],
)
async def test_an_engine_that_does_not_start_is_a_sentence(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, sentence: str
) -> None:
    engine(tmp_path, monkeypatch, line)
    model = EmbeddedModel(gguf)
    with pytest.raises(ModelError, match=sentence):
        await model.start()
    assert model.endpoint is None
    await model.close()


async def test_answers_come_from_the_engines_endpoint_with_its_key(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI([Reply(pieces=("from", " inside"))], models=("tiny",)) as server:
        engine(tmp_path, monkeypatch, f"print(json.dumps({{'url': {server.url!r}}}), flush=True)", "sys.stdin.read()")
        model = EmbeddedModel(gguf)
        texts = [delta.text async for delta in model.chat([ChatMessage("user", "hi")], max_tokens=5)]
        texts += [delta.text async for delta in model.complete("def ", max_tokens=5)]
        assert (model.name, model.endpoint is not None) == ("tiny", True)
        await model.close()
    assert texts == ["from", " inside", "", "from", " inside", ""]
    assert [request.has_key for request in server.requests] == [True, True]


async def test_an_engine_that_died_is_started_again(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI([Reply()], models=("tiny",)) as server:
        starts = tmp_path / "starts"
        engine(
            tmp_path,
            monkeypatch,
            f"open({str(starts)!r}, 'a').write(wish['name'] + '\\n')",
            f"print(json.dumps({{'url': {server.url!r}}}), flush=True)",
            "sys.stdin.read()",
        )
        model = EmbeddedModel(gguf)
        await model.start()
        await model.start()
        assert model._engine is not None
        model._engine.kill()
        model._engine.wait()
        assert [d.finish_reason async for d in model.chat([ChatMessage("user", "hi")], max_tokens=5)][-1] == "stop"
        await model.close()
    assert starts.read_text() == "tiny\ntiny\n"


async def test_a_question_that_is_called_off_leaves_the_engine_starting_for_the_next_one(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI([Reply(pieces=("hi",))], models=("tiny",)) as server:
        starts, go = tmp_path / "starts", tmp_path / "go"
        engine(
            tmp_path,
            monkeypatch,
            "import os, time",
            f"open({str(starts)!r}, 'a').write(wish['name'] + '\\n')",
            f"while not os.path.exists({str(go)!r}): time.sleep(0.01)",
            f"print(json.dumps({{'url': {server.url!r}}}), flush=True)",
            "sys.stdin.read()",
        )
        model = EmbeddedModel(gguf)
        first = asyncio.create_task(model.start())
        await appears(starts)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go.touch()
        texts = [delta.text async for delta in model.chat([ChatMessage("user", "hi")], max_tokens=5)]
        await model.close()
    assert (texts[0], starts.read_text()) == ("hi", "tiny\n")


async def test_closing_ends_an_engine_that_is_still_loading(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "started"
    engine(tmp_path, monkeypatch, f"open({str(started)!r}, 'w').close()", "sys.stdin.read()")
    model = EmbeddedModel(gguf)
    question = asyncio.create_task(model.start())
    await appears(started)
    await model.close()
    with pytest.raises(ModelError):
        await question
    assert model.endpoint is None
