"""One model of one endpoint, asked for streams: the place where prompts leave and answers arrive.

In this order: secrets are hidden, the prompt is noted, a place is waited for, the endpoint is asked (again where that
may help, and only until the first piece of an answer has come), and what was hidden is put back into what it says.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kibitz.server.boundary import hide, restored
from kibitz.server.errors import ModelError, UnreachableError
from kibitz.server.llm.endpoint import CONNECT_TIMEOUT_S, Endpoint
from kibitz.server.llm.forms import Form, Piece
from kibitz.server.llm.lazy_client import LazyClient
from kibitz.server.llm.line import Line
from kibitz.server.llm.ports import Delta
from kibitz.server.llm.retry import GHOST_TEXT, QUESTION, Waits
from kibitz.server.llm.turns import Paused, Urgency

if TYPE_CHECKING:
    import openai

DRAIN_S = 2.0
OPENAI_STOP_WORDS = 4
SMALL_CHARACTERS = 16_000  # of a prompt whose secrets are found in less time than a thread takes to begin
SPARE_PIECES = 64
"""A piece is a token or more, so an answer of many more pieces than tokens were asked for never ends."""

Request = dict[str, Any]
Make = Callable[[Sequence[str]], Request]
"""A request's parameters, made of the prompt's texts as they may leave."""


@dataclass(slots=True)
class _Answer:
    """A stream whose first piece has come; `first` is None where it ended without one."""

    stream: Any
    form: Form
    first: Piece | None = None

    async def next(self) -> Piece | None:
        """The next piece that says something, None at the end."""
        async for chunk in self.stream:
            piece = self.form.read(chunk)
            if piece != ("", None):
                return piece
        return None


class Session(LazyClient):
    """What an endpoint has been asked, and which parameters it has refused."""

    def __init__(self, endpoint: Endpoint, model: str, form: Form, line: Line, urgency: Urgency) -> None:
        super().__init__(endpoint)
        self.model = model
        self._form = form
        self._line = line
        self._urgency = urgency
        self._refused: set[str] = set()

    async def stream(
        self, texts: Sequence[str], make: Make, *, roles: Sequence[str] | None = None
    ) -> AsyncGenerator[Delta, None]:
        """Ask, and yield what comes; the last delta carries the finish reason.

        `texts` are those of the messages whose `roles` are given, or one raw prompt.

        Raises:
            ModelError: no answer, or an incomplete one.
        """
        small = sum(map(len, texts)) <= SMALL_CHARACTERS
        hidden = hide(texts) if small else await asyncio.to_thread(hide, texts)
        self._line.sent.note(self.model, self.endpoint.shown, hidden.texts, roles)
        answer = self._answer(hidden.texts, make(hidden.texts))
        async with contextlib.aclosing(restored(answer, hidden.secrets)) as deltas:
            async for delta in deltas:
                yield delta

    async def _answer(self, texts: Sequence[str], request: Request) -> AsyncGenerator[Delta, None]:
        client = await self.client()
        ticket = self._line.turns.ticket(self._urgency)
        while True:
            async with self._line.turns.turn(ticket):
                try:
                    async with ticket.starting():
                        answer = await self._begun(client, texts, request)
                except Paused:
                    continue
                async with contextlib.aclosing(self._rest(answer, texts, request)) as deltas:
                    async for delta in deltas:
                        yield delta
                return

    async def _begun(self, client: "openai.AsyncOpenAI", texts: Sequence[str], request: Request) -> _Answer:
        """Ask until an answer begins, unless the endpoint is left alone; its failures and successes are told."""
        from kibitz.server.llm.failures import CAUGHT, is_ill, late, retry_after_s

        breaker = self._line.breaker
        if refusal := breaker.refusal(waited_for=self._urgency is Urgency.CHAT):
            raise UnreachableError(refusal)
        told = False
        try:
            answer = await self._tried(client, request)
            breaker.succeeded()
            told = True
            return answer
        except TimeoutError:
            breaker.failed(str(said := late(self.endpoint)))
            told = True
            raise said from None
        except CAUGHT as error:
            said = await self._explain(client, error, texts)
            if is_ill(error):
                breaker.failed(str(said), leave_s=retry_after_s(error) or 0.0)
            else:
                breaker.succeeded()
            told = True
            raise said from None
        finally:
            if not told:
                breaker.given_up()

    async def _tried(self, client: "openai.AsyncOpenAI", request: Request) -> _Answer:
        """Ask; again without a parameter that the model refuses, over a new connection, or after a wait.

        Raises:
            TimeoutError: no answer has begun in time.
        """
        import openai

        from kibitz.server.llm.failures import CAUGHT, is_passing, is_stale, retry_after_s

        waits = Waits(QUESTION if self._urgency is Urgency.CHAT else GHOST_TEXT, self._line.chance)
        reconnected = False
        while True:
            try:
                async with asyncio.timeout(self.endpoint.network.first_token_s(self.endpoint.loopback)):
                    return await self._opened(client, request)
            except openai.BadRequestError as error:
                if not self._learned(error, request):
                    raise
            except CAUGHT as error:
                if is_stale(error) and not reconnected:
                    reconnected = True
                    continue
                wait = waits.next_s(retry_after_s(error)) if is_passing(error) else None
                if wait is None:
                    raise
                await self._line.sleep(wait)

    async def _opened(self, client: "openai.AsyncOpenAI", request: Request) -> _Answer:
        stream = await self._form.create(client)(model=self.model, stream=True, **self._adapted(request))
        answer = _Answer(stream, self._form)
        try:
            answer.first = await answer.next()
        except BaseException:
            await stream.close()
            raise
        return answer

    async def _rest(self, answer: _Answer, texts: Sequence[str], request: Request) -> AsyncGenerator[Delta, None]:
        """Yield an answer that has begun. Nothing is asked again from here on: a part of it was shown."""
        from kibitz.server.llm.failures import CAUGHT, dropped, failure, not_this_api, silent

        piece, finish, pieces = answer.first, None, 0
        most = 2 * request["max_tokens"] + SPARE_PIECES
        try:
            while piece is not None and not finish:
                text, finish = piece
                if text:
                    yield Delta(text)
                    pieces += 1
                if finish:
                    await _drain(answer.stream)
                elif pieces > most:
                    finish = "length"
                else:
                    async with asyncio.timeout(self.endpoint.network.silence_s):
                        piece = await answer.next()
        except TimeoutError:
            raise self._broken(silent(self.endpoint)) from None
        except CAUGHT as error:
            raise self._broken(failure(error, self.endpoint, begun=pieces > 0, prompt=texts)) from None
        finally:
            await answer.stream.close()
        if not finish:
            events = "event-stream" in answer.stream.response.headers.get("content-type", "")
            raise self._broken(dropped(self.endpoint) if events else not_this_api(self.endpoint))
        yield Delta(finish_reason=finish)

    def _broken(self, error: ModelError) -> ModelError:
        self._line.breaker.failed(str(error))
        return error

    def _learned(self, error: "openai.BadRequestError", request: Request) -> bool:
        """Whether the model refuses a parameter that it will not be given again."""
        parameter = error.param or ""
        unsupported = error.code in ("unsupported_parameter", "unsupported_value")
        if not unsupported or parameter not in request or parameter in self._refused:
            return False
        self._refused.add(parameter)
        return True

    def _adapted(self, request: Request) -> Request:
        """The request in the words this model takes: newer ones refuse `max_tokens`, `temperature` or `stop`."""
        kept = {name: value for name, value in request.items() if name not in self._refused}
        if "max_tokens" in self._refused:
            kept["max_completion_tokens"] = request["max_tokens"]
        if self.endpoint.kind == "openai" and "stop" in kept:
            kept["stop"] = kept["stop"][:OPENAI_STOP_WORDS]
        return kept

    async def _explain(self, client: "openai.AsyncOpenAI", error: BaseException, prompt: Iterable[str]) -> ModelError:
        import openai

        from kibitz.server.llm.failures import CAUGHT, failure, no_such_model

        if not isinstance(error, openai.NotFoundError):
            return failure(error, self.endpoint, prompt=prompt)
        there: list[str] = []
        with contextlib.suppress(*CAUGHT, TimeoutError):
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                there = [model.id for model in (await client.models.list()).data]
        if self.model in there:
            return failure(error, self.endpoint, prompt=prompt)
        return no_such_model(self.endpoint, self.model, there)


async def _drain(stream: Any) -> None:
    """Read what follows the finish reason (usage, the end mark), so that the connection can be used again."""
    from kibitz.server.llm.failures import CAUGHT

    with contextlib.suppress(TimeoutError, *CAUGHT):
        async with asyncio.timeout(DRAIN_S):
            async for _ in stream:
                pass
