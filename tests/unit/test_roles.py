"""Who answers for which role: its own endpoint with its own key, or the general one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kibitz.prompts.templates.families import FAMILIES
from kibitz.server.app import build_app
from kibitz.server.chat.question import Question
from kibitz.server.config import Config, Secret, load
from kibitz.server.errors import ConfigError, NoModelError
from kibitz.server.llm.embeddings import OpenAIEmbedder
from kibitz.server.llm.openai_client import OpenAICompleter
from kibitz.server.llm.ports import ChatMessage
from kibitz.server.llm.sent import SentPrompts
from kibitz.server.models import Models, choose, embedder_for
from kibitz.server.roles import own_endpoint
from tests.fakes.openai_server import FakeOpenAI, Reply


@pytest.fixture
def config(tmp_path: Path) -> Config:
    environ = {"KIBITZ_DATA_DIR": str(tmp_path), "KIBITZ_CACHE_DIR": str(tmp_path), "KIBITZ_DETECT": "false"}
    return load(None, environ, user_file=tmp_path / "none.toml")


@asynccontextmanager
async def chosen(config: Config, sent: SentPrompts | None = None) -> AsyncIterator[Models]:
    models = await choose(config, sent)
    try:
        yield models
    finally:
        await models.close()


def places(models: Models) -> dict[str, str]:
    return {
        role: f"{model.name} {model.endpoint.shown if model.endpoint else ''}" for role, model in models.roles().items()
    }


async def test_one_endpoint_answers_for_all_roles(config: Config) -> None:
    with FakeOpenAI(models=("m",)) as server:
        async with chosen(replace(config, base_url=server.url)) as models:
            assert places(models) == dict.fromkeys(("chat", "edit", "completion"), f"m {server.url}")
            assert models.edits is models.chat


async def test_every_role_can_have_its_own_endpoint_and_model(config: Config) -> None:
    with (
        FakeOpenAI(models=("general", "big")) as general,
        FakeOpenAI(models=("qwen2.5-coder",)) as coder,
        FakeOpenAI(models=("first", "writer")) as editor,
    ):
        own = replace(config, base_url=general.url, completion_url=coder.url, edit_url=editor.url, edit_model="writer")
        async with chosen(replace(own, chat_model="big")) as models:
            assert places(models) == {
                "chat": f"big {general.url}",
                "edit": f"writer {editor.url}",
                "completion": f"qwen2.5-coder {coder.url}",
            }
            assert models.family is FAMILIES["qwen-coder"]
            assert isinstance(models.completer, OpenAICompleter)
            assert models.completes_at == f"{coder.url} qwen2.5-coder"


async def test_the_chats_own_model_is_not_asked_of_the_general_endpoint(config: Config) -> None:
    with FakeOpenAI(models=("small",)) as general, FakeOpenAI(models=("large",)) as chat:
        own = replace(config, base_url=general.url, chat_url=chat.url, chat_model="large")
        async with chosen(own) as models:
            assert places(models) == {
                "chat": f"large {chat.url}",
                "edit": f"large {chat.url}",
                "completion": f"small {general.url}",
            }


async def test_without_a_general_endpoint_the_chats_own_answers_for_all(config: Config) -> None:
    with FakeOpenAI(models=("m",)) as server:
        async with chosen(replace(config, chat_url=server.url)) as models:
            assert set(places(models).values()) == {f"m {server.url}"}
        with pytest.raises(NoModelError, match="There is no model to ask"):
            await choose(replace(config, completion_url=server.url))


async def test_an_edit_model_of_the_chats_endpoint_is_asked_for_edits_alone(config: Config) -> None:
    with FakeOpenAI(models=("m", "writer")) as server:
        async with chosen(replace(config, base_url=server.url, edit_model="writer")) as models:
            assert [place.split()[0] for place in places(models).values()] == ["m", "writer", "m"]


async def test_the_smallest_context_of_all_roles_counts(config: Config) -> None:
    listed = '{"data": [{"id": "%s", "context_length": %d}]}'
    with (
        FakeOpenAI([Reply(at="models", body=listed % ("a", 9000))]) as general,
        FakeOpenAI([Reply(at="models", body=listed % ("b", 4000))]) as coder,
    ):
        async with chosen(replace(config, base_url=general.url, completion_url=coder.url)) as models:
            assert models.context_tokens == 4000


async def test_a_key_goes_to_its_own_endpoint_and_no_other(config: Config) -> None:
    keys = replace(config, api_key=Secret("general"), edit_api_key=Secret("edits"), base_url="http://a/v1")
    assert own_endpoint(keys, "edit") is None
    edit, chat = (own_endpoint(replace(keys, **{f"{role}_url": "http://b/v1"}), role) for role in ("edit", "chat"))  # type: ignore[arg-type]
    assert edit is not None
    assert (edit.api_key, edit.key_variable) == ("edits", "KIBITZ_EDIT_API_KEY")
    assert chat is not None
    assert chat.api_key is None


async def test_roles_of_one_endpoint_wait_for_each_other_and_note_in_one_account(config: Config) -> None:
    sent = SentPrompts()
    with FakeOpenAI([Reply()], models=("qwen2.5-coder",)) as server:
        async with chosen(replace(config, base_url=server.url), sent) as models:
            assert isinstance(models.completer, OpenAICompleter)
            assert models.lines.to(models.completer.endpoint) is models.lines.to(models.chat.endpoint)  # type: ignore[arg-type]
            _ = [d async for d in models.completer.complete("x", max_tokens=1)]
            _ = [d async for d in models.chat.chat([ChatMessage("user", "y")], max_tokens=1)]
    assert [(each.text, each.messages) for each in sent.last(9)] == [(None, (ChatMessage("user", "y"),)), ("x", None)]


def test_the_embedder_has_its_own_endpoint(config: Config) -> None:
    with FakeOpenAI(models=("e",)) as server:
        embedder = embedder_for(replace(config, embedding_model="e", embedding_url=server.url))
        assert isinstance(embedder, OpenAIEmbedder)
        assert embedder.dim == 8
        embedder.close()
    with pytest.raises(ConfigError, match="needs an endpoint"):
        embedder_for(replace(config, embedding_model="e"))


async def test_the_app_tells_of_trouble_and_of_what_it_sent(tmp_path: Path) -> None:
    with FakeOpenAI([Reply(status=501)] * 3) as server:
        environ = {
            "KIBITZ_CACHE_DIR": str(tmp_path),
            "KIBITZ_CONFIG": str(tmp_path / "none"),
            "KIBITZ_BASE_URL": server.url,
        }
        app = build_app(tmp_path, environ=environ)
        assert app.status()["trouble"] is None
        for _ in range(3):
            rendered = await app.ask_prompt(Question("Where is it?"))
            with pytest.raises(Exception, match="HTTP 501"):
                _ = [delta async for delta in app.ask(rendered)]
        assert "3 times in a row" in app.status()["trouble"]
        (last,) = app.sent_prompts(1)
        assert "Where is it?" in last["messages"][-1]["content"]
        assert len(app.sent_prompts(20)) == 3
        await app.close()
