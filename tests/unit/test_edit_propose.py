"""From an answer to an edit. Each case under tests/golden/edit reads: target, answer, what comes of it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.prompts.model_names import tokenizer_for
from kibitz.prompts.render import Rendered
from kibitz.prompts.templates.context import ContextItem, Definition
from kibitz.server.edit.change import Edit, Target, Targets, apply
from kibitz.server.edit.one_file import to_edit
from kibitz.server.edit.propose import edit_prompt
from kibitz.server.errors import EditError, ModelError, UnfinishedEditError
from kibitz.server.rendering import Counting
from tests.fakes.models import ScriptedChat
from tests.fakes.proposing import propose

GOLDEN = Path(__file__).parent.parent / "golden" / "edit"
HEAD, ANSWER, RESULT = "=== target ", "=== answer\n", "=== result\n"
SOURCE = "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"
TARGET = Target("src/calc.py", SOURCE, Span(4, 6), "python")
BETTER = "```python\ndef sub(a, b):\n    return b - a\n```\n"


def read_case(file: Path) -> tuple[Target, str, str]:
    text = file.read_text(encoding="utf-8")
    head, rest = text.removeprefix(HEAD).split("\n", 1)
    path, lines, language = head.split()
    source, rest = rest.split(ANSWER, 1)
    answer, result = rest.split(RESULT, 1)
    whole = len(source.splitlines())
    first, last = (1, whole) if lines == "all" else map(int, lines.split("-"))
    return Target(path, source, Span(first - 1, last), language), answer, result


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.txt")), ids=lambda file: file.stem)
def test_an_answer_becomes_the_edit_that_the_golden_file_shows(file: Path) -> None:
    target, answer, result = read_case(file)
    try:
        edit = to_edit(answer, target)
    except EditError as refusal:
        assert f"refused: {refusal}\n" == result
    else:
        assert edit.diff() == result
        assert apply(edit.old, edit.replacements()) == edit.new


async def nothing(query: str, k: int) -> Sequence[Hit]:
    return []


async def prompt(target: Target = TARGET, budget_tokens: int = 2_000) -> Rendered:
    return await edit_prompt(
        "swap the operands",
        Targets(target),
        retrieve=nothing,
        counting=Counting(tokenizer_for(None)),
        budget_tokens=budget_tokens,
        reserve_tokens=200,
    )


async def test_outlines_of_what_the_target_names_are_shown() -> None:
    async def outlines(path: str, text: str, room: float) -> Sequence[Definition]:
        return [Definition(ContextItem("src/log.py note", f"def note(about: str)  # {path}\n", "", "src/log.py"))]

    rendered = await edit_prompt(
        "log it",
        Targets(TARGET),
        retrieve=nothing,
        counting=Counting(tokenizer_for(None)),
        budget_tokens=2_000,
        reserve_tokens=200,
        outlines=outlines,
    )
    assert rendered.messages is not None
    assert "def note(about: str)  # src/calc.py\n" in rendered.messages[-1].content


async def test_an_instruction_becomes_an_edit() -> None:
    model = ScriptedChat(BETTER)
    edit = await propose(await prompt(), TARGET, model, max_tokens=200)
    assert edit == Edit("src/calc.py", SOURCE, SOURCE.replace("a - b", "b - a"))
    assert model.closed == 1


async def test_the_answer_is_told_as_it_comes() -> None:
    heard: list[str] = []
    await propose(await prompt(), TARGET, ScriptedChat(BETTER), max_tokens=200, on_delta=heard.append)
    assert "".join(heard) == BETTER
    assert len(heard) > 1


async def test_an_answer_that_was_cut_is_no_edit() -> None:
    with pytest.raises(EditError, match="cut at 200 tokens"):
        await propose(await prompt(), TARGET, ScriptedChat(BETTER, finish_reason="length"), max_tokens=200)


async def test_a_model_s_failure_is_the_model_s() -> None:
    with pytest.raises(ModelError, match="not reachable"):
        await propose(await prompt(), TARGET, ScriptedChat(ModelError("not reachable")), max_tokens=200)


async def test_the_prompt_shows_target_surroundings_and_what_was_found_elsewhere() -> None:
    asked: list[str] = []

    async def retrieve(query: str, k: int) -> Sequence[Hit]:
        asked.append(query)
        return [
            Hit(Chunk("src/calc.py", Span(0, 2), "def add(a, b): ..."), 2.0, ("lexical",)),
            Hit(Chunk("src/use.py", Span(9, 10), "print(sub(3, 1))\n"), 1.0, ("lexical",)),
        ]

    rendered = await edit_prompt(
        "swap the operands",
        Targets(TARGET),
        retrieve=retrieve,
        counting=Counting(tokenizer_for(None)),
        budget_tokens=2_000,
        reserve_tokens=200,
    )
    assert rendered.messages is not None
    said = rendered.messages[-1].content
    assert asked == ["swap the operands\ndef sub(a, b):\n    return a - b\n"]
    assert "def sub(a, b):\n    return a - b\n" in said
    assert "return a + b" in said
    assert "src/use.py:10-10" in said
    assert "def add(a, b): ..." not in said, "the file itself is in the prompt already"


async def test_a_whole_file_asks_for_blocks() -> None:
    whole = Target("src/calc.py", SOURCE, Span(0, 6), "python")
    rendered = await prompt(whole)
    assert rendered.messages is not None
    assert "<<<<<<< SEARCH" in rendered.messages[0].content


WHOLE = Target("src/calc.py", SOURCE, Span(0, 6), "python")
WRONG = "<<<<<<< SEARCH\n    return a * b\n=======\n    return b * a\n>>>>>>> REPLACE\n"
FIRST = "<<<<<<< SEARCH\n    return a - b\n=======\n    return b - a\n>>>>>>> REPLACE\n"


def repairing(*answers: str, finish_reason: str = "stop") -> tuple[ScriptedChat, list[int]]:
    return ScriptedChat(*answers, finish_reason=finish_reason), []


async def test_a_model_is_shown_the_objection_once() -> None:
    model, spared = repairing(WRONG, FIRST)

    async def again(spare: int) -> Rendered:
        spared.append(spare)
        return await prompt(WHOLE, 2_000 - spare)

    edit = await propose(await prompt(WHOLE), WHOLE, model, max_tokens=200, again=again)
    assert edit.new == SOURCE.replace("a - b", "b - a")
    assert len(spared) == 1
    assert spared[0] > 20
    *_, said, objection = model.asked[1].messages
    assert (said.role, said.content) == ("assistant", WRONG)
    assert 'is not in the file ("return a * b")' in objection.content


async def test_a_second_refusal_is_the_last() -> None:
    model, _ = repairing(WRONG, WRONG, FIRST)

    async def again(spare: int) -> Rendered:
        return await prompt(WHOLE, 2_000 - spare)

    with pytest.raises(EditError, match="is not in the file"):
        await propose(await prompt(WHOLE), WHOLE, model, max_tokens=200, again=again)
    assert len(model.asked) == 2


async def test_there_is_no_second_round_where_it_does_not_fit() -> None:
    model, _ = repairing(WRONG, FIRST)

    async def again(spare: int) -> Rendered:
        return await prompt(WHOLE, spare)

    with pytest.raises(EditError, match="is not in the file"):
        await propose(await prompt(WHOLE), WHOLE, model, max_tokens=200, again=again)
    assert len(model.asked) == 1


async def test_what_was_finished_before_the_cut_comes_with_the_error() -> None:
    model = ScriptedChat(FIRST + WRONG[:30], finish_reason="length")
    with pytest.raises(UnfinishedEditError, match="cut at 200 tokens") as cut:
        await propose(await prompt(WHOLE), WHOLE, model, max_tokens=200)
    assert cut.value.finished == (Edit("src/calc.py", SOURCE, SOURCE.replace("a - b", "b - a")),)


async def test_each_finished_block_is_told_before_the_answer_ends() -> None:
    told: list[Edit] = []
    model = ScriptedChat(FIRST + "\nThat is all.\n")

    def note(edit: Edit) -> None:
        assert len("".join(model.sent)) < len(FIRST) + 5
        told.append(edit)

    await propose(await prompt(WHOLE), WHOLE, model, max_tokens=200, on_block=note)
    assert [edit.new for edit in told] == [SOURCE.replace("a - b", "b - a")]


DECORATED = "import functools\n\n\n# Once.\n@functools.cache\ndef f():\n    return 1\n\n\ndef g():\n    return 2\n"


def rewritten(answer: str, source: str = DECORATED, span: Span | None = None) -> str:
    target = Target("a.py", source, span or Span(0, len(source.splitlines())), "python")
    return to_edit(f"```python\n{answer}```\n", target).new


def test_a_function_written_anew_takes_the_place_of_the_one_of_its_name() -> None:
    assert rewritten("@functools.cache\ndef f():\n    return 3\n") == DECORATED.replace("return 1", "return 3")
    assert rewritten("def g():\n    return 3\n") == DECORATED.replace("return 2", "return 3")


def test_it_is_not_guessed_whether_a_decorator_goes() -> None:
    with pytest.raises(EditError, match="What stands above `f`"):
        rewritten("def f():\n    return 3\n")


def test_a_name_that_is_defined_twice_has_to_be_selected() -> None:
    source = "class A:\n    def f(self):\n        return 1\n\n\nclass B:\n    def f(self):\n        return 2\n"
    with pytest.raises(EditError, match="defined at lines 2 and 7"):
        rewritten("    def f(self):\n        return 3\n", source)


def test_an_answer_wider_than_the_selection_is_refused() -> None:
    with pytest.raises(EditError, match="rewrote `f` from its head \\(line 6\\)"):
        rewritten("def f():\n    return 3\n", span=Span(6, 7))


@pytest.mark.parametrize(
    ("model", "wanted", "order"),
    [
        ("gpt-5", "", "SEARCH/REPLACE"),
        ("gpt-4-turbo", "", "unified diff"),
        ("qwen2.5-coder:1.5b", "", "whole new definition"),
        ("gpt-5", "diff", "unified diff"),
    ],
)
async def test_an_edit_of_a_file_is_asked_for_in_the_form_that_suits_the_model(
    model: str, wanted: str, order: str
) -> None:
    got = await edit_prompt(
        "Add a docstring.",
        Targets(Target("a.py", "def f():\n    return 1\n", Span(0, 2), "python")),
        retrieve=nothing,
        counting=Counting(tokenizer_for("gpt-5")),
        budget_tokens=2_000,
        reserve_tokens=200,
        model=model,
        wanted_format=wanted,
    )
    assert got.messages is not None
    assert order in got.messages[-1].content.rsplit("\n", 1)[-1]
