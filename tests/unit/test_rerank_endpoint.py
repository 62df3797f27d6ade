"""Rerankers behind an endpoint: which words they speak, what they refuse, and how that is told."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from kibitz.server.errors import ModelError
from kibitz.server.llm.by_vectors import ByVectors
from kibitz.server.llm.endpoint import Endpoint
from kibitz.server.llm.rerank_endpoint import TEXT_CHARS, EndpointReranker, EndpointVectors, scores_of
from tests.fakes.openai_server import FakeOpenAI, Reply, hash_vector

TEXTS = ["make coffee", "close the open session", "open a file"]
QUESTION = "how is the session closed"

Make = Callable[..., EndpointReranker]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[EndpointReranker] = []

    def one(server: FakeOpenAI, key: str | None = None) -> EndpointReranker:
        made.append(EndpointReranker(Endpoint(server.url, key, key_variable="KIBITZ_RERANK_API_KEY"), "fake"))
        return made[-1]

    yield one
    for each in made:
        await each.close()


async def test_scores_come_in_the_order_of_the_texts(make: Make) -> None:
    with FakeOpenAI() as server:
        scores = await make(server).rerank(QUESTION, TEXTS)
    assert scores.tolist() == [0, 2, 0]
    assert server.requests[0].body == {"model": "fake", "query": QUESTION, "documents": TEXTS}


async def test_an_endpoint_that_calls_documents_texts_is_found_and_remembered(make: Make) -> None:
    with FakeOpenAI(rerank_path="/rerank") as server:
        reranker = make(server)
        assert (await reranker.rerank(QUESTION, TEXTS)).tolist() == [0, 2, 0]
        await reranker.rerank(QUESTION, TEXTS)
    assert [request.path for request in server.requests] == ["/v1/rerank", "/rerank", "/rerank"]
    assert server.requests[-1].body == {"query": QUESTION, "texts": TEXTS, "truncate": True}


async def test_an_endpoint_without_a_reranker_is_a_sentence(make: Make) -> None:
    with FakeOpenAI(rerank_path="") as server, pytest.raises(ModelError, match="has no such model, or not this API"):
        await make(server).rerank(QUESTION, TEXTS)


async def test_the_key_is_sent_and_a_refused_one_is_named_by_its_variable(make: Make) -> None:
    with FakeOpenAI(api_key="right") as server:
        assert len(await make(server, "right").rerank(QUESTION, TEXTS)) == 3
        with pytest.raises(ModelError, match="refused the API key: check KIBITZ_RERANK_API_KEY"):
            await make(server, "wrong").rerank(QUESTION, TEXTS)
        with pytest.raises(ModelError, match="refused the API key: set KIBITZ_RERANK_API_KEY"):
            await make(server).rerank(QUESTION, TEXTS)


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (Reply(at="rerank", status=429, retry_after="7"), "over its rate limit: try again in 7 s"),
        (Reply(at="rerank", status=500), r"failed \(HTTP 500\)"),
        (Reply(at="rerank", hang_up=True), "closed the connection without an answer"),
        (Reply(at="rerank", body="<html>"), "not as an OpenAI-compatible endpoint does"),
        (Reply(at="rerank", body='{"results": "none"}'), "not as an OpenAI-compatible endpoint does"),
        (Reply(at="rerank", body='{"results": [{"index": 0, "relevance_score": 1}]}'), "not as an OpenAI-compatible"),
    ],
)
async def test_what_goes_wrong_is_one_sentence(make: Make, reply: Reply, sentence: str) -> None:
    with FakeOpenAI([reply]) as server, pytest.raises(ModelError, match=sentence):
        await make(server).rerank(QUESTION, TEXTS)


async def test_texts_that_are_too_long_are_halved_until_they_fit(make: Make) -> None:
    too_long = Reply(at="rerank", status=400, body=json.dumps({"error": {"message": "maximum context length is 512"}}))
    with FakeOpenAI([too_long, too_long]) as server:
        reranker = make(server)
        await reranker.rerank(QUESTION, ["word " * TEXT_CHARS, "short"])
        await reranker.rerank(QUESTION, ["word " * TEXT_CHARS])
    sizes = [len(request.body["documents"][0]) for request in server.requests]
    assert sizes == [TEXT_CHARS, TEXT_CHARS // 2, TEXT_CHARS // 4, TEXT_CHARS // 4]


async def test_an_embedding_model_scores_by_cosine_and_is_asked_for_a_text_once() -> None:
    with FakeOpenAI(embedding_dim=16) as server:
        reranker = ByVectors(EndpointVectors(Endpoint(server.url), "fake"))
        scores = await reranker.rerank(QUESTION, TEXTS)
        again = await reranker.rerank("another", [*TEXTS[:2], "a new one"])
        await reranker.close()
    vectors = np.array([hash_vector(text, 16) for text in (QUESTION, *TEXTS)])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.allclose(scores, vectors[1:] @ vectors[0], atol=1e-5)
    assert again.shape == (3,)
    assert [request.body["input"] for request in server.requests] == [[QUESTION, *TEXTS], ["another", "a new one"]]


async def test_vectors_of_another_model_under_the_same_name_are_not_mixed() -> None:
    with FakeOpenAI(embedding_dim=16) as server:
        reranker = ByVectors(EndpointVectors(Endpoint(server.url), "fake"))
        await reranker.rerank(QUESTION, TEXTS)
        server.embedding_dim = 8
        scores = await reranker.rerank(QUESTION, TEXTS)
        await reranker.close()
    fresh = np.array([hash_vector(text, 8) for text in (QUESTION, *TEXTS)])
    fresh /= np.linalg.norm(fresh, axis=1, keepdims=True)
    assert np.allclose(scores, fresh[1:] @ fresh[0], atol=1e-5)


async def test_vectors_that_are_none_are_a_sentence() -> None:
    row = {"object": "embedding", "embedding": [1.0]}
    body = json.dumps(
        {"object": "list", "model": "fake", "data": [row | {"index": 0}, row | {"index": 1, "embedding": []}]}
    )
    with FakeOpenAI([Reply(at="embeddings", body=body)]) as server:
        reranker = ByVectors(EndpointVectors(Endpoint(server.url), "fake"))
        with pytest.raises(ModelError, match="vectors of different sizes"):
            await reranker.rerank(QUESTION, ["text"])
        await reranker.close()


@pytest.mark.parametrize(
    "answer",
    [
        {"results": [{"index": 1, "relevance_score": 0.25}, {"index": 0, "relevance_score": 2}]},
        {"data": [{"index": 1, "relevance_score": 0.25}, {"index": 0, "relevance_score": 2}]},
        [{"index": 0, "score": 2}, {"index": 1, "score": 0.25, "text": "…"}],
    ],
)
def test_every_known_form_of_an_answer_is_read(answer: Any) -> None:
    scores = scores_of(answer, 2)
    assert scores is not None
    assert scores.tolist() == [2, 0.25]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "scores",
        {},
        {"results": {}},
        {"results": [1, 2]},
        [{"index": 0, "score": 1}],
        [{"index": 0, "score": 1}, {"index": 2, "score": 1}],
        [{"index": 0, "score": 1}, {"index": 1, "score": None}],
        [{"index": 0, "score": 1}, {"index": 1, "score": True}],
        [{"index": 0, "score": 1}, {"index": 1, "score": float("nan")}],
        [{"index": 0, "score": 1}, {"index": "1", "score": 1}],
    ],
)
def test_anything_else_is_no_answer(answer: Any) -> None:
    assert scores_of(answer, 2) is None
