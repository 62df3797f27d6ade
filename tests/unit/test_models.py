"""Which model is chosen."""

from dataclasses import replace
from pathlib import Path

import pytest

from kibitz.server.config import Config, load
from kibitz.server.errors import NoModelError
from kibitz.server.llm import detect
from kibitz.server.llm.detect import LocalServer
from kibitz.server.models import choose
from tests.fakes.openai_server import FakeOpenAI


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(None, {"KIBITZ_DATA_DIR": str(tmp_path)}, user_file=tmp_path / "none.toml")


def usual_ports(monkeypatch: pytest.MonkeyPatch, *servers: FakeOpenAI) -> None:
    local = tuple(LocalServer("ollama", "Ollama", server.port) for server in servers)
    monkeypatch.setattr(detect.detect, "__kwdefaults__", {**(detect.detect.__kwdefaults__ or {}), "servers": local})


async def test_a_local_server_without_a_model_does_not_hide_the_next_one(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI(models=()) as empty, FakeOpenAI(models=("llama3.2",)) as full:
        usual_ports(monkeypatch, empty, full)
        models = await choose(config)
    assert models.chat.name == "llama3.2"
    await models.close()


async def test_a_local_server_without_a_model_is_as_good_as_none(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI(models=()) as empty:
        usual_ports(monkeypatch, empty)
        with pytest.raises(NoModelError, match="There is no model to ask"):
            await choose(config)


async def test_an_embedder_is_not_asked_questions(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOpenAI(models=("nomic-embed-text", "qwen2.5-coder:7b")) as server:
        usual_ports(monkeypatch, server)
        models = await choose(config)
    assert models.chat.name == "qwen2.5-coder:7b"
    await models.close()


async def test_a_model_file_in_a_home_that_is_not_there_is_a_sentence(config: Config) -> None:
    pytest.importorskip("xllamacpp")
    with pytest.raises(NoModelError, match="no model file"):
        await choose(replace(config, local_model="~nosuchuser/x.gguf"))
