"""Who counts the tokens for a model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kibitz.prompts.chat_template import GENEROUS, OPENAI, THINKING_CHATML
from kibitz.prompts.errors import PromptError
from kibitz.prompts.nodes import Node, assistant, fragment, reserve, scope, system, user
from kibitz.server.config import Config
from kibitz.server.counting import Counters
from kibitz.server.errors import ConfigError
from kibitz.server.models import Models, choose
from kibitz.server.rendering import Counting, rendered_within
from tests.fakes.llama_cpp_answers import chatml, count
from tests.fakes.openai_server import FakeOpenAI, Reply

LINES = [f"value_{number} = compute(value_{number - 1})\n" for number in range(400)]


def tree() -> Node:
    return fragment(
        system("You answer.\n"),
        user("x"),
        assistant(" y\n\n"),
        user(*(scope(line, p=500 - number) for number, line in enumerate(LINES))),
        reserve(50),
    )


@asynccontextmanager
async def chosen(server: FakeOpenAI, **more: Any) -> AsyncIterator[tuple[Models, Counters]]:
    config = replace(Config(), base_url=server.url, **more)
    models, counters = await choose(config), Counters(config)
    try:
        yield models, counters
    finally:
        counters.close()
        await models.close()


def paths(server: FakeOpenAI) -> list[str]:
    return [request.path for request in server.requests if not request.path.startswith(("/v1", "/props"))]


async def test_llama_cpp_counts_the_prompt_that_its_model_reads() -> None:
    with FakeOpenAI(models=("local.gguf",), llama_cpp=True, api_key="k") as server:
        async with chosen(server, api_key="k") as (models, counters):
            counting = await counters.counting(models)
            assert counting.template
            got = rendered_within(tree(), 2_000, counting)
            assert await counters.counting(models) is counting
    sent = chatml([{"role": each.role, "content": each.content} for each in got.messages or ()])
    assert got.tokens == count(sent, controls=True)
    assert 0.97 * 2_000 < got.tokens + got.reserved <= 2_000
    assert (got.exact, got.tokenizer) == (True, f"llama.cpp at {server.url}")
    assert counting.template.around("user") == counting.template.around("system") == 5
    assert counting.template.start == 3  # the opening of the answer
    assert len(paths(server)) < 20


async def test_a_raw_prompt_is_counted_with_its_marks() -> None:
    with FakeOpenAI(models=("qwen2.5-coder",), llama_cpp=True) as server:
        async with chosen(server) as (models, counters):
            counting = await counters.counting(models, completion=True)
            got = rendered_within(fragment("<|fim_prefix|>x = <|fim_suffix|><|fim_middle|>"), 100, counting)
    assert got.tokens == 7
    assert set(paths(server)) == {"/tokenize", "/apply-template"}


async def test_without_an_answer_the_estimate_counts_and_the_server_is_left_alone_for_a_while() -> None:
    with FakeOpenAI([Reply(at="/tokenize", status=503)], models=("qwen3",), llama_cpp=True) as server:
        async with chosen(server) as (models, counters):
            counting = await counters.counting(models)
            first, second = (rendered_within(tree(), 2_000, counting) for _ in range(2))
    assert first.tokenizer.startswith(f"estimate (large vocabulary); llama.cpp at {server.url} gives no count")
    assert (first.exact, first.tokens) == (False, second.tokens)
    assert first.tokens + first.reserved <= 2_000
    assert paths(server) == ["/tokenize"]


@pytest.mark.parametrize("body", ["{}", "[]", "no JSON", '{"tokens": 3}'])
async def test_an_answer_that_makes_no_sense_is_none(body: str) -> None:
    with FakeOpenAI([Reply(at="/tokenize", body=body)], llama_cpp=True) as server:
        async with chosen(server) as (models, counters):
            got = rendered_within(tree(), 2_000, await counters.counting(models))
    assert "gives no count of tokens: /tokenize" in got.tokenizer


async def test_others_are_counted_by_their_names() -> None:
    with FakeOpenAI(models=("gpt-4o", "qwen3", "other")) as server:
        for model, name, template in (
            ("gpt-4o", "o200k_base", OPENAI),
            ("qwen3", "estimate (large vocabulary)", THINKING_CHATML),
            ("other", "estimate", GENEROUS),
        ):
            async with chosen(server, chat_model=model) as (models, counters):
                counting = await counters.counting(models)
            assert (counting.tokenizer.name, counting.template, counting.measure) == (name, template, None)
    assert paths(server) == []
    assert (await Counters(Config()).counting(None)).tokenizer.name == "estimate"


@pytest.fixture
def tokenizer_json(tmp_path: Path) -> Path:
    pytest.importorskip("tokenizers")
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    library = Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    library.train_from_iterator(LINES, trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet))
    library.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


async def test_a_tokenizer_file_counts_for_the_chat_model(tokenizer_json: Path) -> None:
    from tokenizers import Tokenizer

    library = Tokenizer.from_file(str(tokenizer_json))
    models = ("qwen3", "gpt-4o")
    named = {"tokenizer": str(tokenizer_json), "completion_model": "gpt-4o", "fim_family": "qwen-coder"}
    with FakeOpenAI(models=models) as server:
        async with chosen(server, **named) as (models_, counters):
            got = rendered_within(tree(), 1_000, await counters.counting(models_))
            other = await counters.counting(models_, completion=True)
    contents = [library.encode(each.content).ids for each in got.messages or ()]
    assert got.tokens == sum(map(len, contents)) + 4 * 5 + THINKING_CHATML.reply_tokens
    assert (got.tokenizer, got.exact) == (f"{tokenizer_json.parent.name}/tokenizer.json", True)
    assert other.tokenizer.name == "o200k_base"


async def test_a_tokenizer_file_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    with pytest.raises(PromptError, match="There is no tokenizer"):
        await Counters(replace(Config(), tokenizer=str(tmp_path / "none.json"))).counting(None)
    with pytest.raises(ConfigError, match="home of a user"):
        await Counters(replace(Config(), tokenizer="~nosuchuser/x.json")).counting(None)


def test_a_counting_without_a_measure_is_the_tokenizers_own() -> None:
    from kibitz.prompts.model_names import tokenizer_for

    got = rendered_within(tree(), 1_000, Counting(tokenizer_for("gpt-4o"), OPENAI))
    assert (got.tokenizer, got.exact) == ("o200k_base", True)
