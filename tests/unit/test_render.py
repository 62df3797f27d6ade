"""The renderer by example."""

import pytest

from kibitz.prompts.chat_template import CHATML, GENEROUS, OPENAI, ChatTemplate
from kibitz.prompts.errors import BudgetError, TreeError
from kibitz.prompts.model_names import tokenizer_for
from kibitz.prompts.nodes import (
    Node,
    assistant,
    first,
    fragment,
    isolate,
    lines,
    reserve,
    scope,
    shortened,
    system,
    text,
    user,
)
from kibitz.prompts.render import render
from kibitz.prompts.tokens import TiktokenTokenizer


class Words:
    """A token a word. Remembers what it was asked to count."""

    name = "words"
    exact = True

    def __init__(self) -> None:
        self.asked: list[str] = []

    def count(self, text: str) -> int:
        self.asked.append(text)
        return len(text.split())

    def encode(self, text: str) -> list[int]:
        return [len(word) for word in text.split()]

    def decode(self, ids: list[int]) -> str:
        return " ".join("x" * size for size in ids)


def test_the_lowest_priorities_go_first() -> None:
    tree = fragment("sys ", scope("old ", p=1, name="old"), scope("new ", p=2, name="new"))
    got = render(tree, budget_tokens=2, tokenizer=Words())
    assert (got.text, got.tokens, got.omitted) == ("sys new ", 2, ("old",))


def test_a_relative_priority_counts_from_the_scope_around() -> None:
    tree = fragment(scope("a ", scope("b ", prel=-2), p=10), scope("c ", p=9))
    assert render(tree, budget_tokens=2, tokenizer=Words()).text == "a c "


def test_a_scope_is_hidden_with_the_scope_around_it_whatever_its_own_priority() -> None:
    tree = fragment("a ", scope("b ", scope("c ", p=100), p=1), scope("d ", p=50))
    assert render(tree, budget_tokens=2, tokenizer=Words()).text == "a d "


def test_first_shows_the_fullest_version_that_fits() -> None:
    tree = first(scope("the whole long story", p=1), scope("a summary", p=2), scope("gist", p=3))
    shown = {budget: render(tree, budget_tokens=budget, tokenizer=Words()).text for budget in (0, 1, 2, 3, 4)}
    assert shown == {0: "", 1: "gist", 2: "a summary", 3: "a summary", 4: "the whole long story"}


def test_a_cutoff_that_fits_is_found_though_a_higher_one_does_not() -> None:
    tree = fragment(first(scope("short", p=1), scope("much longer than the other", p=2)), "x ")
    assert render(tree, budget_tokens=2, tokenizer=Words(), mode="strict").text == "shortx "


def test_strict_mode_drops_a_level_whole_and_packing_fills_it_in_order() -> None:
    tree = fragment(scope("one ", p=1), scope("two two two ", p=1), scope("three ", p=1), scope("four", p=0))
    assert render(tree, budget_tokens=2, tokenizer=Words(), mode="strict").text == ""
    assert render(tree, budget_tokens=2, tokenizer=Words(), mode="pack").text == "one three "


def test_packing_by_value_takes_the_smallest_of_a_level_first() -> None:
    tree = fragment(scope("one one one ", p=1), scope("two ", p=1), scope("three three ", p=1), scope("four ", p=0))
    shown = {mode: render(tree, budget_tokens=4, tokenizer=Words(), mode=mode).text for mode in ("pack", "value")}
    assert shown == {"pack": "one one one two ", "value": "two three three four "}


def test_packing_goes_on_with_lower_levels_where_a_higher_scope_is_too_big() -> None:
    tree = fragment(scope("long long long ", p=3, name="high"), scope("low ", p=2), scope("x ", p=1))
    got = render(tree, budget_tokens=2, tokenizer=Words())
    assert (got.text, got.omitted) == ("low x ", ("high",))


def test_packing_shows_nothing_of_a_scope_that_was_too_big() -> None:
    tree = fragment(scope("long long long ", scope("inside ", p=1), p=3), scope("low ", p=2))
    assert render(tree, budget_tokens=2, tokenizer=Words()).text == "low "


def test_lines_beyond_one_that_is_too_long_are_not_packed() -> None:
    source = ["near\n", "far far far far\n", "farther\n"]
    tree = fragment(lines(source, [3, 2, 1]), scope("note ", p=0))
    assert render(tree, budget_tokens=3, tokenizer=Words()).text == "near\nnote "


