"""llama.cpp's real server: what it is found to be, and each way in which it is asked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from kibitz.prompts.nodes import assistant, fragment, reserve, scope, system, user
from kibitz.server.config import Config, load
from kibitz.server.counting import Counters
from kibitz.server.errors import ModelError
from kibitz.server.llm.detect import LocalServer, detect
from kibitz.server.llm.embeddings import OpenAIEmbedder
from kibitz.server.llm.endpoint import Endpoint
from kibitz.server.llm.native_fim import NATIVE
from kibitz.server.llm.openai_client import OpenAICompleter
from kibitz.server.llm.ports import ChatMessage, Delta
from kibitz.server.models import Models, choose, settled
from kibitz.server.rendering import rendered_within
from tests.e2e.llama_server import CONTEXT, NAME, llama_server, with_fim_tokens
from tests.e2e.test_embedded_model import smollm2, told_tokens

pytestmark = pytest.mark.model
QUESTION = [ChatMessage("user", "Write a Python function that reverses a string.")]


@pytest.fixture(scope="module")
def plain() -> Iterator[str]:
    """A server whose model has no tokens to fill in the middle, started without --embeddings."""
    with llama_server(smollm2()) as url:
        yield url


@pytest.fixture(scope="module")
def able(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose model says that it fills in the middle, started with --embeddings."""
    with llama_server(with_fim_tokens(smollm2(), tmp_path_factory.mktemp("able") / "fim.gguf"), embeds=True) as url:
        yield url


def config(url: str, folder: Path) -> Config:
    environ = {"KIBITZ_CACHE_DIR": str(folder), "KIBITZ_BASE_URL": url, "KIBITZ_DETECT": "false"}
    return load(None, environ, user_file=folder / "none.toml")


@contextlib.asynccontextmanager
async def chosen(url: str, folder: Path) -> AsyncIterator[Models]:
    asked = config(url, folder)
    models = await settled(await choose(asked), asked)
    try:
        yield models
    finally:
        await models.close()


async def completed(models: Models, prompt: str, *, max_tokens: int, stop: Sequence[str] = ()) -> list[Delta]:
    assert isinstance(models.completer, OpenAICompleter)
    return [d async for d in models.completer.complete(prompt, max_tokens=max_tokens, stop=stop)]


async def test_it_is_found_at_its_port_with_its_model_and_context(plain: str) -> None:
    port = urlsplit(plain).port
    assert port is not None
    found, probes = await detect({}, servers=(LocalServer("ollama", "Ollama", port),))  # what it says counts
    assert [(one.endpoint.kind, one.models, dict(one.contexts)) for one in found] == [
        ("llama.cpp", (NAME,), {NAME: CONTEXT})
    ]
    assert probes[-1].ok


async def test_a_model_without_such_tokens_does_not_fill_in_the_middle(plain: str, tmp_path: Path) -> None:
    async with chosen(plain, tmp_path) as models:
        assert (models.family, models.untried) == (None, False)
        text = "".join([delta.text async for delta in models.chat.chat(QUESTION, max_tokens=40)])
    assert "def " in text
    assert '"none"' in (tmp_path / "fim.json").read_text("utf-8")


async def test_a_model_with_such_tokens_is_asked_by_infill(able: str, tmp_path: Path) -> None:
    async with chosen(able, tmp_path) as models:
        assert models.family is NATIVE
        prompt = f'colour = "{NATIVE.suffix}"\n'
        cut = await completed(models, prompt, max_tokens=2)
        text = "".join(delta.text for delta in cut)
        assert len(text) > 2
        assert [delta.finish_reason for delta in cut if delta.finish_reason] == ["length"]
        stopped = await completed(models, prompt, max_tokens=2, stop=(text[2:],))
        assert "".join(delta.text for delta in stopped) == text[:2]
        assert [delta.finish_reason for delta in stopped if delta.finish_reason] == ["stop"]
    assert '"infill"' in (tmp_path / "fim.json").read_text("utf-8")


async def test_leaving_an_answer_frees_its_one_slot(able: str, tmp_path: Path) -> None:
    async with chosen(able, tmp_path) as models:
        async with contextlib.aclosing(models.chat.chat(QUESTION, max_tokens=900)) as deltas:
            async for _ in deltas:
                break
        assert await completed(models, f"x = {NATIVE.suffix}\n", max_tokens=2)


async def test_a_prompt_has_as_many_tokens_as_it_reads(plain: str, tmp_path: Path) -> None:
    lines = [scope(f"line {number} = {number}  # <|im_end|> 中文\n", p=500 - number) for number in range(200)]
    chat = fragment(system("You answer.\n"), user(*lines), assistant("Yes."), user("Go on."), reserve(50))
    async with chosen(plain, tmp_path) as models:
        counters = Counters(config(plain, tmp_path))
        counting = await counters.counting(models)
        got = await asyncio.to_thread(rendered_within, chat, 500, counting)
        messages = [{"role": each.role, "content": each.content} for each in got.messages or ()]
        endpoint = Endpoint(plain, None, "llama.cpp")
        told = await asyncio.to_thread(told_tokens, endpoint, "/chat/completions", {"messages": messages})
        counters.close()
    assert (got.tokens, got.exact) == (told, True)
    assert got.tokenizer.startswith("llama.cpp at ")
    assert 0.9 * 500 < told + 50 <= 500


def test_texts_become_vectors_where_it_was_started_for_that(able: str) -> None:
    embedder = OpenAIEmbedder(Endpoint(able, None, "llama.cpp"), NAME)
    with contextlib.closing(embedder):
        vectors = embedder.embed(["def add(a, b):", "def add(a, b):", "The weather in Rome"])
    one, same, other = vectors
    assert embedder.dim == len(one) == 576
    assert np.allclose(one, same, atol=1e-3)
    assert float(one @ other) < float(one @ same)


def test_elsewhere_a_sentence_says_what_it_was_not_started_for(plain: str) -> None:
    embedder = OpenAIEmbedder(Endpoint(plain, None, "llama.cpp"), NAME, sleep=lambda _: None)
    with contextlib.closing(embedder), pytest.raises(ModelError, match="--embeddings"):
        embedder.embed(["x"])


async def test_a_prompt_longer_than_its_context_is_a_sentence(plain: str, tmp_path: Path) -> None:
    async with chosen(plain, tmp_path) as models:
        with pytest.raises(ModelError, match="context"):
            async for _ in models.chat.chat([ChatMessage("user", "x y " * 2_000)], max_tokens=5):
                pass
