"""Vectors from an endpoint: in order, of unit length, cut, retried, and named."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.embed import Embedder, Waits
from kibitz.indexer.errors import EmbedderBusyError
from kibitz.server.errors import ModelError
from kibitz.server.llm.embeddings import BATCH_CHARS, BATCH_TEXTS, PATIENCE_S, TEXT_CHARS, OpenAIEmbedder, batches
from kibitz.server.llm.endpoint import Endpoint
from tests.fakes.openai_server import FakeOpenAI, Reply, hash_vector


def unit(text: str, dim: int = 8) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    vector = np.asarray(hash_vector(text, dim), dtype=np.float32)
    return vector / np.linalg.norm(vector)


class Clock:
    """Remembers how long it was asked to sleep, and does not."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


Embedders = Callable[..., OpenAIEmbedder]


@pytest.fixture
def embedders() -> Iterator[Embedders]:
    """Makes embedders that are closed in the end."""
    made: list[OpenAIEmbedder] = []

    def make(server: FakeOpenAI, dim: int | None = 8, model: str = "fake", **options: Any) -> OpenAIEmbedder:
        made.append(OpenAIEmbedder(Endpoint(server.url, options.pop("key", None)), model, dim, **options))
        return made[-1]

    yield make
    for embedder in made:
        embedder.close()


def failure(embedders: Embedders, reply: Reply, times: int = 1) -> tuple[str, Clock, FakeOpenAI]:
    clock = Clock()
    with FakeOpenAI([reply] * times) as server, pytest.raises(ModelError) as caught:
        embedders(server, sleep=clock).embed(["text"])
    return str(caught.value), clock, server


def test_vectors_come_in_the_order_of_the_texts_and_have_unit_length(embedders: Embedders) -> None:
    with FakeOpenAI() as server:
        embedder: Embedder = embedders(server, None)
        texts = [f"def f{n}(): ..." for n in range(5)]
        vectors = embedder.embed(texts)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, [unit(text) for text in texts], rtol=1e-6)
        np.testing.assert_array_equal(embedder.embed_query(texts[3]), vectors[3])
        assert embedder.embed_paths(texts) is None


def test_many_texts_go_in_several_requests(embedders: Embedders) -> None:
    with FakeOpenAI() as server:
        embedder = embedders(server)
        texts = [f"text {n}" for n in range(2 * BATCH_TEXTS + 1)]
        vectors = embedder.embed(texts)
    assert [len(request.body["input"]) for request in server.requests] == [BATCH_TEXTS, BATCH_TEXTS, 1]
    np.testing.assert_allclose(vectors[-1], unit(texts[-1]), rtol=1e-6)


def test_an_empty_text_gets_a_zero_vector_and_is_not_sent(embedders: Embedders) -> None:
    with FakeOpenAI() as server:
        vectors = embedders(server).embed(["a", "", " \n", "b"])
    assert np.abs(vectors).sum(axis=1).astype(bool).tolist() == [True, False, False, True]
    assert server.requests[0].body["input"] == ["a", "b"]


def test_no_texts_are_no_request(embedders: Embedders) -> None:
    with FakeOpenAI() as server:
        assert embedders(server).embed([]).shape == (0, 8)
    assert server.requests == []


def test_the_dimension_is_learned_once(embedders: Embedders) -> None:
    with FakeOpenAI() as server:
        embedder = embedders(server, None)
        assert (embedder.dim, embedder.dim) == (8, 8)
    assert len(server.requests) == 1


def test_a_given_dimension_is_asked_for(embedders: Embedders) -> None:
    with FakeOpenAI() as server:
        embedder = embedders(server, 3)
        assert embedder.embed(["a"]).shape == (1, 3)
    assert server.requests[0].body["dimensions"] == 3


def test_a_model_of_one_size_only_is_asked_without_it(embedders: Embedders) -> None:
    refusal = Reply(at="embeddings", status=400, body='{"error": {"message": "dimensions is not supported"}}')
    with FakeOpenAI([refusal]) as server:
        embedder = embedders(server)
        assert embedder.embed(["a"]).shape == (1, 8)
    assert "dimensions" not in server.requests[1].body


def test_vectors_of_another_size_are_refused(embedders: Embedders) -> None:
    body = '{"data": [{"index": 0, "embedding": [1.0, 2.0]}], "model": "fake", "object": "list"}'
    said, _, _ = failure(embedders, Reply(at="embeddings", body=body))
    assert "gave vectors of another size than 8" in said


def test_missing_vectors_are_refused(embedders: Embedders) -> None:
    body = '{"data": [{"index": 7, "embedding": [1.0]}], "model": "fake", "object": "list"}'
    said, _, _ = failure(embedders, Reply(at="embeddings", body=body))
    assert "not as an OpenAI-compatible endpoint does" in said