@pytest.mark.parametrize(
    ("keep", "text"), [("start", "a\nb\n…\n"), ("end", "…\nd\ne\n"), ("ends", "a\n…\ne\n"), ("all", "")]
)
def test_a_shortened_text_gives_way_a_line_at_a_time_and_says_so(keep: str, text: str) -> None:
    if keep == "all":
        with pytest.raises(TreeError, match="shortened: keep"):
            shortened("a", p=1, keep=keep)  # type: ignore[arg-type]
        return
    tree = shortened("a\nb\nc\nd\ne\n", p=1, keep=keep)  # type: ignore[arg-type]
    for mode in ("strict", "pack"):
        assert render(tree, budget_tokens=3, tokenizer=Words(), mode=mode).text == text
        assert render(tree, budget_tokens=5, tokenizer=Words(), mode=mode).text == "a\nb\nc\nd\ne\n"


def test_packing_swaps_an_alternative_for_a_fuller_one_while_there_is_room() -> None:
    tree = [first(scope(f"{name} {name} {name} ", p=1), scope(f"{name} ", p=2)) for name in "abc"]
    assert render(fragment(tree), budget_tokens=7, tokenizer=Words()).text == "a a a b b b c "


def test_the_reserve_counts_against_the_budget_and_goes_with_its_scope() -> None:
    tree = fragment("a b ", reserve(3), scope("c ", reserve(2), p=1))
    small, large = (render(tree, budget_tokens=budget, tokenizer=Words()) for budget in (5, 8))
    assert (small.text, small.tokens, small.reserved) == ("a b ", 2, 3)
    assert (large.text, large.tokens, large.reserved) == ("a b c ", 3, 5)


def test_an_isolate_is_rendered_to_its_own_limit() -> None:
    tree = fragment("a ", isolate(scope("b ", p=1), "c ", limit=1), "d")
    assert render(tree, budget_tokens=10, tokenizer=Words()).text == "a c d"


def test_an_isolate_that_cannot_fit_hurts_only_where_it_is_shown() -> None:
    tree = fragment("a ", scope(isolate("much too long", limit=1), p=1), scope("b", p=2))
    got = render(tree, budget_tokens=10, tokenizer=Words())
    assert got.text == "a b"
    with pytest.raises(BudgetError, match="limit 1"):
        render(isolate("much too long", limit=1), budget_tokens=10, tokenizer=Words())


def test_a_hidden_isolate_is_not_rendered() -> None:
    words = Words()
    hidden = scope(isolate(scope("never seen", p=1), limit=5), p=1)
    render(fragment("a " * 400, scope("b " * 200, p=2), hidden), budget_tokens=401, tokenizer=words, mode="strict")
    assert not any("never seen" in text for text in words.asked)


def test_openais_overhead_is_counted_for_each_message_and_the_reply() -> None:
    tokenizer = TiktokenTokenizer("o200k_base")
    got = render(fragment(system("Be brief."), user("Hello, world!")), budget_tokens=100, tokenizer=tokenizer)
    # From OpenAI's cookbook: three a message, the role, the content, and three for the reply.
    assert got.tokens == (3 + 1 + 3) + (3 + 1 + 4) + 3


@pytest.mark.parametrize(("template", "around"), [(OPENAI, 3 + 4), (CHATML, 3 + 5), (GENEROUS, 32 + 8 + 9)])
def test_a_declared_template_is_counted(template: ChatTemplate, around: int) -> None:
    assert render(user("hi"), budget_tokens=100, tokenizer=Words(), template=template).tokens == 1 + around


def test_an_inexact_tokenizer_is_given_a_generous_template() -> None:
    tokenizer = tokenizer_for("llama3.2")
    got = render(user("hi"), budget_tokens=100, tokenizer=tokenizer)
    assert got.tokens == tokenizer.count("hi") + 32 + 8 + 9
    assert not got.exact


def test_raw_text_has_nothing_round_it() -> None:
    assert render(text("a b"), budget_tokens=2, tokenizer=Words()).tokens == 2


def test_a_message_whose_text_is_left_out_vanishes_with_its_overhead() -> None:
    tree = fragment(system("a"), user(scope("long long long", p=1)), assistant("b"))
    got = render(tree, budget_tokens=13, tokenizer=Words())
    assert [(m.role, m.content) for m in got.messages or ()] == [("system", "a"), ("assistant", "b")]
    assert got.tokens == 3 + 2 * 5


