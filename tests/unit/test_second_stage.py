"""The second stage around a search: it orders, it keeps to its time, and it never costs the answer."""

from dataclasses import replace
from pathlib import Path

import pytest

from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.server.config import Config, Secret
from kibitz.server.errors import ConfigError, ModelError, NoModelError
from kibitz.server.models import reranker_for
from kibitz.server.rerank import QUESTION_CHARS, Reranked, SecondStage
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.reranker import Scripted

TOKEN = "ghp_" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zZ1cD3"  # of the form that GitHub gives
SET = Config(rerank="scripted", rerank_weight=1.0)


def hits(*texts: str) -> list[Hit]:
    """Hits with these texts, best first."""
    return [
        Hit(Chunk(f"{n}.py", Span(0, 1), text, symbol=f"f{n}"), float(len(texts) - n), ("lexical",))
        for n, text in enumerate(texts)
    ]


def order(found: Reranked) -> list[str]:
    return [hit.chunk.text for hit in found.hits]


async def test_without_a_reranker_hits_pass_as_they_are() -> None:
    stage = SecondStage(Config())
    assert stage.candidates(10) == 10
    assert await stage.rerank("q", hits("a", "b", "c"), 2) == Reranked(hits("a", "b", "c")[:2])


async def test_the_best_hits_are_ordered_anew_and_cut() -> None:
    reranker = Scripted()
    stage = SecondStage(SET, reranker)
    found = await stage.rerank("q", hits("a=1", "b=3", "c=2"), 2)
    assert (order(found), found.by, found.note) == (["b=3", "c=2"], "scripted", "")
    assert reranker.shown == ["0.py f0\na=1", "1.py f1\nb=3", "2.py f2\nc=2"]
    await stage.close()
    assert reranker.closed


async def test_only_the_candidates_are_read_again() -> None:
    reranker = Scripted()
    stage = SecondStage(Config(rerank="scripted", rerank_weight=1.0, rerank_candidates=2), reranker)
    assert (stage.candidates(1), stage.candidates(60)) == (2, 60)
    found = await stage.rerank("q", hits("a=1", "b=2", "c=9"), 3)
    assert order(found) == ["b=2", "a=1", "c=9"]
    assert len(reranker.shown) == 2


async def test_a_slow_reranker_leaves_the_first_order_and_a_note() -> None:
    stage = SecondStage(Config(rerank="scripted", rerank_ms=10), Scripted(takes_s=60))
    found = await stage.rerank("q", hits("a=1", "b=3"), 2)
    assert (order(found), found.by) == (["a=1", "b=3"], "")
    assert found.note == (
        "The reranker scripted took more than 10 ms (rerank_ms): the hits are in the order of the first stage."
    )


async def test_a_reranker_that_fails_leaves_the_first_order_and_a_note() -> None:
    stage = SecondStage(SET, Scripted(error=ModelError("It is over its rate limit.")))
    found = await stage.rerank("q", hits("a=1", "b=3"), 1)
    assert (order(found), found.by) == (["a=1"], "")
    assert found.note == "It is over its rate limit; the hits are in the order of the first stage."


async def test_a_wrong_setting_leaves_the_first_order_and_a_note() -> None:
    found = await SecondStage(Config(rerank="some-model")).rerank("q", hits("a=1", "b=3"), 2)
    assert order(found) == ["a=1", "b=3"]
    assert "needs an endpoint: set rerank_url" in found.note


async def test_secrets_are_not_shown_to_a_reranker() -> None:
    reranker = Scripted()
    found = await SecondStage(SET, reranker).rerank("q", hits("a=1", f"key = '{TOKEN}'", "c=3"), 3)
    assert not any(TOKEN in text for text in reranker.shown)
    assert sorted(order(found)) == sorted(["a=1", f"key = '{TOKEN}'", "c=3"])
    assert order(found).index("c=3") < order(found).index("a=1")


async def test_only_the_beginning_of_a_long_question_is_asked() -> None:
    reranker = Scripted()
    await SecondStage(SET, reranker).rerank("why " * 1000, hits("a=1", "b=3"), 2)
    assert reranker.question == ("why " * 1000)[:QUESTION_CHARS]


async def test_a_question_with_a_secret_is_not_sent() -> None:
    reranker = Scripted()
    found = await SecondStage(SET, reranker).rerank(f"who uses {TOKEN}", hits("a=1", "b=3"), 2)
    assert (order(found), reranker.shown) == (["a=1", "b=3"], [])
    assert "The question holds a key or a token" in found.note


async def test_a_key_goes_to_its_own_endpoint_only() -> None:
    with FakeOpenAI() as one, FakeOpenAI() as other:
        config = Config(rerank="fake", base_url=one.url, api_key=Secret("k"))
        for each in (config, replace(config, rerank_url=other.url)):
            reranker = reranker_for(each)
            await reranker.rerank("q", ["a", "b"])
            await reranker.close()
    assert [request.has_key for request in one.requests] == [True]
    assert [request.has_key for request in other.requests] == [False]


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (Config(), "There is no reranker"),
        (Config(rerank="m"), "needs an endpoint: set rerank_url"),
        (Config(rerank="m", rerank_url="x"), "base URL looks like"),
        (Config(rerank="m", base_url="http://127.0.0.1:9", rerank_by="magic"), "must be rerank or embeddings"),
        (Config(rerank="m", base_url="http://127.0.0.1:9", rerank_weight=1.5), "from 0 to 1, not 1.5"),
    ],
)
def test_a_reranker_that_is_set_wrongly_is_a_sentence(config: Config, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        reranker_for(config)


def test_minilm_that_is_not_here_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(NoModelError, match="kibitz model add minilm"):
        reranker_for(Config(rerank="minilm", data_dir=tmp_path))
