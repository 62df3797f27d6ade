"""The queue before an endpoint: who goes first, who gives way, and that nobody is forgotten."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.server.llm.turns import MOST_YIELDS, Paused, Turns, Urgency

CHAT, COMPLETION = Urgency.CHAT, Urgency.COMPLETION


@dataclass
class Request:
    """A client of the queue: it starts until `start` is set, then answers until `end` is."""

    turns: Turns
    urgency: Urgency
    name: str
    log: list[str]
    start: asyncio.Event = field(default_factory=asyncio.Event)
    end: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        ticket = self.turns.ticket(self.urgency)
        while True:
            async with self.turns.turn(ticket):
                self.log.append(f"{self.name} starts")
                try:
                    async with ticket.starting():
                        await self.start.wait()
                except Paused:
                    self.log.append(f"{self.name} pauses")
                    continue
                self.log.append(f"{self.name} answers")
                await self.end.wait()
                self.log.append(f"{self.name} ends")
                return

    def finish(self) -> None:
        self.start.set()
        self.end.set()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def requests(turns: Turns, log: list[str]) -> Callable[[Urgency, str], tuple[Request, asyncio.Task[None]]]:
    def begin(urgency: Urgency, name: str) -> tuple[Request, asyncio.Task[None]]:
        request = Request(turns, urgency, name, log)
        return request, asyncio.create_task(request.run())

    return begin


async def test_ghost_text_goes_before_a_question_that_waits() -> None:
    log: list[str] = []
    begin = requests(Turns(1), log)
    tasks = [begin(COMPLETION, "a"), begin(CHAT, "q"), begin(COMPLETION, "b")]
    await settle()
    for request, _ in tasks:
        request.finish()
    await asyncio.gather(*(task for _, task in tasks))
    assert [line for line in log if "starts" in line] == ["a starts", "b starts", "q starts"]


async def test_a_question_that_has_not_begun_gives_its_place_back_and_starts_again() -> None:
    log: list[str] = []
    begin = requests(Turns(1), log)
    question, asking = begin(CHAT, "q")
    await settle()
    ghost, typing = begin(COMPLETION, "g")
    await settle()
    assert log == ["q starts", "q pauses", "g starts"]
    ghost.finish()
    question.finish()
    await asyncio.gather(asking, typing)
    assert log[3:] == ["g answers", "g ends", "q starts", "q answers", "q ends"]


async def test_a_question_that_answers_is_not_paused() -> None:
    log: list[str] = []
    begin = requests(Turns(1), log)
    question, asking = begin(CHAT, "q")
    question.start.set()
    await settle()
    ghost, typing = begin(COMPLETION, "g")
    ghost.finish()
    await settle()
    assert log == ["q starts", "q answers"]
    question.end.set()
    await asyncio.gather(asking, typing)
    assert log[2:] == ["q ends", "g starts", "g answers", "g ends"]


async def test_a_question_does_not_pause_ghost_text() -> None:
    log: list[str] = []
    begin = requests(Turns(1), log)
    ghost, typing = begin(COMPLETION, "g")
    await settle()
    question, asking = begin(CHAT, "q")
    await settle()
    assert log == ["g starts"]
    ghost.finish()
    question.finish()
    await asyncio.gather(asking, typing)


async def test_one_request_pauses_one_question_and_no_more() -> None:
    log: list[str] = []
    begin = requests(Turns(2), log)
    asked = [begin(CHAT, "p"), begin(CHAT, "q")]
    await settle()
    ghost = begin(COMPLETION, "g")
    await settle()
    assert log == ["p starts", "q starts", "q pauses", "g starts"]
    for request, _ in (*asked, ghost):
        request.finish()
    await asyncio.gather(*(task for _, task in (*asked, ghost)))


async def test_typing_does_not_keep_a_question_waiting_for_ever() -> None:
    log: list[str] = []
    begin = requests(Turns(1), log)
    question, asking = begin(CHAT, "q")
    await settle()
    ghosts = []
    for n in range(2 * MOST_YIELDS):
        ghost, typing = begin(COMPLETION, f"g{n}")
        ghosts.append(typing)
        await settle()
        ghost.finish()
        await settle()
    assert log.count("q pauses") <= MOST_YIELDS
    assert log[-1] == "q starts"
    question.finish()
    await asyncio.gather(asking, *ghosts)


async def test_a_request_that_is_called_off_while_it_waits_takes_no_place() -> None:
    log: list[str] = []
    turns = Turns(1)
    begin = requests(turns, log)
    first, running = begin(CHAT, "a")
    first.start.set()
    await settle()
    _, waiting = begin(CHAT, "b")
    third, last = begin(CHAT, "c")
    await settle()
    waiting.cancel()
    first.finish()
    third.finish()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.gather(running, last)
    assert [line for line in log if "starts" in line] == ["a starts", "c starts"]


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "type", "begin", "end", "cancel", "settle"]), st.integers(0, 9)), max_size=40
)


@settings(max_examples=150, deadline=None)
@given(STEPS, st.sampled_from([1, 2, 3, None]))
def test_whatever_happens_places_are_kept_and_everybody_is_served(
    steps: Sequence[tuple[str, int]], limit: int | None
) -> None:
    asyncio.run(_play(steps, limit))


async def _play(steps: Sequence[tuple[str, int]], limit: int | None) -> None:
    log: list[str] = []
    turns = Turns(limit)
    begin = requests(turns, log)
    made: list[tuple[Request, asyncio.Task[None]]] = []
    cancelled: set[str] = set()
    for step, number in steps:
        if step in ("ask", "type"):
            made.append(begin(CHAT if step == "ask" else COMPLETION, f"{step}{len(made)}"))
        elif step == "settle":
            await settle()
        elif made:
            request, task = made[number % len(made)]
            if step == "cancel":
                cancelled.add(request.name)
                task.cancel()
            else:
                (request.start if step == "begin" else request.end).set()
    for request, _ in made:
        request.finish()
    await asyncio.gather(*(task for _, task in made), return_exceptions=True)
    _check(log, [request.name for request, _ in made], cancelled, limit)


def _check(log: list[str], names: list[str], cancelled: set[str], limit: int | None) -> None:
    held: set[str] = set()
    answering: set[str] = set()
    for name, event in (line.split() for line in log):
        if event == "starts":
            held -= cancelled  # their end is not told
            held.add(name)
            assert limit is None or len(held) <= limit
        elif event == "answers":
            answering.add(name)
        elif event == "pauses":
            assert name.startswith("ask")
            assert name not in answering
            held.remove(name)
        else:
            held.discard(name)
    assert {line.split()[0] for line in log if line.endswith("ends")} >= set(names) - cancelled
    for name in names:
        assert log.count(f"{name} pauses") <= MOST_YIELDS
