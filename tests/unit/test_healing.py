"""A cursor in a word: cut back, said anew, or dropped."""

import pytest

from kibitz.server.completion.candidates import suggest_at
from kibitz.server.completion.healing import Healed, cut_back
from kibitz.server.completion.suggest import Suggestion
from tests.fakes.cursor import at_cursor
from tests.fakes.models import ScriptedCompleter
from tests.unit.test_suggest import QWEN, prompt


@pytest.mark.parametrize(
    ("drawn", "before", "word"),
    [
        ("    retu║", "   ", " retu"),
        ("x = foo.ba║", "x = foo.", "ba"),
        ("x = über║)", "x =", " über"),
        ("\tretu║", "\t", "retu"),
        ("f(_x1║", "f(", "_x1"),
    ],
)
def test_a_prompt_ends_before_the_word(drawn: str, before: str, word: str) -> None:
    cut = cut_back(at_cursor(drawn))
    assert cut is not None
    assert (cut.at.prefix, cut.word) == (before, word)
    assert cut.at.suffix == at_cursor(drawn).suffix


@pytest.mark.parametrize("drawn", ["x = ║", "║", "f(║)", "x = 12║", "pri║nt(x)", "a║_b"])
def test_there_is_nothing_to_cut(drawn: str) -> None:
    assert cut_back(at_cursor(drawn)) is None


def test_prose_is_not_cut() -> None:
    assert cut_back(at_cursor("the inst║", language="markdown")) is None


@pytest.mark.parametrize(
    ("pieces", "passed", "disagreed"),
    [
        ([" ret", "urn x"], "rn x", False),
        (["return x"], "rn x", False),
        (["  r", "e", "t", "u", "rn"], "rn", False),
        ([" raise", " x", " y"], "", True),
        ([" re"], "", True),
        ([], "", True),
    ],
)
async def test_an_answer_is_held_back_until_it_agrees(pieces: list[str], passed: str, disagreed: bool) -> None:
    model = ScriptedCompleter(pieces)
    healed = Healed(model, " retu")
    assert "".join([delta.text async for delta in healed.complete("", max_tokens=9)]) == passed
    assert healed.disagreed is disagreed
    assert model.closed == 1


async def test_a_model_that_says_another_word_is_stopped_at_once() -> None:
    model = ScriptedCompleter([" raise", " x", " y"])
    healed = Healed(model, " retu")
    assert [delta async for delta in healed.complete("", max_tokens=9)] == []
    assert model.sent == [" raise"]


async def suggested(drawn: str, model: ScriptedCompleter) -> Suggestion | None:
    return await suggest_at(at_cursor(drawn), prompt, lambda _: model, family=QWEN, max_tokens=64)


async def test_the_word_is_asked_for_whole_and_the_rest_is_shown() -> None:
    model = ScriptedCompleter(" return w * h")
    assert await suggested("def area(w, h):\n    retu║\n", model) == Suggestion("rn w * h")
    assert "retu" not in model.asked[0].prompt


async def test_where_the_model_says_another_word_the_plain_prompt_is_asked() -> None:
    model = ScriptedCompleter(" raise x", "rn w * h")
    assert await suggested("def area(w, h):\n    retu║\n", model) == Suggestion("rn w * h")
    assert "retu" in model.asked[1].prompt
