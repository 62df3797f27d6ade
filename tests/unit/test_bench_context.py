"""What the benchmarks of a completion's context rest on: which lines are hidden, and what a prompt is found to hold."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.prompts.templates.context import Context, ContextItem
from kibitz.server.completion.snapshot import Snapshot
from tests.bench import hidden_names
from tests.bench.context import Outcome, elsewhere, here, pooled
from tests.bench.context_sides import apart, jaccard
from tests.bench.hidden_lines import plain_prompt
from tests.bench.hidden_names import NEAR, Place, draw, names_by_line, words

FAR = "    x()\n" * 2 * NEAR
TEXTS = {
    "a.py": "far_0, far_1, far_2 = range(3)\n\n\n"
    + "".join(f"def function_{one}():\n{FAR}    use(far_{one}, other_{one})\n{FAR}\n\n" for one in range(3)),
    "b.py": f"def defining():\n{FAR}    other_0 = other_1 = other_2 = far_0\n{FAR}",
    "c.py": "def third():\n    # a comment names other\n    pass\n    return 'string' + f'{put_in}'\n",
}


@pytest.fixture(autouse=True)
def no_history() -> Iterator[None]:
    with mock.patch.object(hidden_names, "recent_at", return_value=()):
        yield


def test_a_hidden_name_stands_elsewhere_and_not_near() -> None:
    places = draw(Path("tree"), TEXTS, 40)
    assert any(place.here for place in places)
    assert any(set(place.names) - place.here for place in places)
    for place in places:
        at, line = place.at(TEXTS[place.path])
        near = words("\n".join([*at.prefix.split("\n")[-NEAR - 1 :], *at.suffix.split("\n")[: NEAR + 1]]))
        rest = words("\n".join([at.prefix, at.suffix, *(TEXTS[path] for path in TEXTS if path != place.path)]))
        assert not near.intersection(place.names)
        assert set(place.names) <= rest
        assert words(line) >= set(place.names)
        assert at.prefix + line + at.suffix == TEXTS[place.path]


def test_places_depend_on_the_name_of_the_tree_and_of_the_draw_alone() -> None:
    first = draw(Path("tree"), TEXTS, 3)
    assert first == draw(Path("elsewhere/tree"), dict(reversed(TEXTS.items())), 3)
    assert any(first != draw(Path("tree"), TEXTS, 3, f" {which}") for which in range(5))
    assert any(first != draw(Path(f"tree {which}"), TEXTS, 3) for which in range(5))


def test_names_are_those_of_the_grammar_and_what_is_put_into_strings() -> None:
    assert names_by_line("c.py", TEXTS["c.py"]) == {0: {"third"}, 3: {"put_in"}}


def test_a_share_counts_each_name_and_tells_where_else_it_stands() -> None:
    place = Place("tree", "a.py", "python", 3, ("near", "far", "third"), frozenset({"near"}), ())
    outcomes = [Outcome(place, frozenset({"near", "far"}), 9, 1.0), Outcome(place, frozenset(), 9, 1.0)]
    assert [one.share for one in outcomes] == pytest.approx([2 / 3, 0])
    assert [pooled(outcomes), pooled(outcomes, here), pooled(outcomes, elsewhere)] == ["0.333", "0.500", "0.250"]
    assert pooled([]) == ""


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(1, 20), st.integers(1, 4))
def test_windows_of_one_file_do_not_overlap_and_the_likest_is_first(
    likeness: list[float], size: int, many: int
) -> None:
    found = apart([(one, "a.py", start) for start, one in enumerate(likeness)], size, many)
    starts = sorted(start for _, _, start in found)
    assert found[0][0] == max(likeness)
    assert len(found) <= many
    assert all(second - first >= size for first, second in itertools.pairwise(starts))


@given(st.sets(st.text(max_size=2)), st.sets(st.text(max_size=2)))
def test_likeness_is_the_same_both_ways_and_one_for_equals(one: set[str], other: set[str]) -> None:
    assert 0 <= jaccard(one, other) == jaccard(other, one) <= 1
    assert jaccard(one, one) == bool(one)


@given(st.integers(80, 400), st.lists(st.integers(1, 300), max_size=4))
def test_a_plain_prompt_fits_and_ends_at_the_cursor(budget: int, sizes: list[int]) -> None:
    at = Snapshot("a.py", 1, "call(1)\n" * 60 + "    ", "", "python")
    context = Context(items=[ContextItem("", "x\n" * size, "", "b.py") for size in sizes])
    prompt = "".join(map(chr, plain_prompt(at, context, budget, lambda text: [ord(one) for one in text])))
    assert len(prompt) <= budget
    assert prompt.startswith("```python\n")
    assert prompt.endswith("call(1)\n   ")
    assert ("# b.py" in prompt) == bool(sizes)
