from collections.abc import Sequence

import pytest

from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.prompts.errors import BudgetError
from kibitz.prompts.model_names import tokenizer_for
from kibitz.prompts.render import Rendered
from kibitz.prompts.templates.context import ContextItem, Turn
from kibitz.server.chat.ask import Answer, Citation, Question, ask_prompt, collect, stream_answer
from kibitz.server.chat.sources import Source, sources
from kibitz.server.errors import ModelError
from kibitz.server.rendering import Counting
from tests.fakes.models import ScriptedChat


class Found:
    """Retrieves the same hits for every question and remembers the questions."""

    def __init__(self, *hits: Hit) -> None:
        self.hits = hits
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, query: str, k: int) -> Sequence[Hit]:
        self.asked.append((query, k))
        return self.hits[:k]


def hit(path: str, start: int, text: str) -> Hit:
    return Hit(Chunk(path, Span(start, start + text.count("\n")), text), 1.0, ("vector",))


CLOSE = hit("src/session.py", 9, "def close(self):\n    self.pool.drain()\n")
DRAIN = hit("src/pool.py", 3, "def drain(self):\n    pass\n")


async def prompt(
    question: str,
    found: Found,
    *,
    budget_tokens: int = 2_000,
    history: Sequence[tuple[str, str]] = (),
    attached: Sequence[ContextItem] = (),
) -> Rendered:
    turns = [Turn(role, text) for role, text in history]
    return await ask_prompt(
        Question(question, attached=attached, history=turns),
        retrieve=found,
        counting=Counting(tokenizer_for(None)),
        budget_tokens=budget_tokens,
        reserve_tokens=200,
    )


async def test_the_prompt_shows_what_was_found_and_the_question() -> None:
    found = Found(CLOSE, DRAIN)
    rendered = await prompt("How is a session closed?", found)
    assert rendered.messages is not None
    said = rendered.messages[1].content
    assert "src/session.py:10-11" in said
    assert "self.pool.drain()" in said
    assert rendered.messages[-1].content == "How is a session closed?"
    assert sources(rendered, {}) == (Source("src/session.py", 10, 11, "found"), Source("src/pool.py", 4, 5, "found"))
    assert rendered.tokens + rendered.reserved <= 2_000


async def test_a_bigger_budget_asks_for_more_hits() -> None:
    found = Found()
    await prompt("x?", found, budget_tokens=2_000)
    await prompt("x?", found, budget_tokens=8_000)
    (_, few), (_, many) = found.asked
    assert few < many <= 60


async def test_a_short_question_is_searched_with_the_one_before() -> None:
    found = Found()
    turns = [("user", "How is a session closed?"), ("assistant", "By draining.")]
    await prompt("And where?", found, history=turns)
    await prompt("Which function drains the pool of connections when it closes?", found, history=turns)
    assert [query for query, _ in found.asked] == [
        "How is a session closed?\nAnd where?",
        "Which function drains the pool of connections when it closes?",
    ]


async def test_what_the_user_attached_comes_first_and_once() -> None:
    attached = ContextItem("src/session.py:1-20", "whole class\n", "src/session.py:1-20", "src/session.py", 1, 20)
    rendered = await prompt("How?", Found(DRAIN, CLOSE), attached=[attached])
    assert sources(rendered, {attached.label: "attached"}) == (
        Source("src/session.py", 1, 20, "attached"),
        Source("src/pool.py", 4, 5, "found"),
    )


async def test_a_question_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(BudgetError):
        await prompt("why " * 3_000, Found())


async def test_the_answer_is_streamed_and_cites_what_was_shown() -> None:
    said = "`src/session.py:10-11` drains the pool; see also src/other.py:1-3."
    model = ScriptedChat(said)
    rendered = await prompt("How is a session closed?", Found(CLOSE))
    answer = await collect(stream_answer(rendered, model, max_tokens=200), rendered)
    assert answer == Answer(said, (Citation("src/session.py", 10, 11),), "stop")
    assert [message.role for message in model.asked[0].messages] == ["system", "user", "assistant", "user"]
    assert model.asked[0].max_tokens == 200


async def test_an_answer_that_names_nothing_cites_nothing() -> None:
    rendered = await prompt("How?", Found(CLOSE))
    answer = await collect(stream_answer(rendered, ScriptedChat("By magic."), max_tokens=200), rendered)
    assert answer.citations == ()


async def test_a_closed_answer_closes_the_model_s_stream() -> None:
    model = ScriptedChat("a long answer " * 50)
    rendered = await prompt("How?", Found(CLOSE))
    deltas = stream_answer(rendered, model, max_tokens=200)
    assert (await anext(deltas)).text
    await deltas.aclose()
    assert model.closed == 1
    assert len(model.sent) == 1


async def test_a_model_s_failure_passes() -> None:
    rendered = await prompt("How?", Found(CLOSE))
    with pytest.raises(ModelError, match="not reachable"):
        await collect(stream_answer(rendered, ScriptedChat(ModelError("not reachable")), max_tokens=200), rendered)


async def test_a_very_small_model_is_shown_an_example_and_its_answer_is_begun() -> None:
    model = ScriptedChat("src/session.py:10-11`, it drains the pool.")
    rendered = await ask_prompt(
        Question("How is a session closed?"),
        retrieve=Found(CLOSE, DRAIN),
        counting=Counting(tokenizer_for("gpt-4o")),
        budget_tokens=2_000,
        reserve_tokens=200,
        small=True,
    )
    assert rendered.messages is not None
    assert [message.role for message in rendered.messages] == ["system", "user", "assistant", "user", "assistant"]
    best_last = rendered.messages[3].content
    assert best_last.index("src/pool.py") < best_last.index("src/session.py")
    answer = await collect(stream_answer(rendered, model, max_tokens=50, small=True), rendered)
    assert answer.text == "According to `src/session.py:10-11`, it drains the pool."
    assert answer.citations == (Citation("src/session.py", 10, 11),)
    assert "\n\n" in model.asked[0].stop
