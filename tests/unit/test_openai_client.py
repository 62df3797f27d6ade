"""The client against a scripted server: what streams, what fails and in which words, what a cancel frees."""

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.server.errors import ModelError
from kibitz.server.llm.clients import async_client
from kibitz.server.llm.endpoint import Endpoint
from kibitz.server.llm.line import Line
from kibitz.server.llm.openai_client import OpenAIChat, OpenAICompleter
from kibitz.server.llm.ports import ChatMessage, Delta
from tests.fakes.openai_server import FakeOpenAI, Reply

HELLO = [ChatMessage("user", "the secret of the prompt")]


async def at_once(seconds: float) -> None:
    """Wait for no time."""


@contextlib.asynccontextmanager
async def chatting(
    endpoint: Endpoint | str, model: str = "fake", line: Line | None = None
) -> AsyncIterator[OpenAIChat]:
    chat = OpenAIChat(Endpoint(endpoint) if isinstance(endpoint, str) else endpoint, model, line or Line(sleep=at_once))
    try:
        yield chat
    finally:
        await chat.close()


async def answer(chat: OpenAIChat, **options: object) -> list[Delta]:
    return [delta async for delta in chat.chat(HELLO, max_tokens=7, **options)]  # type: ignore[arg-type]


async def failing(endpoint: Endpoint | str, model: str = "fake") -> str:
    async with chatting(endpoint, model) as chat:
        with pytest.raises(ModelError) as caught:
            await answer(chat)
    return str(caught.value)


async def test_an_answer_streams_piece_by_piece_and_ends_with_its_reason() -> None:
    with FakeOpenAI([Reply(pieces=("Hel", "lo"), finish_reason="length")]) as server:
        async with chatting(server.url) as chat:
            assert await answer(chat) == [Delta("Hel"), Delta("lo"), Delta(finish_reason="length")]
            assert chat.name == "fake"


async def test_a_continuation_streams_from_the_raw_prompt() -> None:
    with FakeOpenAI([Reply(pieces=(" a", " + b"))]) as server:
        completer = OpenAICompleter(Endpoint(server.url), "fake")
        deltas = [d async for d in completer.complete("def add(a, b):\n    return", max_tokens=9, stop=["\n"])]
        await completer.close()
    assert "".join(delta.text for delta in deltas) == " a + b"
    assert server.requests[0].path == "/v1/completions"
    assert server.requests[0].body | {"stream": True} == {
        "model": "fake",
        "prompt": "def add(a, b):\n    return",
        "max_tokens": 9,
        "temperature": 0.0,
        "stop": ["\n"],
        "stream": True,
    }


async def test_a_second_question_uses_the_same_connection() -> None:
    with FakeOpenAI([Reply()]) as server:
        async with chatting(server.url) as chat:
            await answer(chat)
            await answer(chat)
    assert server.connections == 1


async def test_two_answers_can_stream_at_once() -> None:
    with FakeOpenAI([Reply(pieces=("a",), delay_s=0.05), Reply(pieces=("b",), delay_s=0.05)]) as server:
        async with chatting(server.url) as chat:
            both = await asyncio.gather(answer(chat), answer(chat))
    assert sorted(deltas[0].text for deltas in both) == ["a", "b"]


async def test_closing_the_answer_frees_the_connection() -> None:
    with FakeOpenAI([Reply(pieces=["word "] * 1000, delay_s=0.01)]) as server:
        async with chatting(server.url) as chat:
            deltas = chat.chat(HELLO, max_tokens=1000)
            async with contextlib.aclosing(deltas):
                async for _ in deltas:
                    break
            assert await asyncio.to_thread(server.wait_until, "cancelled")
    assert server.requests[0].pieces_sent < 1000


@pytest.mark.parametrize("delay_s", [0.01, 30.0], ids=["while streaming", "before the first word"])
async def test_cancelling_the_task_frees_the_connection(delay_s: float) -> None:
    with FakeOpenAI([Reply(pieces=["word "] * 1000, delay_s=delay_s)]) as server:
        async with chatting(server.url) as chat:
            task = asyncio.create_task(answer(chat))
            fact = "pieces_sent" if delay_s < 1 else "path"
            assert await asyncio.to_thread(server.wait_until, fact)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(server.wait_until, "cancelled")