def test_the_name_holds_the_model_and_the_dimension_and_can_name_a_folder(embedders: Embedders) -> None:
    with FakeOpenAI() as server:
        assert embedders(server, None).name == "openai-fake-8"
        name = embedders(server, 256, "org/model:1").name
        assert re.fullmatch(r"openai-org-model-1-[0-9a-f]{8}-256", name)
        assert name != embedders(server, 256, "org-model:1").name


def test_a_busy_endpoint_is_asked_again_after_the_time_it_asks_for(embedders: Embedders) -> None:
    clock = Clock()
    busy = [Reply(at="embeddings", status=429, retry_after="7"), Reply(at="embeddings", status=503)]
    with FakeOpenAI(busy) as server:
        vectors = embedders(server, sleep=clock).embed(["a"])
    np.testing.assert_allclose(vectors[0], unit("a"), rtol=1e-6)
    assert clock.slept == [7.0, 1.0]


def busy(embedder: OpenAIEmbedder, texts: list[str]) -> EmbedderBusyError:
    with pytest.raises(EmbedderBusyError) as caught:
        embedder.embed(texts)
    return caught.value


def test_a_date_to_wait_for_is_understood(embedders: Embedders) -> None:
    clock = Clock()
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    with FakeOpenAI([Reply(at="embeddings", status=503, retry_after=until)]) as server:
        assert embedders(server, sleep=clock).embed(["a"]).shape == (1, 8)
    (slept,) = clock.slept
    assert 20 < slept <= 30


@pytest.mark.parametrize("said", ["soon", "nan", "inf", "-5", "Mon, 99 Foo 2026"])
def test_a_time_that_makes_no_sense_is_waited_for_in_our_own_way(embedders: Embedders, said: str) -> None:
    clock = Clock()
    with FakeOpenAI([Reply(at="embeddings", status=503, retry_after=said)]) as server:
        assert embedders(server, sleep=clock).embed(["a"]).shape == (1, 8)
    assert clock.slept in ([0.5], [0.0])


def test_an_endpoint_that_asks_for_an_hour_is_the_callers_to_wait_for(embedders: Embedders) -> None:
    clock = Clock()
    with FakeOpenAI([Reply(at="embeddings", status=429, retry_after="3600")]) as server:
        error = busy(embedders(server, sleep=clock), ["text"])
        assert len(server.requests) == 1
    assert str(error).endswith("is over its rate limit: try again in 3600 s.")
    assert (error.retry_after_s, clock.slept) == (3600.0, [])


def test_waits_are_told_before_they_are_slept(embedders: Embedders) -> None:
    told: list[float] = []
    with FakeOpenAI([Reply(at="embeddings", status=429, retry_after="40")]) as server:
        embedder = embedders(server, sleep=lambda seconds: told.append(-seconds))
        assert isinstance(embedder, Waits)
        embedder.on_wait = told.append
        embedder.embed(["a"])
    assert told == [40.0, -40.0]


@pytest.mark.parametrize("asked", ["40", "0", None])
def test_an_endpoint_that_is_busy_for_ever_is_asked_patiently_and_then_given_up_for_now(
    embedders: Embedders, asked: str | None
) -> None:
    clock = Clock()
    with FakeOpenAI([Reply(at="embeddings", status=429, retry_after=asked)] * 100) as server:
        error = busy(embedders(server, sleep=clock), ["a"])
    assert len(clock.slept) > 6
    assert PATIENCE_S - 60 < sum(clock.slept) <= PATIENCE_S
    assert 0 < error.retry_after_s <= 60


def test_what_was_embedded_before_the_endpoint_was_busy_comes_with_the_error(embedders: Embedders) -> None:
    texts = ["", *(f"text {n}" for n in range(3 * BATCH_TEXTS))]
    last = f"text {2 * BATCH_TEXTS}"  # the third request's first
    with FakeOpenAI([Reply(at="embeddings", when=last, status=429, retry_after="3600")]) as server:
        embedder = embedders(server)
        error = busy(embedder, texts)
        assert error.vectors is not None
        np.testing.assert_array_equal(error.vectors[0], np.zeros(8))
        np.testing.assert_allclose(
            error.vectors[1:], [unit(text) for text in texts[1 : 2 * BATCH_TEXTS + 1]], rtol=1e-6
        )
        rest = embedder.embed(texts[len(error.vectors) :])
    assert len(error.vectors) + len(rest) == len(texts)
    np.testing.assert_allclose(rest[0], unit(last), rtol=1e-6)


def test_dropped_connections_of_an_endpoint_that_answered_are_made_again(embedders: Embedders) -> None:
    clock = Clock()
    with FakeOpenAI([Reply(at="embeddings", when="b", hang_up=True)] * 3) as server:
        embedder = embedders(server, sleep=clock)
        embedder.embed(["a"])
        np.testing.assert_allclose(embedder.embed(["b"])[0], unit("b"), rtol=1e-6)
    assert clock.slept == [0.5, 1.0, 2.0]