def test_a_budget_error_names_the_largest_fixed_parts() -> None:
    tree = fragment(scope("a " * 50, name="rules"), scope("b " * 90, name="question"), reserve(20), scope("c", p=1))
    with pytest.raises(BudgetError) as caught:
        render(tree, budget_tokens=100, tokenizer=Words())
    assert str(caught.value) == (
        "The prompt does not fit 100 tokens even without anything optional. "
        "Largest fixed parts: question: 90, rules: 50, the reserve for the answer: 20."
    )


def test_parts_tell_what_became_of_them_in_tree_order() -> None:
    tree = fragment(
        system(scope("Be brief. ", name="rules")),
        user(
            scope("def f(): ...\n", p=5, name="code", origin="a.py:1-1"),
            scope("old ", p=1, name="notes", origin="notes"),
            scope("Why?", name="question"),
        ),
    )
    got = render(tree, budget_tokens=17, tokenizer=Words())
    told = [(part.name, part.origin, part.shown, part.message, part.start, part.end) for part in got.parts]
    assert told == [
        ("rules", "", True, 0, 0, 10),
        ("code", "a.py:1-1", True, 1, 0, 13),
        ("notes", "notes", False, None, 0, 0),
        ("question", "", True, 1, 13, 17),
    ]
    assert [part.tokens for part in got.parts] == [2, 3, 1, 1]
    assert got.omitted == ("notes",)


def test_an_alternative_that_a_fuller_one_replaced_is_not_omitted() -> None:
    got = render(first(scope("a b c", p=1, name="x"), scope("a", p=2, name="x")), budget_tokens=9, tokenizer=Words())
    assert [(part.shown, part.replaced) for part in got.parts] == [(True, False), (False, True)]
    assert got.omitted == ()


def test_messages_in_an_isolate_are_reported_where_they_stand() -> None:
    tree = fragment(system("s"), isolate(user("u"), scope(assistant("a a a"), p=1), limit=8), user("q"))
    got = render(tree, budget_tokens=50, tokenizer=Words())
    assert [m.content for m in got.messages or ()] == ["s", "u", "q"]
    assert [(part.text, part.message) for part in got.parts] == [("s", 0), ("u", 1), ("a a a", None), ("q", 2)]


def test_the_same_node_may_stand_in_two_places() -> None:
    shared = scope("x ", isolate("y ", limit=3), p=1)
    assert render(fragment(shared, "and ", shared), budget_tokens=5, tokenizer=Words()).text == "x y and x y "


def test_a_tree_ten_thousand_scopes_deep_renders() -> None:
    tree: Node = text("bottom")
    for depth in range(10_000):
        tree = scope(tree, "." if depth % 1000 == 0 else None, prel=-1)
    got = render(tree, budget_tokens=20, tokenizer=TiktokenTokenizer("o200k_base"))
    assert got.text == "bottom.........."
    assert got.cutoff == 1e9 - 10_000


def test_only_what_can_matter_is_encoded() -> None:
    tokenizer = TiktokenTokenizer("o200k_base")
    tree = fragment(scope(f"line {number} of a file\n", p=-number) for number in range(20_000))
    render(tree, budget_tokens=500, tokenizer=tokenizer, mode="strict")
    known = sum(f"line {number} of a file\n" in tokenizer.weigh._young for number in range(20_000))
    assert 500 / 7 <= known <= 2 * 500 / 7


@pytest.mark.parametrize("line", ["\n", "word ", "x"])
def test_texts_whose_seams_never_add_up_are_not_counted_again_and_again(line: str) -> None:
    class Counting(TiktokenTokenizer):
        encoded = 0

        def encode(self, text: str) -> list[int]:
            self.encoded += len(text)
            return super().encode(text)

    tokenizer = Counting("o200k_base")
    tree = fragment(scope(line, p=-number) for number in range(2_000))
    got = render(tree, budget_tokens=300, tokenizer=tokenizer)
    assert got.tokens <= 300
    assert tokenizer.encoded < 130 * len(line) * 2_000


def test_steps_tell_the_size_at_each_cutoff_that_was_tried() -> None:
    tree = fragment("a ", scope("b c ", p=2), scope("d ", p=1))
    assert render(tree, budget_tokens=9, tokenizer=Words()).steps == ((1e9, 1), (2.0, 3), (1.0, 4))


def test_what_is_no_tree_is_refused() -> None:
    with pytest.raises(TreeError, match="render takes a tree, not str"):
        render("text", budget_tokens=5, tokenizer=Words())  # type: ignore[arg-type]


def test_an_empty_tree_is_an_empty_text() -> None:
    got = render(fragment(), budget_tokens=0, tokenizer=Words())
    assert (got.text, got.tokens, got.parts, got.omitted) == ("", 0, (), ())
