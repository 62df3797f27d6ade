"""From every character of a prompt to the part of the tree that it came from, and back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.prompts.errors import BudgetError
from kibitz.prompts.estimate import EstimatedTokenizer
from kibitz.prompts.nodes import (
    Node,
    capped,
    fallback,
    fragment,
    image,
    isolate,
    lines,
    scope,
    shortened,
    system,
    token_break,
    user,
)
from kibitz.prompts.render import Rendered, render
from kibitz.prompts.rendered import PartReport
from kibitz.prompts.session import Renderer
from kibitz.prompts.tokens import TiktokenTokenizer
from kibitz.prompts.trace import explain
from tests.fakes.prompt_trees import LIMITS, trees
from tests.unit.test_render_properties import Letters

O200K = TiktokenTokenizer("o200k_base")
MODES = st.sampled_from(["strict", "pack", "value"])


def fit(tree: Node, budget: int, mode: str = "pack") -> Rendered:
    return render(tree, budget_tokens=budget, tokenizer=O200K, mode=mode)  # type: ignore[arg-type]


def contents(rendered: Rendered) -> dict[int | None, str]:
    if rendered.messages is None:
        return {None: rendered.text or ""}
    return {number: message.content for number, message in enumerate(rendered.messages)}


@settings(max_examples=300, deadline=None)
@given(trees(LIMITS), st.integers(0, 70), MODES)
def test_every_character_belongs_to_exactly_one_shown_part(tree: Node, budget: int, mode: str) -> None:
    try:
        got = fit(tree, budget, mode)
    except BudgetError:
        return
    for message, content in contents(got).items():
        parts = [part for part in got.parts if part.shown and part.message == message]
        assert "".join(part.text for part in parts) == content
        at = 0
        for part in parts:
            assert (part.start, part.end) == (at, at + len(part.text))
            assert content[part.start : part.end] == part.text
            assert all(got.at(message, character) is part for character in range(part.start, part.end))
            at = part.end
        assert got.at(message, len(content)) is None
        assert got.at(message, -1) is None
        if got.messages is not None and message is not None:
            assert {part.role for part in parts} <= {got.messages[message].role}
    assert {part.message for part in got.parts if part.shown} <= contents(got).keys()
    assert all((part.start, part.end, part.message) == (0, 0, None) for part in got.parts if not part.shown)
    numbers = [part.number for part in got.parts]
    assert numbers == sorted(set(numbers))
    slots = [part.slot for part in got.parts]
    assert slots == sorted(slots)


@settings(max_examples=200, deadline=None)
@given(trees(LIMITS), st.integers(0, 70), MODES)
def test_a_parts_tokens_are_those_that_its_characters_touch(tree: Node, budget: int, mode: str) -> None:
    try:
        got = fit(tree, budget, mode)
    except BudgetError:
        return
    for message, content in contents(got).items():
        pieces = got.pieces if message is None else (content,)
        tokens = [O200K.encode(piece) for piece in pieces]
        holders = [number for number, byte in enumerate(_bytes([id for piece in tokens for id in piece])) for _ in byte]
        for part in got.parts:
            if part.shown and part.message == message:
                before = len(content[: part.start].encode())
                touched = holders[before : before + len(part.text.encode())]
                assert part.token_span == (touched[0], touched[-1] + 1)
                assert (part.token_start, part.token_end) == part.token_span
    assert all(part.token_span is None for part in got.parts if not part.shown)


def _bytes(ids: list[int]) -> list[bytes]:
    from kibitz.prompts.tokens import _encoding

    return [_encoding("o200k_base").decode_single_token_bytes(id) for id in ids]


@settings(max_examples=100, deadline=None)
@given(trees(LIMITS), trees(LIMITS), st.integers(5, 70), st.booleans())
def test_a_renderer_with_a_memory_tells_of_its_own_prompt(one: Node, other: Node, budget: int, steady: bool) -> None:
    renderer = Renderer(O200K, steady=steady)
    rendered = []
    for tree in (one, other, one):
        try:
            rendered.append(renderer.render(tree, budget_tokens=budget))
        except BudgetError:
            continue
    for got in rendered:  # when the renderer has gone on
        for message, content in contents(got).items():
            assert "".join(part.text for part in got.parts if part.shown and part.message == message) == content


def told(rendered: Rendered) -> list[tuple[str, str, bool]]:
    return [(part.name, part.origin, part.shown) for part in rendered.parts]


def test_lines_after_a_marker_keep_their_numbers() -> None:
    text = "".join(f"line {number}\n" for number in range(1, 7))
    got = fit(fragment("head\n", shortened(text, p=1, marker="...\n", name="code", path="a.py", line=11)), 14)
    assert (got.text or "").startswith("head\nline 1\n")
    shown = [(part.origin, part.text) for part in got.parts if part.shown and part.name == "code"]
    for origin, part in shown:
        assert (origin, part) == ("a.py", "...\n") or part == f"line {int(origin.removeprefix('a.py:')) - 10}\n"
    assert ("a.py", "...\n") in shown
    assert [(part["origin"], part["why"]) for part in explain(got) if part["origin"] == "a.py"] == [
        ("a.py", "stands for lines that are left out")
    ]


def test_a_marker_that_stands_for_nothing_is_not_told() -> None:
    got = fit(shortened("one\ntwo\n", p=1, marker="...\n", path="a.py"), 100)
    assert [part.marker for part in got.parts if not part.shown] == [True]
    assert [part["origin"] for part in explain(got)] == ["a.py:1-2"]


def test_the_same_lines_twice_begin_anew() -> None:
    made = lines("a\nb\n", lambda number: 1, path="a.py", line=5)
    assert [part.origin for part in fit(fragment(made, made), 100).parts] == ["a.py:5", "a.py:6", "a.py:5", "a.py:6"]


def test_a_limit_says_that_it_kept_a_part_out_and_not_that_another_took_its_place() -> None:
    tree = fragment(capped(scope("one two three", p=5, name="big"), limit=2), "x", scope(" y", p=1))
    (big,) = (part for part in fit(tree, 100).parts if part.name == "big")
    assert (big.shown, big.replaced, big.limited) == (False, False, True)
    (text,) = (part["why"] for part in explain(fit(tree, 100)) if part["name"] == "big")
    assert text == "priority 5: it did not fit the limit around it"


def test_a_version_that_gave_way_to_a_packed_one_is_replaced() -> None:
    tree = fragment(fallback("a b", "a", p=5, step=4), scope(" long" * 50, p=3))
    got = fit(tree, 4)
    assert [(part.text, part.shown, part.replaced) for part in got.parts][:2] == [
        ("a b", True, False),
        ("a", False, True),
    ]


def test_an_isolate_gives_its_parts_the_name_and_origin_around_it() -> None:
    tree = user(scope("see: ", isolate("kept", scope(" cut" * 9, p=7), limit=2), name="doc", origin="d.md:1-2"), "?")
    assert told(fit(tree, 100)) == [
        ("doc", "d.md:1-2", True),
        ("doc", "d.md:1-2", True),
        ("doc", "d.md:1-2", False),
        ("user message", "", True),
    ]


def test_an_isolate_that_is_left_out_is_told_part_by_part() -> None:
    inner = isolate(system(scope("rules", name="rules")), user(scope("asked", name="asked")), limit=50)
    got = fit(fragment(user("now"), scope(inner, p=1)), 9)
    assert [(part.name, part.shown, part.slot, part.role) for part in got.parts] == [
        ("user message", True, 0, "user"),
        ("rules", False, 1, "system"),
        ("asked", False, 2, "user"),
    ]
    assert [got.curve.enters(part) for part in got.parts] == [8, 18, 18]


def test_an_image_and_a_break_take_no_characters() -> None:
    got = fit(user("ab", image(b"", width=10, height=10), scope("cd", name="x")), 1_000)
    assert [(part.start, part.end) for part in got.parts] == [(0, 2), (2, 4)]
    raw = fit(fragment("ab", token_break(), "cd"), 10)
    assert [(part.start, part.end, part.token_span) for part in raw.parts] == [(0, 4, (0, 2))]
    assert raw.breaks == (2,)


def test_a_token_on_a_seam_belongs_to_both_parts() -> None:
    got = fit(fragment(scope("hel", name="a"), scope("lo", name="b")), 10)
    assert [part.token_span for part in got.parts] == [(0, 1), (0, 1)]
    assert [(part["token_start"], part["token_end"]) for part in explain(got)] == [(0, 1), (0, 1)]


def test_half_a_character_is_touched_by_both_of_its_tokens() -> None:
    got = fit(fragment(scope("𓀀", name="a"), scope("b", name="b")), 20)
    count = O200K.count("𓀀")
    assert count > 1
    assert got.parts[0].token_span == (0, count)


def test_an_estimate_places_the_tokens_of_the_encoding_under_it_and_others_say_nothing() -> None:
    tree = fragment(scope("one two", p=1), scope(" three", p=2))
    estimated = render(tree, budget_tokens=50, tokenizer=EstimatedTokenizer())
    assert [part.token_span for part in estimated.parts] == [(0, 2), (2, 3)]
    other = render(tree, budget_tokens=50, tokenizer=Letters())
    assert [part.token_span for part in other.parts] == [None, None]
    assert PartReport("a", "", 1, True, "a").token_span is None


def test_nothing_is_at_a_place_that_is_not_there() -> None:
    got = fit(user("x"), 50)
    assert got.at(None, 0) is None
    assert got.at(3, 0) is None
    assert got.at(0, 0) is got.parts[0]