def test_an_endpoint_that_answered_and_has_gone_will_be_back(embedders: Embedders) -> None:
    clock = Clock()
    with FakeOpenAI() as server:
        embedder = embedders(server, sleep=clock)
        embedder.embed(["a"])
        embedder.close()
    error = busy(embedder, ["b"])
    assert "is the server running?" in str(error)
    assert len(clock.slept) == 5


def test_an_endpoint_that_never_answered_is_a_sentence_soon(embedders: Embedders) -> None:
    said, clock, _ = failure(embedders, Reply(at="embeddings", hang_up=True), times=9)
    assert said.endswith("closed the connection without an answer: look at its log.")
    assert clock.slept == [0.5]
    said, clock, _ = failure(embedders, Reply(at="embeddings", status=500), times=9)
    assert "failed (HTTP 500)" in said
    assert len(clock.slept) == 5


def test_half_an_answer_is_asked_for_again(embedders: Embedders) -> None:
    half = Reply(at="embeddings", when="b", body='{"object": "list", "data": [{"index": 0, "embedd')
    with FakeOpenAI([half]) as server:
        embedder = embedders(server, sleep=Clock())
        embedder.embed(["a"])
        np.testing.assert_allclose(embedder.embed(["b"])[0], unit("b"), rtol=1e-6)


def test_a_quota_that_is_used_up_is_not_waited_for(embedders: Embedders) -> None:
    body = '{"error": {"message": "m", "code": "insufficient_quota"}}'
    said, clock, server = failure(embedders, Reply(at="embeddings", status=429, body=body, retry_after="9"))
    assert "quota is used up" in said
    assert (clock.slept, len(server.requests)) == ([], 1)


def test_a_question_does_not_wait_for_long(embedders: Embedders) -> None:
    clock = Clock()
    replies = [Reply(at="embeddings", status=429, retry_after="4")] * 9
    with FakeOpenAI(replies) as server, pytest.raises(EmbedderBusyError):
        embedders(server, sleep=clock).embed_query("where?")
    assert clock.slept == [4.0]


def test_a_text_that_a_server_fails_on_because_it_is_too_long_is_cut_at_once(embedders: Embedders) -> None:
    clock = Clock()
    too_long = Reply(at="embeddings", status=500, body='{"error": {"message": "input is too large to process"}}')
    with FakeOpenAI([too_long]) as server:
        vectors = embedders(server, sleep=clock).embed(["x" * 1000])
    np.testing.assert_allclose(vectors, [unit("x" * 500)], rtol=1e-6)
    assert clock.slept == []


def test_a_wrong_key_is_not_tried_twice(embedders: Embedders) -> None:
    with FakeOpenAI(api_key="k") as server:
        embedder = embedders(server, None, key="sk-wrong")
        with pytest.raises(ModelError, match="refused the API key: check OPENAI_API_KEY"):
            embedder.embed(["a"])
        embedder.close()
    assert len(server.requests) == 1


def test_an_unknown_model_is_a_sentence(embedders: Embedders) -> None:
    with FakeOpenAI() as server:
        embedder = embedders(server, None, "other")
        with pytest.raises(ModelError, match="has no model 'other'"):
            embedder.embed(["a"])


def test_a_text_over_the_models_limit_is_cut_until_it_fits(embedders: Embedders) -> None:
    too_long = Reply(at="embeddings", status=400, body='{"error": {"message": "input is too large to process"}}')
    replies = [too_long, too_long]  # the batch of two, then the long one alone
    texts = ["x" * 1000, "short"]
    with FakeOpenAI(replies) as server:
        vectors = embedders(server).embed(texts)
    assert [request.body["input"] for request in server.requests] == [texts, ["x" * 1000], ["x" * 500], ["short"]]
    np.testing.assert_allclose(vectors, [unit("x" * 500), unit("short")], rtol=1e-6)


def test_an_endpoint_that_finds_everything_too_long_is_reported(embedders: Embedders) -> None:
    endless = [Reply(at="embeddings", status=400, body='{"error": {"message": "maximum context length"}}')] * 20
    with FakeOpenAI(endless) as server:
        embedder = embedders(server)
        with pytest.raises(ModelError, match="longer than the context"):
            embedder.embed(["x" * 1000])
        embedder.close()


@given(st.lists(st.integers(0, 2 * TEXT_CHARS), max_size=300))
def test_batches_hold_every_text_once_and_stay_below_the_limits(sizes: list[int]) -> None:
    texts = ["x" * size for size in sizes]
    split = list(batches(texts))
    assert [n for batch in split for n in batch] == [n for n, size in enumerate(sizes) if size]
    for batch in split:
        assert 1 <= len(batch) <= BATCH_TEXTS
        assert sum(min(sizes[n], TEXT_CHARS) for n in batch) <= BATCH_CHARS
