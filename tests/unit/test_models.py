"""Which model is chosen."""

from dataclasses import replace
from pathlib import Path

import pytest

from kibitz.server.config import Config, load
from kibitz.server.errors import NoModelError
from kibitz.server.llm import detect
from kibitz.server.llm.detect import LocalServer
from kibitz.server.models import budgets_for, choose
from tests.fakes.openai_server import FakeOpenAI, Reply


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


async def test_no_budget_is_larger_than_the_models_context(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = '{"data": [{"id": "chat", "context_length": 1500}, {"id": "coder", "context_length": 900}]}'
    with FakeOpenAI([Reply(at="models", body=listed)] * 2) as server:
        usual_ports(monkeypatch, server)
        models = await choose(replace(config, completion_model="coder"))
        told = await choose(replace(config, context_tokens=32_768))
    assert (models.context_tokens, told.context_tokens) == (900, 32_768)
    fitted = budgets_for(models, config)
    budgets = (fitted.ask_budget_tokens, fitted.edit_budget_tokens, fitted.completion_budget_tokens)
    assert budgets == (900, 900, 900)
    assert (fitted.answer_tokens, fitted.edit_tokens) == (450, 450)
    assert budgets_for(told, config).ask_budget_tokens == config.ask_budget_tokens
    for each in (models, told):
        await each.close()
