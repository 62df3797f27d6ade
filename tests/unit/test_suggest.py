"""Ghost text from a scripted model: when it stops, what it shows, what it asks."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.prompts.model_names import tokenizer_for
from kibitz.prompts.render import Rendered
from kibitz.prompts.templates.complete import FAMILIES, FimFamily
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.completion.suggest import PLAIN, Suggestion, completion_prompt, query, suggest
from kibitz.server.errors import ModelError
from kibitz.server.llm.ports import Delta
from kibitz.server.rendering import Counting
from tests.fakes.cursor import at_cursor
from tests.fakes.golden import Case, cases
from tests.fakes.models import ScriptedChat, ScriptedCompleter

QWEN = FAMILIES["qwen-coder"]
FUNCTION = at_cursor("def area(w, h):\n    ║\n\n\nprint(area(1, 2))\n")


class EndlessCompleter:
    """Begins an answer and never goes on."""

    name = "endless"

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.closed = False

    async def complete(
        self, prompt: str, *, max_tokens: int, stop: Sequence[str] = (), temperature: float = 0.0
    ) -> AsyncIterator[Delta]:
        try:
            yield Delta("return ")
            self.started.set()
            await asyncio.Event().wait()
        finally:
            self.closed = True


async def nothing(query: str, k: int) -> Sequence[Hit]:
    return []


async def prompt(at: Snapshot, family: FimFamily | None = QWEN, budget_tokens: int = 1_000) -> Rendered:
    return await completion_prompt(
        at,
        retrieve=nothing,
        family=family,
        counting=Counting(tokenizer_for(None)),
        budget_tokens=budget_tokens,
        reserve_tokens=64,
    )


async def shown(at: Snapshot, model: ScriptedCompleter, family: FimFamily | None = QWEN) -> Suggestion | None:
    return await suggest(at, await prompt(at, family), model, family=family, max_tokens=64)


async def test_a_completer_s_text_is_shown() -> None:
    model = ScriptedCompleter("return w * h\n")
    assert await shown(FUNCTION, model) == Suggestion("return w * h")
    assert model.asked[0].prompt.startswith("<|file_sep|>a.py")
    assert "<|endoftext|>" in model.asked[0].stop


@pytest.mark.parametrize(
    ("at", "lines", "text"),
    [
        (FUNCTION, ["return w * h\n", "\n", "\n", "def more():\n", "    pass\n"], "return w * h"),
        (FUNCTION, ["return w * h\n", "print(1)\n", "print(2)\n"], "return w * h"),
        (FUNCTION, ["x = w\n", "    return x\n", "print(area(1, 2))\n", "print(3)\n"], "x = w\n    return x"),
        (at_cursor("x = f(║) + 1\n"), ["a", ", b", "\n", "more\n", "more\n"], "a, b"),
        (at_cursor("║"), ["a = 1\n"] * 3 + ["b"] * 3, "a = 1"),
        (at_cursor("x = ║\n"), ["```python\n", "x = 1\n", "```\n", "This sets\n", "x.\n"], "1"),
        (at_cursor("x = ║\n"), ["1", "<|file_sep|>", "b.py\n", "y\n"], "1"),
    ],
    ids=["blank lines", "dedent", "the next line", "one line", "a loop", "a fence", "a token"],
)
async def test_the_model_is_stopped_when_the_suggestion_is_complete(at: Snapshot, lines: list[str], text: str) -> None:
    model = ScriptedCompleter(lines)
    assert await shown(at, model) == Suggestion(text)
    assert len(model.sent) < len(lines)
    assert model.closed == 1


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
async def test_an_answer_in_pieces_is_shown_like_a_whole_one(case: Case) -> None:
    suggestion = await shown(case.at, ScriptedCompleter(case.model))
    assert (suggestion.text if suggestion else "") == case.shown


async def test_code_after_the_cursor_stops_the_model_at_the_line_s_end() -> None:
    model = ScriptedCompleter("a")
    await shown(at_cursor("x = ║ + 1\n"), model)
    assert "\n" in model.asked[0].stop


async def test_half_a_line_is_not_shown_after_whole_ones() -> None:
    model = ScriptedCompleter("x = w\n    return x * some_long_na", finish_reason="length")
    assert await shown(FUNCTION, model) == Suggestion("x = w")


@pytest.mark.parametrize("said", ["", "\n\n", "<|endoftext|>", "print(area(1, 2))", "```python\n```"])
async def test_nothing_is_shown_when_nothing_is_left(said: str) -> None:
    assert await shown(FUNCTION, ScriptedCompleter(said)) is None


async def test_a_chat_model_completes_too() -> None:
    model = ScriptedChat("```python\n    return w * h\n```")
    rendered = await prompt(FUNCTION, family=None)
    assert await suggest(FUNCTION, rendered, model, family=None, max_tokens=64) == Suggestion("return w * h")
    assert "<CURSOR>" in model.asked[0].messages[-1].content


async def test_a_completer_without_a_format_continues_the_prefix() -> None:
    model = ScriptedCompleter(" return w * h\n")
    assert await shown(FUNCTION, model, PLAIN) == Suggestion("return w * h")
    assert model.asked[0].prompt == "```python\ndef area(w, h):\n   "  # one blank comes with the answer


async def test_a_model_s_failure_is_the_model_s() -> None:
    with pytest.raises(ModelError, match="busy"):
        await shown(FUNCTION, ScriptedCompleter(ModelError("busy")))


async def test_a_cancelled_completion_closes_the_model_s_stream() -> None:
    model = EndlessCompleter()
    task = asyncio.create_task(suggest(FUNCTION, await prompt(FUNCTION), model, family=QWEN, max_tokens=64))
    await model.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.closed


def test_the_query_is_the_cursor_s_line_first() -> None:
    assert query(FUNCTION) == "def area(w, h):\nprint(area(1, 2))"
    asked = query(at_cursor("import os\n\nsession.close(║)\nrest\n"))
    assert asked.split("\n") == ["session close", "session.close()", "import os", "rest"]
    assert query(at_cursor("║")) == ""
    far = at_cursor("far = 1\n" + "\n" * 100 + "near = 2\nx = ║\nbelow = 3\n" + "\n" * 100 + "far = 4\n")
    assert query(far).split("\n") == ["x =", "near = 2", "below = 3"]


async def test_the_prompt_takes_hits_from_elsewhere_and_from_far_away() -> None:
    far = "".join(f"far_{n} = {n}\n" for n in range(2_000))
    at = at_cursor(far + "near = 1\nx = ║\n")

    async def retrieve(query: str, k: int) -> Sequence[Hit]:
        return [
            Hit(Chunk("a.py", Span(2_000, 2_001), "NEAR_HIT\n"), 3.0, ("lexical",)),
            Hit(Chunk("a.py", Span(3, 4), "FAR_HIT\n"), 2.0, ("lexical",)),
            Hit(Chunk("b.py", Span(3, 4), "OTHER_HIT\n"), 1.0, ("lexical",)),
        ]

    rendered = await completion_prompt(
        at,
        retrieve=retrieve,
        family=QWEN,
        counting=Counting(tokenizer_for(None)),
        budget_tokens=3_000,
        reserve_tokens=64,
    )
    assert rendered.text is not None
    assert "OTHER_HIT" in rendered.text
    assert "FAR_HIT" in rendered.text
    assert "NEAR_HIT" not in rendered.text


async def test_a_document_with_other_line_ends_is_completed_like_any_other() -> None:
    at = at_cursor("total = 0\nfor x in xs:\n    ║\n    total += x\nprint(total)\n")
    windows = Snapshot(
        at.path, at.version, at.prefix.replace("\n", "\r\n"), at.suffix.replace("\n", "\r\n"), at.language
    )
    assert "\r" not in ((await prompt(windows)).text or "\r")
    answer = "check(x)\n    total += x\nprint(total)\n"
    assert await shown(windows, ScriptedCompleter(answer)) == await shown(at, ScriptedCompleter(answer))