async def test_a_dropped_stream_is_an_error_and_what_came_stays() -> None:
    with FakeOpenAI([Reply(pieces=("half", " an"), drop_after=1)]) as server:
        async with chatting(server.url) as chat:
            came: list[Delta] = []
            with pytest.raises(
                ModelError, match=r"closed the stream before the answer was complete; what came is kept"
            ):
                async for delta in chat.chat(HELLO, max_tokens=7):
                    came.append(delta)
    assert came == [Delta("half")]


async def test_a_stream_that_ends_without_a_reason_is_dropped_too() -> None:
    with FakeOpenAI([Reply(finish_reason=None)]) as server:
        assert "closed the stream before" in await failing(server.url)


async def test_a_connection_lost_after_the_reason_loses_nothing() -> None:
    reply = json.dumps({"choices": [{"index": 0, "delta": {"content": "all"}, "finish_reason": "stop"}]})
    with FakeOpenAI([Reply(body=f"data: {reply}\n\n")]) as server:
        async with chatting(server.url) as chat:
            assert await answer(chat) == [Delta("all"), Delta(finish_reason="stop")]


async def test_a_stale_connection_is_replaced_without_a_word() -> None:
    with FakeOpenAI([Reply(), Reply(hang_up=True), Reply(pieces=("fine",))]) as server:
        async with chatting(server.url) as chat:
            await answer(chat)
            assert (await answer(chat))[0] == Delta("fine")


async def test_a_server_that_keeps_hanging_up_is_reported() -> None:
    with FakeOpenAI([Reply(hang_up=True)]) as server:
        assert "closed the connection without an answer: look at its log" in await failing(server.url)
    assert len(server.requests) == 2


REFUSALS = [
    (Reply(status=403), "does not let this key use the model (HTTP 403): scripted error."),
    (Reply(status=429, retry_after="30"), "is over its rate limit: try again in 30 s."),
    (Reply(status=429), "is over its rate limit: try again later."),
    (Reply(status=500), "failed (HTTP 500): try again, or look at its log: scripted error."),
    (Reply(status=500, body="<html>oops"), "failed (HTTP 500): try again, or look at its log."),
    (Reply(status=400, body="no json"), "does not take the request (HTTP 400)."),
    (Reply(status=404), "does not take the request (HTTP 404): scripted error."),
    (Reply(body="<html>welcome"), "answered, but not as an OpenAI-compatible endpoint does"),
    (Reply(body="data: {half\n\n"), "answered, but not as an OpenAI-compatible endpoint does"),
    (
        Reply(status=429, body='{"error": {"message": "m", "code": "insufficient_quota"}}', retry_after="99"),
        "the account's quota is used up: check its billing.",
    ),
    (
        Reply(status=400, body='{"error": {"message": "m", "code": "context_length_exceeded"}}'),
        "The prompt is longer than the context of the model",
    ),
    (
        Reply(status=400, body='{"error": {"message": "m", "type": "exceed_context_size_error"}}'),
        "lower the prompt's token budget.",
    ),
    (
        Reply(body='data: {"error": {"message": "out of memory"}}\n\n'),
        "failed while it answered: out of memory.",
    ),
]


@pytest.mark.parametrize(("reply", "sentence"), REFUSALS)
async def test_every_refusal_says_what_to_do(reply: Reply, sentence: str) -> None:
    with FakeOpenAI([reply]) as server:
        said = await failing(server.url)
    assert sentence in said
    assert "\n" not in said


async def test_a_wrong_key_is_never_repeated() -> None:
    with FakeOpenAI(api_key="right") as server:
        endpoint = Endpoint(server.url, "sk-wrong-and-secret")
        said = await failing(endpoint)
        assert said == f"The endpoint {server.url} refused the API key: check OPENAI_API_KEY."
        assert "set OPENAI_API_KEY" in await failing(server.url)
    assert "secret" not in said + repr(endpoint) + str(endpoint)


