"""Prompts on their way to an endpoint that is slow, broken, busy or shared; by a clock and with waits of our own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from kibitz.server.errors import ConfigError, ModelError
from kibitz.server.llm.breaker import FAILURES, Breaker
from kibitz.server.llm.endpoint import Endpoint, Network
from kibitz.server.llm.line import Line
from kibitz.server.llm.openai_client import OpenAIChat, OpenAICompleter
from kibitz.server.llm.ports import ChatMessage, Delta
from kibitz.server.llm.sent import MOST
from kibitz.server.llm.turns import Turns
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.unit.test_secrets import SECRETS

SOON = Network(first_s=0.05, silence_s=0.05)


@dataclass
class Naps:
    """Waits that take no time and are remembered."""

    taken: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)

    def line(self, **parts: object) -> Line:
        return Line(sleep=self.sleep, chance=lambda: 0.0, **parts)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def chatting(
    server: FakeOpenAI, line: Line | None = None, network: Network | None = None
) -> AsyncIterator[OpenAIChat]:
    chat = OpenAIChat(Endpoint(server.url, network=network or Network()), "fake", line or Naps().line())
    try:
        yield chat
    finally:
        await chat.close()


async def ask(chat: OpenAIChat, text: str = "why?", came: list[Delta] | None = None) -> str:
    came = [] if came is None else came
    async for delta in chat.chat([ChatMessage("system", "be brief"), ChatMessage("user", text)], max_tokens=9):
        came.append(delta)
    return "".join(delta.text for delta in came)


async def refused(chat: OpenAIChat, came: list[Delta] | None = None) -> str:
    with pytest.raises(ModelError) as caught:
        await ask(chat, came=came)
    return str(caught.value)


# -- secrets --------------------------------------------------------------------------------------------------


async def test_a_secret_does_not_leave_and_stands_in_the_answer() -> None:
    key = SECRETS["github"]
    line = Naps().line()
    with FakeOpenAI([Reply(pieces=("?",))]) as server:
        async with chatting(server, line) as chat:
            await ask(chat, f"token = {key!r}\n")
            (sent,) = line.sent.last(9)
            assert sent.messages is not None
            name = sent.messages[1].content.split("'")[1]
            server.replies.append(Reply(pieces=("t = '", name[:6], name[6:20], name[20:] + "'"), when="again"))
            assert await ask(chat, f"again: {key}") == f"t = '{key}'"
    assert [key in str(request.body) for request in server.requests] == [False, False]
    assert sent.endpoint == server.url


async def test_a_raw_prompt_has_its_secrets_taken_out_as_well() -> None:
    line = Naps().line()
    with FakeOpenAI([Reply()]) as server:
        completer = OpenAICompleter(Endpoint(server.url), "fake", line)
        async for _ in completer.complete(f"key = {SECRETS['aws']}\n", max_tokens=3):
            pass
        await completer.close()
    assert server.requests[0].prompt == line.sent.last(1)[0].text
    assert SECRETS["aws"] not in server.requests[0].prompt


async def test_the_last_prompts_are_kept_the_latest_first() -> None:
    line = Naps().line()
    with FakeOpenAI([Reply()]) as server:
        async with chatting(server, line) as chat:
            for number in range(MOST + 2):
                await ask(chat, str(number))
    kept = [sent.messages[1].content for sent in line.sent.last(100) if sent.messages]
    assert kept == [str(number) for number in range(MOST + 1, 1, -1)]
    assert [sent.messages[1].content for sent in line.sent.last(1) if sent.messages] == [str(MOST + 1)]


# -- what goes wrong ------------------------------------------------------------------------------------------


async def test_an_answer_that_does_not_begin_in_time_says_so() -> None:
    with FakeOpenAI([Reply(delay_s=60)]) as server:
        async with chatting(server, network=SOON) as chat:
            said = await refused(chat)
            assert await asyncio.to_thread(server.wait_until, "cancelled")
    assert said == (
        f"{server.url} took the request but did not begin to answer within 0.05 s (first_token_timeout_s): is the "
        "model too big for its machine?"
    )


async def test_an_answer_that_stalls_says_so_and_what_came_is_kept() -> None:
    stalls = Reply(pieces=("half", *[""] * 1000), delay_s=0.02)  # chunks without text are no answer either
    came: list[Delta] = []
    with FakeOpenAI([stalls]) as server:
        async with chatting(server, network=Network(first_s=30, silence_s=0.3)) as chat:
            said = await refused(chat, came)
            assert await asyncio.to_thread(server.wait_until, "cancelled")
    assert "fell silent in the middle of the answer for 0.3 s (silence_timeout_s); what came is kept." in said
    assert came == [Delta("half")]


async def test_an_answer_without_end_is_ended() -> None:
    with FakeOpenAI([Reply(pieces=["la "] * 100_000)]) as server:
        async with chatting(server) as chat:
            came: list[Delta] = []
            await ask(chat, came=came)
            assert await asyncio.to_thread(server.wait_until, "cancelled")
    assert came[-1] == Delta(finish_reason="length")
    assert len(came) < 200


async def test_half_a_character_is_no_answer() -> None:
    with FakeOpenAI([Reply(body='data: {"choices": [{"delta": {"content": "\udce2\udc82"}}]}\n\n')]) as server:
        async with chatting(server) as chat:
            assert "not as an OpenAI-compatible endpoint does" in await refused(chat)


async def test_a_stream_of_other_events_is_no_answer() -> None:
    with FakeOpenAI([Reply(body=": keep alive\n\n" * 50)]) as server:
        async with chatting(server) as chat:
            assert "not as an OpenAI-compatible endpoint does" in await refused(chat)


async def test_a_busy_endpoint_is_asked_again_after_growing_waits() -> None:
    naps = Naps()
    with FakeOpenAI([Reply(status=500), Reply(status=503), Reply(status=429), Reply(pieces=("now",))]) as server:
        async with chatting(server, naps.line()) as chat:
            assert await ask(chat) == "now"
    assert naps.taken == [0.25, 0.5, 1.0]


async def test_the_time_that_an_endpoint_asks_for_is_waited_in_seconds_or_as_a_date() -> None:
    naps = Naps()
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    with FakeOpenAI([Reply(status=429, retry_after="3"), Reply(status=429, retry_after=at), Reply()]) as server:
        async with chatting(server, naps.line()) as chat:
            await ask(chat)
    assert naps.taken[0] == 3.0
    assert 0 < naps.taken[1] <= 9


async def test_nothing_is_asked_again_once_a_piece_was_shown() -> None:
    naps = Naps()
    came: list[Delta] = []
    with FakeOpenAI([Reply(pieces=("half", "x"), drop_after=1), Reply(pieces=("whole",))]) as server:
        async with chatting(server, naps.line()) as chat:
            await refused(chat, came)
    assert (came, len(server.requests), naps.taken) == ([Delta("half")], 1, [])


async def test_ghost_text_is_asked_for_once_more_at_most() -> None:
    naps = Naps()
    with FakeOpenAI([Reply(status=503)]) as server:
        completer = OpenAICompleter(Endpoint(server.url), "fake", naps.line())
        with pytest.raises(ModelError, match="is not ready"):
            _ = [delta async for delta in completer.complete("x", max_tokens=3)]
        await completer.close()
    assert len(server.requests) == 2


async def test_an_endpoint_that_keeps_failing_is_left_alone_until_it_answers_again() -> None:
    now = [0.0]
    line = Naps().line(breaker=Breaker(lambda: now[0]))
    failures = [Reply(status=501)] * FAILURES
    with FakeOpenAI([*failures, Reply(pieces=("back",))]) as server:
        async with chatting(server, line) as chat:
            for _ in range(FAILURES):
                await refused(chat)
            assert "failed 3 times in a row and is left alone for another 5 s" in await refused(chat)
            assert len(server.requests) == FAILURES
            assert str(line.breaker.status).startswith(f"{server.url} failed (HTTP 501)")
            now[0] += 5
            assert await ask(chat) == "back"
            assert line.breaker.status is None


async def test_a_refused_request_says_nothing_about_the_endpoint() -> None:
    line = Naps().line()
    with FakeOpenAI([Reply(status=400, body="{}")] * (FAILURES + 1)) as server:
        async with chatting(server, line) as chat:
            for _ in range(FAILURES + 1):
                assert "does not take the request" in await refused(chat)


# -- a server that takes one request at a time ----------------------------------------------------------------


async def test_ghost_text_takes_the_place_of_a_question_that_has_not_begun() -> None:
    line = Naps().line(turns=Turns(1))
    replies = [Reply(at="chat", delay_s=60), Reply(at="chat", pieces=("answer",)), Reply(at="v1/completions")]
    with FakeOpenAI(replies) as server:
        endpoint = Endpoint(server.url)
        chat, completer = OpenAIChat(endpoint, "fake", line), OpenAICompleter(endpoint, "fake", line)
        asking = asyncio.create_task(ask(chat))
        assert await asyncio.to_thread(server.wait_until, "path")
        text = [delta.text async for delta in completer.complete("x", max_tokens=3)]
        assert "".join(text) == "ok"
        assert await asking == "answer"
        await chat.close()
        await completer.close()
    assert [request.path.removeprefix("/v1/") for request in server.requests] == [
        "chat/completions",
        "completions",
        "chat/completions",
    ]
    assert server.requests[0].cancelled
    assert len(line.sent.last(9)) == 2


async def test_ghost_text_waits_for_a_question_that_is_being_answered() -> None:
    line = Naps().line(turns=Turns(1))
    replies = [Reply(at="chat", pieces=("a", "b", "c"), delay_s=0.05), Reply(at="v1/completions")]
    with FakeOpenAI(replies) as server:
        endpoint = Endpoint(server.url)
        chat, completer = OpenAIChat(endpoint, "fake", line), OpenAICompleter(endpoint, "fake", line)
        came: list[Delta] = []
        asking = asyncio.create_task(ask(chat, came=came))
        while not came:  # noqa: ASYNC110 - until the first piece has arrived
            await asyncio.sleep(0.001)
        _ = [delta async for delta in completer.complete("x", max_tokens=3)]
        assert asking.done()
        assert await asking == "abc"
        await chat.close()
        await completer.close()


async def test_a_request_that_is_called_off_while_it_waits_is_never_sent() -> None:
    line = Naps().line(turns=Turns(1))
    with FakeOpenAI([Reply(delay_s=60)]) as server:
        endpoint = Endpoint(server.url)
        first, second = OpenAIChat(endpoint, "fake", line), OpenAIChat(endpoint, "fake", line)
        tasks = [asyncio.create_task(ask(first))]
        assert await asyncio.to_thread(server.wait_until, "path")
        tasks.append(asyncio.create_task(ask(second)))
        await asyncio.sleep(0.05)
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await asyncio.to_thread(server.wait_until, "cancelled")
        await first.close()
        await second.close()
    assert len(server.requests) == 1


# -- proxies and certificates ---------------------------------------------------------------------------------


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


async def through(proxy: FakeOpenAI, host: str) -> list[str]:
    network = Network(proxy=proxy.url.removesuffix("/v1"))
    chat = OpenAIChat(Endpoint(f"http://{host}/v1", network=network), "fake", Naps().line())
    with contextlib.suppress(ModelError):
        await ask(chat)
    await chat.close()
    return [request.path for request in proxy.requests]


@pytest.mark.usefixtures("no_proxies")
async def test_the_proxy_of_the_settings_is_used() -> None:
    with FakeOpenAI([Reply()]) as proxy:
        assert (await through(proxy, "models.invalid"))[0] == "http://models.invalid/v1/chat/completions"


async def test_no_proxy_takes_hosts_out_of_it(no_proxies: pytest.MonkeyPatch) -> None:
    no_proxies.setenv("NO_PROXY", "models.invalid")
    with FakeOpenAI([Reply()]) as proxy:
        assert await through(proxy, "models.invalid") == []


@pytest.mark.usefixtures("no_proxies")
async def test_the_proxy_of_the_settings_does_not_stand_before_this_machine() -> None:
    with FakeOpenAI([Reply()]) as proxy, FakeOpenAI([Reply()]) as server:
        await through(proxy, server.url.removeprefix("http://").removesuffix("/v1"))
        assert (len(proxy.requests), len(server.requests)) == (0, 1)


@pytest.mark.parametrize("proxy", ["proxy.example:3128", "socks5://proxy.example", "http://", "http://[x"])
def test_a_proxy_that_is_none_is_refused(proxy: str) -> None:
    with pytest.raises(ConfigError, match="proxy looks like"):
        Network(proxy=proxy)


async def test_a_ca_file_without_certificates_is_refused() -> None:
    chat = OpenAIChat(Endpoint("https://models.invalid", network=Network(ca_file=__file__)), "fake")
    with pytest.raises(ConfigError, match="holds no CA certificates"):
        await ask(chat)
