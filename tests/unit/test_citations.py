import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.prompts.model_names import tokenizer_for
from kibitz.prompts.render import Rendered, render
from kibitz.prompts.templates.chat import ask_tree
from kibitz.prompts.templates.context import ContextItem
from kibitz.server.chat.citations import Citation, citations, merged, place_of


def item(path: str, start: int, end: int) -> ContextItem:
    text = "".join(f"line {number} = {number}\n" for number in range(start, end + 1))
    return ContextItem(f"{path}:{start}-{end}", text, f"{path}:{start}-{end}", path, start, end)


def shown(rendered: Rendered) -> tuple[Citation, ...]:
    places = [place_of(part.origin) for part in rendered.parts if part.shown]
    return merged(place for place in places if place)


def prompt(*items: ContextItem, budget_tokens: int = 4_000) -> Rendered:
    tree = ask_tree("How?", items, reserve_tokens=100)
    return render(tree, budget_tokens=budget_tokens, tokenizer=tokenizer_for(None))


RENDERED = prompt(
    item("server/chat/ask.py", 10, 24),
    item("server/chat/ask.py", 25, 30),
    item("server/app.py", 5, 9),
    item("indexer/app.py", 1, 4),
    item("Makefile", 1, 3),
)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("See `server/app.py:5-7`.", ["server/app.py:5-7"]),
        ("See server/app.py:6.", ["server/app.py:6-6"]),
        ("See server/app.py#L5-L7 and server/app.py#L8", ["server/app.py:5-7", "server/app.py:8-8"]),
        ("(ask.py:12\u201314)", ["server/chat/ask.py:12-14"]),
        ("`chat/ask.py` (lines 12-14)", ["server/chat/ask.py:12-14"]),
        ("./server/app.py:5", ["server/app.py:5-5"]),
        ("server\\app.py:5", ["server/app.py:5-5"]),
        ("[it](server/app.py#L5)", ["server/app.py:5-5"]),
        ("Makefile:2", ["Makefile:2-2"]),
        ("server/chat/ask.py:1-100", ["server/chat/ask.py:10-30"]),
        ("ask.py:20-28", ["server/chat/ask.py:20-28"]),
        ("ask.py:12 and again ask.py:12", ["server/chat/ask.py:12-12"]),
    ],
)
def test_a_place_that_was_shown_is_cited(text: str, places: list[str]) -> None:
    assert [f"{c.path}:{c.start_line}-{c.end_line}" for c in citations(text, RENDERED)] == places


@pytest.mark.parametrize(
    "text",
    [
        "server/app.py:100-120",
        "server/app.py",
        "app.py:3",
        "other.py:5",
        "xserver/app.py:5",
        "It is 10:24 now.",
        "http://localhost:8080",
        "no citation at all",
        "server/app.py:9-5",
    ],
    ids=[
        "lines not shown",
        "no lines",
        "two files",
        "no file",
        "longer name",
        "a time",
        "a port",
        "nothing",
        "backwards",
    ],
)
def test_what_was_not_in_the_prompt_is_no_citation(text: str) -> None:
    assert citations(text, RENDERED) == ()


@given(st.text(max_size=40), st.integers(0, 50), st.integers(0, 50))
def test_every_citation_lies_in_what_was_shown(noise: str, start: int, end: int) -> None:
    for cited in citations(f"{noise} ask.py:{start}-{end} {noise}", RENDERED):
        assert cited.start_line <= cited.end_line
        assert any(
            source.path == cited.path and source.start_line <= cited.start_line <= cited.end_line <= source.end_line
            for source in shown(RENDERED)
        )


def test_places_that_touch_are_one_best_first() -> None:
    assert shown(RENDERED) == (
        Citation("server/chat/ask.py", 10, 30),
        Citation("server/app.py", 5, 9),
        Citation("indexer/app.py", 1, 4),
        Citation("Makefile", 1, 3),
    )


def test_what_the_budget_left_out_is_no_citation() -> None:
    rendered = prompt(item("a.py", 1, 3), item("b.py", 1, 2_000), budget_tokens=500)
    assert citations("a.py:2 and b.py:7", rendered) == (Citation("a.py", 2, 2),)


def test_of_a_part_that_was_cut_only_what_was_shown_is_cited() -> None:
    rendered = prompt(item("a.py", 1, 500), budget_tokens=1_000)
    (cited,) = citations("a.py:1-500", rendered)
    assert cited.end_line < 500


@pytest.mark.parametrize("word", ["a" * 100_000, "a/" * 50_000, "-" * 100_000])
def test_a_long_word_is_passed_over(word: str) -> None:
    assert citations(f"{word} server/app.py:5", RENDERED) == (Citation("server/app.py", 5, 5),)