async def test_the_servers_words_are_left_out_when_they_repeat_the_key_or_the_prompt() -> None:
    for quoting in ("bad input: the secret of the prompt", "the key k-123456 is not known"):
        with FakeOpenAI([Reply(status=422, body=json.dumps({"error": {"message": quoting}}))]) as server:
            said = await failing(Endpoint(server.url, "k-123456"))
        assert said == f"{server.url} does not take the request (HTTP 422)."


async def test_an_unknown_model_is_answered_with_those_there_are() -> None:
    with FakeOpenAI(models=("llama3.2", "qwen2.5-coder")) as server:
        said = await failing(server.url, "gpt-9")
    assert said == f"{server.url} has no model 'gpt-9'; it has: llama3.2, qwen2.5-coder."


async def test_nobody_there_says_so() -> None:
    with FakeOpenAI() as server:
        url = server.url
    assert await failing(url) == f"No answer from {url}: is the server running?"


async def test_a_password_in_the_url_does_not_show() -> None:
    endpoint = Endpoint("http://user:hunter2@127.0.0.1:1/v1?api-key=k123")
    said = await failing(endpoint)
    assert said.startswith("No answer from http://127.0.0.1:1/v1:")
    assert "hunter2" not in said + repr(endpoint)
    assert "k123" not in said + repr(endpoint)


async def test_a_short_wait_is_waited_and_a_long_one_reported() -> None:
    with FakeOpenAI([Reply(status=429, retry_after="0"), Reply(pieces=("now",))]) as server:
        async with chatting(server.url) as chat:
            assert (await answer(chat))[0] == Delta("now")
    with FakeOpenAI([Reply(status=429, retry_after="60"), Reply(pieces=("now",))]) as server:
        assert "try again in 60 s" in await failing(server.url)
    assert len(server.requests) == 1


async def test_parameters_that_a_model_refuses_are_left_out_from_then_on() -> None:
    def refusal(name: str) -> Reply:
        error = {"message": "no", "code": "unsupported_parameter", "param": name}
        return Reply(status=400, body=json.dumps({"error": error}))

    with FakeOpenAI([refusal("max_tokens"), refusal("temperature"), Reply(), Reply()]) as server:
        async with chatting(server.url) as chat:
            await answer(chat)
            await answer(chat)
    sent = [sorted(set(request.body) - {"model", "messages", "stream"}) for request in server.requests]
    assert sent == [
        ["max_tokens", "temperature"],
        ["max_completion_tokens", "temperature"],
        ["max_completion_tokens"],
        ["max_completion_tokens"],
    ]


async def test_a_key_of_the_environment_reaches_no_endpoint_that_was_given_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "belongs-to-openai")
    with FakeOpenAI([Reply()]) as server:
        async with chatting(server.url) as chat:
            await answer(chat)
    assert not server.requests[0].has_key


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


async def test_a_proxy_never_stands_before_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with FakeOpenAI([Reply(pieces=("direct",))]) as server:
        async with chatting(server.url) as chat:
            assert (await answer(chat))[0] == Delta("direct")


async def test_a_proxy_of_the_environment_is_used_for_other_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with FakeOpenAI() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        await failing("http://models.example/v1")
    assert proxy.requests[0].path == "http://models.example/v1/chat/completions"


async def test_certificates_are_checked() -> None:
    client = async_client(Endpoint("https://models.example/v1"))
    transport = client._client._transport
    context: ssl.SSLContext = transport._pool._ssl_context  # type: ignore[attr-defined]
    await client.close()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_importing_the_client_does_not_import_openai() -> None:
    code = "import sys, kibitz.server.llm.openai_client; sys.exit('openai' in sys.modules or 'httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=8))
def test_any_text_arrives_as_it_was_sent(pieces: Sequence[str]) -> None:
    async def once() -> list[Delta]:
        async with chatting(server.url) as chat:
            return await answer(chat)

    with FakeOpenAI([Reply(pieces=pieces)]) as server:
        deltas = asyncio.run(once())
    assert [delta.text for delta in deltas[:-1]] == [piece for piece in pieces if piece]
    assert deltas[-1] == Delta(finish_reason="stop")
